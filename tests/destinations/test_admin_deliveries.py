"""The log of deliveries: found by many ways, without what tells of contacts, and sent again."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activities.admin.personal_data import HIDDEN
from adminsite.formatting import change_url
from destinations.models import Delivery, Destination
from tests.destinations.desk import LOG_URL, make_delivery, make_destination
from tests.factories import make_activity, make_activity_type, make_contact, make_rule

pytestmark = pytest.mark.django_db

NAME = "Ermintrude"


def rows(client, **query):
    return {one.pk for one in client.get(LOG_URL, query).context["cl"].result_list}


def send(client, delivery):
    response = client.post(f"{LOG_URL}{delivery.pk}/again/", follow=True)
    delivery.refresh_from_db()
    return response


def test_deliveries_are_filtered_by_destination_status_kind_and_time(admin_client):
    crm, other = make_destination(), make_destination("other")
    waiting = make_delivery(crm)
    failed = make_delivery(crm, status="failed")
    test = make_delivery(other, status="delivered", kind="test")
    old = make_delivery(other, created_at=timezone.now() - timedelta(days=40))

    assert rows(admin_client) == {waiting.pk, failed.pk, test.pk, old.pk}
    assert rows(admin_client, destination__id__exact=crm.pk) == {waiting.pk, failed.pk}
    assert rows(admin_client, status__exact="failed") == {failed.pk}
    assert rows(admin_client, kind__exact="test") == {test.pk}
    day = f"{timezone.localtime():%Y-%m-%d}"
    assert rows(admin_client, created_at_from_0=day) == {waiting.pk, failed.pk, test.pk}


def test_a_delivery_is_found_by_its_id_and_by_its_contact(admin_client):
    contact = make_contact(email="nina@example.com")
    crm = make_destination()
    first = make_delivery(crm, contact)
    second = make_delivery(crm, contact)
    make_delivery(crm)
    uuid = first.message_id

    for term in (f"msg_{uuid.hex}", uuid.hex, str(uuid)):
        assert rows(admin_client, q=term) == {first.pk}, term
    for term in (str(contact.guid), "NINA@example.com"):
        assert rows(admin_client, q=term) == {first.pk, second.pk}, term
    assert rows(admin_client, q="nobody@example.com") == set()
    assert rows(admin_client, q="msg_") == set()


def test_an_email_is_found_by_users_who_may_see_contacts(log_in):
    delivery = make_delivery(contact=make_contact(email="nina@example.com"))

    client = log_in("view_delivery")
    assert rows(client, q="nina@example.com") == set()
    assert rows(client, q=str(delivery.contact.guid)) == {delivery.pk}


@pytest.fixture
def told():
    """A delivery whose receiver repeats in its answer what it was sent."""
    return make_delivery(
        contact=make_contact(first_name=NAME),
        status="failed",
        attempts=1,
        attempted_at=timezone.now(),
        answer_status=400,
        answer=f'{{"error": "first_name", "given": "{NAME}"}}',
        last_error=f"Not taken: {NAME}",
        reason=f"Not taken: {NAME}",
    )


def test_the_page_shows_message_and_answer(admin_client, told):
    html = admin_client.get(change_url(told)).text

    assert NAME in html
    assert "&quot;given&quot;" in html
    assert f"msg_{told.message_id.hex}" in html


def test_users_who_may_not_see_contacts_see_the_structure_alone(log_in, told):
    client = log_in("view_delivery", "view_destination")

    for url in (LOG_URL, change_url(told)):
        html = client.get(url).text
        assert NAME not in html
        assert str(told.contact.guid) in html
    assert "&quot;first_name&quot;: &quot;Hidden (10 characters)&quot;" in html
    assert (
        "&quot;error&quot;: &quot;first_name&quot;, &quot;given&quot;: &quot;Hidden&quot;" in html
    )
    assert "https://www.example.com/loans" in html


def test_what_may_repeat_a_message_that_was_forgotten_is_hidden(log_in, admin_client, told):
    client = log_in("view_delivery", "view_destination")
    Delivery.objects.update(
        payload=None, status="skipped", reason="The contact has revoked “Newsletter”."
    )

    html = client.get(change_url(told)).text

    assert NAME not in html
    assert "The contact has revoked “Newsletter”." in html
    assert "The contact has revoked “Newsletter”." in client.get(LOG_URL).text
    assert NAME in admin_client.get(change_url(told)).text


def test_an_answer_with_an_email_is_hidden_whole(log_in, told):
    Delivery.objects.update(answer="ermi@example.com is unknown")

    assert "is unknown" not in log_in("view_delivery").get(change_url(told)).text


@pytest.mark.parametrize("is_log", [True, False])
def test_hiding_what_a_message_says_takes_no_query_for_each(log_in, told, is_log):
    client = log_in("view_delivery", "view_destination")
    url = LOG_URL if is_log else change_url(told.destination)
    client.get(url)

    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for _ in range(5):
        make_delivery(
            told.destination, make_contact(), status="failed", reason="It is not taken: 4711"
        )
    with CaptureQueriesContext(connection) as many:
        html = client.get(url).text

    assert html.count("It is not taken: 4711") >= 5
    assert len(few) == len(many)


def test_a_property_that_is_marked_as_personal_is_hidden(log_in):
    make_rule(make_activity_type("lead"), "person.version", is_personal=True)
    payload = {"type": "lead", "version": NAME, "action": "call"}
    delivery = make_delivery(payload=payload, status="failed", reason=f"No {NAME} for call")
    client = log_in("view_delivery")

    assert f"No {HIDDEN} for call" in client.get(LOG_URL).text
    html = client.get(change_url(delivery)).text
    assert NAME not in html
    assert "&quot;action&quot;: &quot;call&quot;" in html


def test_a_test_is_about_nobody_and_shown_to_all(log_in, told):
    Delivery.objects.update(kind="test")

    assert NAME in log_in("view_delivery").get(change_url(told)).text


def test_a_message_that_was_forgotten_says_so(admin_client):
    delivery = make_delivery(status="skipped", payload=None, reason="The contact was erased.")
    Delivery.objects.update(contact=None)

    html = admin_client.get(change_url(delivery)).text

    assert "was forgotten when the contact was erased" in html
    assert "The contact was erased." in html
    assert "Send again" not in html
    assert admin_client.get(LOG_URL).status_code == 200


def test_users_without_contacts_see_deliveries_about_nobody(log_in):
    delivery = make_delivery()
    Delivery.objects.update(contact=None)

    assert log_in("view_delivery").get(change_url(delivery)).status_code == 200


def test_a_delivery_leads_to_its_activity(admin_client, log_in):
    activity = make_activity()
    delivery = make_delivery(source=f"activity:{activity.pk}")

    assert change_url(activity) in admin_client.get(change_url(delivery)).text
    assert change_url(activity) not in log_in("view_delivery").get(change_url(delivery)).text


@pytest.mark.parametrize("status", ["delivered", "failed", "waiting"])
def test_a_delivery_is_sent_again_with_its_id(admin_client, status):
    delivery = make_delivery(status=status, attempts=10)
    before = delivery.message_id

    html = send(admin_client, delivery).text

    assert (delivery.status, delivery.attempts, delivery.message_id) == ("waiting", 0, before)
    assert "1 message goes out in a moment" in html


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"enabled": False}, "Messages to “CRM” wait until it is switched on."),
        ({"paused_at": timezone.now(), "paused_by": "user"}, "wait until it is resumed."),
        ({"dry": True}, "Messages to “CRM” are skipped: it is in dry mode."),
    ],
)
def test_what_is_sent_again_and_held_up_says_so(admin_client, fields, text):
    delivery = make_delivery(status="failed")
    Destination.objects.update(**fields)

    html = send(admin_client, delivery).text

    assert delivery.status == "waiting"
    assert "1 message to send again, with the same ID as before." in html
    assert text in html
    assert "in a moment" not in html


def test_of_several_destinations_those_that_hold_messages_up_are_named(admin_client):
    made = [
        make_delivery(make_destination(), status="failed"),
        make_delivery(make_destination("mail", enabled=False), status="failed"),
        make_delivery(make_destination("ads", enabled=False), status="skipped", payload=None),
    ]

    html = admin_client.post(
        LOG_URL,
        {"action": "send_again", "_selected_action": [one.pk for one in made]},
        follow=True,
    ).text

    assert "2 messages to send again" in html
    assert "Messages to “MAIL” wait until it is switched on." in html
    assert "Messages to “CRM”" not in html
    assert "Messages to “ADS”" not in html


def test_what_may_not_go_out_is_not_sent_again(admin_client):
    delivery = make_delivery(status="skipped", payload=None)

    html = send(admin_client, delivery).text

    assert delivery.status == "skipped"
    assert "are not sent again" in html


def test_several_are_sent_again_from_the_list(admin_client):
    crm = make_destination()
    chosen = [make_delivery(crm, status="failed") for _ in range(3)]
    other = make_delivery(crm, status="failed")

    admin_client.post(
        LOG_URL, {"action": "send_again", "_selected_action": [one.pk for one in chosen]}
    )

    assert set(Delivery.objects.filter(status="waiting")) == set(chosen)
    other.refresh_from_db()
    assert other.status == "failed"


def test_users_who_may_only_look_send_nothing(log_in):
    delivery = make_delivery(status="failed")
    client = log_in("view_delivery", "change_destination")

    assert send(client, delivery).status_code == 403
    client.post(LOG_URL, {"action": "send_again", "_selected_action": [delivery.pk]})

    delivery.refresh_from_db()
    assert delivery.status == "failed"
    assert "Send again" not in client.get(change_url(delivery)).text


def test_a_delivery_that_there_is_not_is_not_found(admin_client):
    assert admin_client.post(f"{LOG_URL}0/again/").status_code == 404
    assert admin_client.post(f"{LOG_URL}x/again/").status_code == 404


def test_the_page_of_an_activity_ends_with_its_deliveries(admin_client, log_in):
    activity = make_activity()
    crm, mail = make_destination(), make_destination("mail")
    source = f"activity:{activity.pk}"
    taken = make_delivery(crm, status="delivered", source=source, answer_status=204)
    make_delivery(mail, status="skipped", source=source, payload=None, reason="Has not agreed.")
    make_delivery(crm)

    html = admin_client.get(change_url(activity)).text

    assert change_url(taken) in html
    assert "Answer 204." in html
    assert "Has not agreed." in html
    assert change_url(taken) not in log_in("view_activity").get(change_url(activity)).text


def test_an_activity_that_went_nowhere_says_so(admin_client):
    assert "None was told" in admin_client.get(change_url(make_activity())).text


def test_the_page_of_a_contact_says_what_has_left(admin_client):
    contact = make_contact(first_name=NAME)
    make_delivery(
        make_destination(), contact, status="delivered", contact_fields=["guid", "first_name"]
    )
    make_delivery(make_destination("mail"), contact, status="skipped", payload=None)

    page = admin_client.get(change_url(contact))

    (section,) = [one for one in page.context["sections"] if one["section"].slug == "destinations"]
    ((left, _, kinds, fields),) = section["content"].context["left"]
    assert (left.destination.code_name, kinds, fields) == ("crm", "Activity: 1", "GUID, first name")
    assert len(section["content"].context["deliveries"]) == 2
    assert "Nothing about this contact has left the hub" in (
        admin_client.get(change_url(make_contact())).text
    )


def test_the_timeline_of_a_contact_has_its_deliveries(admin_client, log_in):
    contact = make_contact()
    delivery = make_delivery(contact=contact, status="delivered")

    assert f'href="{change_url(delivery)}"' in admin_client.get(change_url(contact)).text
    assert change_url(delivery) not in log_in("view_contact").get(change_url(contact)).text


def test_the_inspector_leads_to_where_an_event_went(log_in):
    activity = make_activity()
    crm, mail = make_destination(), make_destination("mail")
    client = log_in("view_rejectedactivity", "view_activity", "view_delivery")

    def way(term):
        page = client.get("/admin/activities/rejectedactivity/", {"q": term})
        links = {link["title"]: link["url"] for link in page.context["list_links"]}
        return links.get("Where it went", "")

    assert way(str(activity.request_id)) == ""
    first = make_delivery(crm, source=f"activity:{activity.pk}")
    assert way(str(activity.request_id)) == way(str(activity.pk)) == change_url(first)
    make_delivery(mail, source=f"activity:{activity.pk}")
    assert way(str(activity.request_id)) == change_url(activity)
    other = make_activity(request_id=activity.request_id)
    assert other.pk != activity.pk
    assert way(str(activity.request_id)).endswith(f"activity/?q={activity.request_id}")
    assert way("nothing") == ""
