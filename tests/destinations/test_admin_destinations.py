"""The list of destinations and the page of one: how it is doing, and what can be done with it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from adminsite.formatting import change_url
from destinations.kinds import kind_of
from destinations.models import Delivery, Destination, Queue
from tests.destinations.desk import LIST_URL, make_delivery, make_destination
from tests.destinations.raw_servers import raw_server, says
from tests.factories import make_activity, make_activity_type, make_consent, make_contact

pytestmark = pytest.mark.django_db


def do(client, destination, action):
    response = client.post(f"{LIST_URL}{destination.pk}/do/{action}/", follow=True)
    destination.refresh_from_db()
    return response


def fail_since(destination, at):
    Queue.objects.filter(pk=destination.pk).update(failures=3, failing_since=at)


def age(delivery, **time):
    Delivery.objects.filter(pk=delivery.pk).update(created_at=timezone.now() - timedelta(**time))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Delivering"),
        ({"enabled": False}, "Off"),
        ({"dry": True}, "Dry mode"),
        ({"paused_by": "user"}, "Paused"),
        ({"paused_by": "gone"}, "Paused: it answered 410"),
        ({"paused_by": "failures"}, "Paused: five days of failures"),
    ],
)
def test_the_list_says_how_a_destination_is_doing(admin_client, fields, text):
    destination = make_destination()
    if "paused_by" in fields:
        fields = {**fields, "paused_at": timezone.now()}
    Destination.objects.filter(pk=destination.pk).update(**fields)

    assert f">{text}</span>" in admin_client.get(LIST_URL).text


def test_the_list_says_what_fails_what_waits_and_what_goes_out(admin_client):
    destination = make_destination(activities=["purchase"], consents=["Marketing"])
    fail_since(destination, timezone.now())
    for _ in range(2):
        age(make_delivery(destination), hours=3)
    make_delivery(destination, status="delivered")

    html = admin_client.get(LIST_URL).text

    assert ">Failing</span>" in html
    assert "2, the oldest for 3\xa0hours" in html
    assert "purchase; answers to Marketing" in html
    assert ">Nobody is asked</span>" in html


def test_the_list_has_no_query_for_each_destination(admin_client):
    make_delivery(make_destination())
    admin_client.get(LIST_URL)

    with CaptureQueriesContext(connection) as few:
        admin_client.get(LIST_URL)
    for number in range(5):
        make_delivery(make_destination(f"crm-{number}", consent=make_consent(f"c{number}")))
    with CaptureQueriesContext(connection) as many:
        admin_client.get(LIST_URL)

    assert len(few) == len(many)


def test_a_test_shows_status_time_and_text_of_the_answer(admin_client, loopback):
    answer = says(b"HTTP/1.1 418 Teapot\r\nContent-Length: 15\r\n\r\n<b>I am tea</b>")
    with raw_server(answer) as server:
        destination = make_destination(url=server.url, enabled=False)
        url = f"{LIST_URL}{destination.pk}/test/"
        part = admin_client.post(url, headers={"HX-Request": "true"})
        page = admin_client.post(url)

    assert "Answer 418 after 0." in part.text
    assert "&lt;b&gt;I am tea" in part.text
    assert "<html" not in part.text
    assert "Answer 418 after 0." in page.text
    assert "<html" in page.text
    assert Delivery.objects.filter(kind="test", status="failed").count() == 2


def test_a_test_that_arrives_says_so(admin_client, loopback):
    with raw_server() as server:
        destination = make_destination(url=server.url)
        html = admin_client.post(f"{LIST_URL}{destination.pk}/test/").text

    assert "The test arrived" in html
    assert ">ok</pre>" in html


def test_a_test_to_an_address_that_is_not_allowed_says_why(admin_client, settings):
    settings.DESTINATION_ALLOWED_NETWORKS = []
    destination = make_destination()
    Destination.objects.update(url="http://127.0.0.1:8080/")

    html = admin_client.post(f"{LIST_URL}{destination.pk}/test/").text

    assert "The test did not arrive" in html
    assert "loopback" in html


def test_a_destination_is_paused_and_resumed(admin_client):
    destination = make_destination()
    make_delivery(destination)

    paused = do(admin_client, destination, "pause").text
    again = do(admin_client, destination, "pause").text
    assert destination.paused_by == "user"
    assert "What would go out waits until you resume it." in paused
    assert "It was paused already." in again

    resumed = do(admin_client, destination, "resume").text
    assert destination.paused_at is None
    assert "1 message that has waited goes out now." in resumed
    assert admin_client.post(f"{LIST_URL}{destination.pk}/do/dance/").status_code == 404


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"enabled": False}, "Messages to “CRM” wait until it is switched on."),
        ({"dry": True}, "Messages to “CRM” are skipped: it is in dry mode."),
    ],
)
def test_a_destination_that_holds_messages_up_is_resumed(admin_client, fields, text):
    destination = make_destination(**fields)
    make_delivery(destination)
    do(admin_client, destination, "pause")

    resumed = do(admin_client, destination, "resume").text

    assert f"Resumed. 1 message has waited. {text}" in resumed
    assert "goes out now" not in resumed


def test_a_destination_that_is_paused_holds_up_what_is_sent_again_since_a_time(admin_client):
    destination = make_destination()
    make_delivery(destination, status="failed")
    do(admin_client, destination, "pause")
    since = timezone.localtime() - timedelta(hours=1)
    given = {"day": f"{since:%Y-%m-%d}", "at": f"{since:%H:%M}"}

    html = admin_client.post(f"{LIST_URL}{destination.pk}/again/", given, follow=True).text

    assert "1 message to send again, each with the ID that it had." in html
    assert "Messages to “CRM” wait until it is resumed." in html
    assert "out again" not in html


def test_a_test_of_a_destination_that_is_deleted_meanwhile_says_so(admin_client, monkeypatch):
    destination = make_destination()

    def delete(self, *_):
        Destination.objects.all().delete()
        return "It is gone."

    monkeypatch.setattr(type(kind_of(destination)), "why_not", delete)
    url = f"{LIST_URL}{destination.pk}/test/"

    assert "Another user has deleted this destination meanwhile." in (
        admin_client.post(url, headers={"hx-request": "true"}).text
    )


def test_a_secret_is_rotated_and_the_new_one_shown_once(admin_client):
    destination = make_destination()
    old = destination.secret
    url = f"{LIST_URL}{destination.pk}/secret/"
    assert old not in admin_client.get(url).text

    response = admin_client.post(url)

    destination.refresh_from_db()
    assert destination.secret in response.text
    assert "no-store" in response.headers["Cache-Control"]
    assert destination.earlier_secret == old
    assert "are signed with the secret before, too" in response.text
    page = admin_client.get(change_url(destination)).text
    assert destination.secret not in page
    assert "Earlier secret signs until" in page


def test_a_secret_that_others_know_ends_at_once(admin_client):
    destination = make_destination()

    response = admin_client.post(f"{LIST_URL}{destination.pk}/secret/", {"at_once": "1"})

    destination.refresh_from_db()
    assert destination.earlier_secret == ""
    assert "The secret before does not sign any more." in response.text


def test_only_webhooks_have_a_secret(admin_client):
    destination = make_destination(
        type="segment", url="https://api.example.com/", credentials={"write_key": "key"}
    )

    response = admin_client.post(f"{LIST_URL}{destination.pk}/secret/", follow=True)

    assert "Only webhooks have a secret." in response.text
    assert "Rotate the secret" not in response.text


def test_what_was_made_since_a_time_goes_out_again_with_the_same_ids(admin_client):
    destination = make_destination()
    old = make_delivery(destination, status="delivered")
    age(old, days=2)
    new = [make_delivery(destination, status=status) for status in ("delivered", "failed")]
    make_delivery(destination, status="skipped", payload=None)
    since = timezone.localtime() - timedelta(hours=1)
    given = {"day": f"{since:%Y-%m-%d}", "at": f"{since:%H:%M}"}
    url = f"{LIST_URL}{destination.pk}/again/"

    counted = admin_client.get(url, given).text
    sent = admin_client.post(url, given, follow=True).text

    assert '<strong class="font-semibold text-important">2</strong> messages since' in counted
    assert "2 messages go out again" in sent
    waiting = Delivery.objects.filter(status="waiting").order_by("pk")
    assert [one.message_id for one in waiting] == [one.message_id for one in new]
    old.refresh_from_db()
    assert old.status == "delivered"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"day": "soon"}, "There is no such day and time."),
        ({"day": "2999-01-01"}, "This time is to come."),
        ({"day": "0001-01-01"}, "There is no such day and time."),
        ({"day": "2020-01-01\0"}, "There is no such day and time."),
        ({}, "Choose a day."),
    ],
)
def test_a_time_that_cannot_be_sends_nothing(admin_client, given, text):
    destination = make_destination()
    delivery = make_delivery(destination, status="failed")

    response = admin_client.post(f"{LIST_URL}{destination.pk}/again/", given)

    assert text in response.text
    delivery.refresh_from_db()
    assert delivery.status == "failed"


def test_the_page_warns_of_what_may_be_a_mistake(admin_client):
    make_activity_type("off", enabled=False)
    make_activity_type("silent")
    make_activity()
    rule = {
        "match": "all",
        "conditions": [{"type": "group", "groups": ["gone"]}],
    }
    destination = make_destination(
        url="http://crm.example.com/",
        activities=["pagevisit", "silent", "off", "purchase"],
        groups=["nobody"],
        consents=["NoConsent"],
        rule=rule,
    )

    warnings = admin_client.get(change_url(destination)).context["warnings"]

    said = " ".join(warnings)
    assert "The address begins with http:" in said
    assert "nobody is asked" in said
    assert "No event has brought the activity type “purchase” yet." in said
    assert "No activity of the type “silent” was recorded yet." in said
    assert "The activity type “off” is switched off" in said
    assert "There is no group “nobody”." in said
    assert "There is no consent “NoConsent”." in said
    assert "“gone”" in said
    assert "pagevisit" not in said
    assert len(warnings) == 8


def test_the_page_warns_that_nothing_tells_of_who_revokes_the_consent_it_asks_for(admin_client):
    consent, other = make_consent("Newsletter", name="Our news"), make_consent("Other")

    def warnings(destination):
        return admin_client.get(change_url(destination)).context["warnings"]

    (text,) = warnings(make_destination("told", consent=consent, consents=["newsletter"]))
    assert text.startswith("It asks for “Our news” and is told of the answers to it")
    assert "is not told when a contact revokes it" in text
    assert warnings(make_destination("other", consent=other, consents=["Newsletter"])) == []


def test_a_destination_without_a_mistake_has_no_warning(admin_client):
    make_activity()
    destination = make_destination(activities=["PageVisit"], consent=make_consent())

    assert admin_client.get(change_url(destination)).context["warnings"] == []


def test_the_page_charts_what_became_of_messages_and_what_is_late(admin_client):
    destination = make_destination()
    for status in ("delivered", "delivered", "failed", "waiting"):
        make_delivery(destination, status=status)
    age(make_delivery(destination), minutes=3)
    age(make_delivery(destination), days=4)
    age(make_delivery(destination, status="delivered"), days=3)
    make_delivery(make_destination("other"))

    context = admin_client.get(change_url(destination)).context

    total = [
        sum(one) for one in zip(*(counts for _, counts in context["by_hour"].rows), strict=True)
    ]
    assert total == [2, 2, 1, 0]
    ages = dict(context["late"].ages)
    assert (ages["up to a minute"], ages["1 to 5 minutes"], ages["more than 3 days"]) == (1, 1, 1)
    assert sum(ages.values()) == 3
    assert dict(context["facts"])["Late"] == "2"


def test_a_destination_that_nothing_went_out_to_has_no_charts(admin_client):
    context = admin_client.get(change_url(make_destination())).context

    assert (context["by_hour"], context["late"]) == (None, None)


def test_the_page_says_why_a_destination_fails(admin_client):
    destination = make_destination()
    fail_since(destination, timezone.now())
    make_delivery(destination, attempts=2, last_error="It answered 500.")

    assert "It answered 500." in admin_client.get(change_url(destination)).text


def test_the_page_says_nothing_of_contacts_to_who_may_not_see_them(log_in, admin_client):
    destination = make_destination()
    fail_since(destination, timezone.now())
    contact = make_contact(first_name="Ermintrude")
    make_delivery(destination, contact, attempts=1, last_error="Unknown: Ermintrude")

    assert "Unknown: Ermintrude" in admin_client.get(change_url(destination)).text
    html = log_in("view_destination", "view_delivery").get(change_url(destination)).text
    assert html.count("Unknown: Hidden") == 2
    assert "Ermintrude" not in html


@pytest.mark.parametrize("path", ["do/pause/", "test/", "secret/", "again/"])
def test_who_may_only_look_can_do_nothing(log_in, path):
    destination = make_destination()
    client = log_in("view_destination", "view_delivery")

    assert client.post(f"{LIST_URL}{destination.pk}/{path}").status_code == 403
    assert client.get(change_url(destination)).status_code == 200


@pytest.mark.parametrize("path", ["do/pause/", "test/", "secret/", "again/"])
def test_a_destination_that_there_is_not_is_not_found(admin_client, path):
    assert admin_client.post(f"{LIST_URL}0/{path}").status_code == 404


def test_the_dashboard_says_what_is_late_and_what_the_hub_has_paused(admin_client):
    def figures():
        shown = admin_client.get(reverse("admin:index")).context["work"]
        return {
            one.name: (one.value, one.is_urgent)
            for one in shown
            if "eliver" in one.name or "Dest" in one.name
        }

    assert figures() == {}
    destination = make_destination()
    assert figures() == {"Deliveries late": ("0", False)}
    age(make_delivery(destination), hours=1)
    make_delivery(destination)
    assert figures() == {"Deliveries late": ("1", True)}
    Destination.objects.update(paused_at=timezone.now(), paused_by="failures")
    assert figures() == {"Deliveries late": ("0", False), "Destinations stopped": ("1", True)}


def test_deleting_says_how_many_deliveries_go(admin_client):
    destination = make_destination()
    make_delivery(destination, status="delivered")

    html = admin_client.get(f"{LIST_URL}{destination.pk}/delete/").text

    assert "1 deliveries" in html
    assert "also requests to delete contacts who were erased" in html
    assert "Nothing goes out to it from then on." in html


def test_deleting_says_what_is_not_undone_by_it(admin_client):
    crm = make_destination()
    files = make_destination("files", type="file", url="", options={"folder": "warehouse/events"})

    said = [admin_client.get(f"{LIST_URL}{one.pk}/delete/").text for one in (crm, files)]

    assert ["to delete contacts there go out no more" in text for text in said] == [True, True]
    assert ["Its files in the folder “warehouse/events” stay" in text for text in said] == [
        False,
        True,
    ]


def test_forms_of_another_website_are_refused():
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("chief"))
    destination = make_destination()

    assert client.post(f"{LIST_URL}{destination.pk}/test/").status_code == 403
    assert not Delivery.objects.exists()
