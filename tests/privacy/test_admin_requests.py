"""The desk of the data-protection officer: the list, the form, and the page of a request."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from activities.erasing import erase_contact
from adminsite.formatting import change_url, changelist_url
from config.logins.making import make_user
from consents.agreements import is_agreed, record_agreement
from contacts.jobs import ERASURES
from contacts.models import Contact, Erasure
from jobs.working import work_off
from privacy.erasure_file import CannotWrite
from privacy.models import AccessFile, Certificate, PersonRequest
from privacy.requests import answering, erasing
from privacy.requests.due import today
from privacy.requests.erasing import shown_of
from tests.factories import make_activity, make_consent, make_contact
from tests.privacy.asked import ask, ask_and_check

pytestmark = pytest.mark.django_db

LIST = changelist_url(PersonRequest)
ADD = reverse("admin:privacy_personrequest_add")


@pytest.fixture
def ann():
    return make_contact(email="ann@example.com", first_name="Ann", last_name="Berg")


def act_url(request, action):
    return reverse("admin:privacy_personrequest_act", args=[request.pk, action])


def erase_url(request):
    return reverse("admin:privacy_personrequest_erase", args=[request.pk])


def act(client, request, action, **fields):
    """What a button does; the page that the user then sees."""
    response = client.post(act_url(request, action), fields, follow=True)
    request.refresh_from_db()
    return response


def add(client, **fields):
    given = {"kind": "access", "way": "email", "received_on": today().isoformat(), **fields}
    return client.post(ADD, given, follow=True)


def test_the_list_has_the_most_urgent_first_and_what_ended_last(dpo, ann):
    soon = ask("access", ann, days=25)
    late = ask("erasure", ann, days=40)
    calm = ask("portability", ann, days=1)
    over = ask("objection", ann, days=90)
    answering.withdraw(over.pk, "", by=dpo.officer)

    page = dpo.get(LIST)

    assert list(page.context["cl"].result_list) == [late, soon, calm, over]
    assert "days overdue" in page.text
    assert "Ann Berg" in page.text
    overdue = dpo.get(LIST, {"due": "overdue"})
    assert list(overdue.context["cl"].result_list) == [late]
    assert "overdue" in [said.text for said in overdue.context["cl"].said]


@pytest.mark.parametrize("term", ["berg", "ANN@example.com", "guid", "#number"])
def test_a_request_is_found_by_the_person_or_its_number(dpo, ann, term):
    request = ask("access", ann)
    ask("access", make_contact())
    term = {"guid": str(ann.guid), "#number": f"#{request.pk}"}.get(term, term)

    assert list(dpo.get(LIST, {"q": term}).context["cl"].result_list) == [request]


def test_an_empty_list_says_what_requests_are(dpo):
    html = dpo.get(LIST).text

    assert "No requests yet" in html
    assert f'href="{ADD}"' in html


def test_the_sidebar_and_the_dashboard_say_what_is_due(dpo, ann):
    ask("access", ann, days=25)
    ask("erasure", ann, days=1)

    page = dpo.get(reverse("admin:index"))

    (figure,) = [one for one in page.context["work"] if one.name == "Requests of persons"]
    assert (figure.value, figure.note, figure.is_urgent) == ("2", "1 due within 7 days", True)
    (item,) = [
        item
        for group in page.context["sidebar_navigation"]
        for item in group["items"]
        if item["title"] == "Requests"
    ]
    assert item["badge"] == "1"


@pytest.mark.parametrize("who", ["ann@example.com", "Ann Berg", "guid"])
def test_a_request_is_added_for_somebody_by_email_name_or_guid(dpo, ann, who):
    who = str(ann.guid) if who == "guid" else who

    page = add(dpo, who=who, notes="Wrote a letter.")

    request = PersonRequest.objects.get()
    assert (request.contact, request.registered_by) == (ann, dpo.officer)
    assert page.redirect_chain == [(change_url(request), 302)]
    assert "Access: Ann Berg" in page.text


def test_one_of_several_is_chosen(dpo, ann):
    other = make_contact(first_name="Ann", last_name="Other")
    refused = add(dpo, who="Ann")
    assert "Several people are found" in refused.text
    assert 'value="Ann"' in refused.text
    assert {one.pk for one in refused.context["people"]} == {ann.pk, other.pk}

    add(dpo, who="Ann", contact=other.pk)

    assert PersonRequest.objects.get().contact == other


def test_whoever_is_found_by_a_part_of_a_name_is_chosen_as_well(dpo, ann):
    refused = add(dpo, kind="erasure", who="ber")

    assert not PersonRequest.objects.exists()
    assert "Do you mean Ann Berg?" in refused.text
    assert f'value="{ann.pk}"' in refused.text

    add(dpo, kind="erasure", who="ber", contact=ann.pk)

    assert PersonRequest.objects.get().contact == ann


def test_somebody_unknown_is_added_by_the_email(dpo):
    page = add(dpo, who="nobody@example.com")

    assert PersonRequest.objects.get().is_of_unknown
    assert "No contact has or had the email" in page.text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"who": ""}, "Enter who asks"),
        ({"who": "Nobody at all"}, "Nobody is found by this"),
        ({"who": "a@example.com", "contact": "999999"}, "was erased meanwhile"),
        (
            {"who": "a@example.com", "received_on": (today() + timedelta(days=1)).isoformat()},
            "still to come",
        ),
        ({"who": "a@example.com", "received_on": "1899-12-31"}, "25 May 2018"),
        ({"who": "a@example.com", "received_on": "soon"}, "Enter a valid date"),
        ({"who": "a@example.com", "kind": "nonsense"}, "Select a valid choice"),
        ({"who": "a\x00b", "way": "\x00"}, "Null characters are not allowed"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_typed_is_lost(dpo, fields, says):
    page = add(dpo, notes="What she wrote.", **fields)

    assert page.status_code == 200
    assert says in page.text
    assert "What she wrote." in page.text
    assert not PersonRequest.objects.exists()


def test_a_second_request_says_that_it_joined(dpo, ann):
    first = ask("access", ann, days=3)

    page = add(dpo, who="ann@example.com")

    assert PersonRequest.objects.get() == first
    assert "It joined the request of" in page.text
    assert "Received again on" in page.text


def test_people_are_offered_while_a_user_types(dpo, ann):
    url = reverse("admin:privacy_personrequest_people")

    assert f'value="{ann.pk}"' in dpo.get(url, {"who": "ber"}).text
    assert "Nobody has this email" in dpo.get(url, {"who": "new@example.com"}).text
    assert "Nobody is found" in dpo.get(url, {"who": "xyzxyz"}).text


def test_the_page_of_a_contact_leads_to_a_new_request(dpo, ann):
    ask("erasure", ann)
    page = dpo.get(change_url(ann)).text
    assert f'href="{ADD}?contact={ann.pk}"' in page

    form = dpo.get(ADD, {"contact": ann.pk})

    assert form.context["chosen"] == ann.pk
    assert f'value="{ann.pk}" checked' in form.text


def test_an_access_request_from_receipt_to_the_end(dpo, ann):
    request = ask("access", ann)
    assert "The identity is checked" in dpo.get(change_url(request)).text

    act(dpo, request, "identity", proof="email", text="")
    page = act(dpo, request, "file")
    assert "A worker makes the file" in page.text
    AccessFile.objects.update(
        status="ready",
        stored_as="file.zip",
        sha256="0" * 64,
        finished_at=request.registered_at,
        expires_at="2099-01-01T00:00Z",
    )
    assert "Open the file" in dpo.get(change_url(request)).text
    page = act(dpo, request, "finish")

    assert request.status == "done"
    assert "You find the data that we keep about you" in page.text


def test_an_erasure_from_receipt_to_the_certificate(dpo, ann):
    make_activity(ann)
    request = ask_and_check("erasure", ann, by=dpo.officer)
    page = dpo.get(erase_url(request))
    assert ("Activities", 1) in page.context["deleted"]
    form = {"shown": page.context["form"]["shown"].value(), "ground": "consent"}
    wrong = dpo.post(erase_url(request), {**form, "typed": "ann"})
    assert "This is not “ann@example.com”" in wrong.text
    assert not Erasure.objects.exists()

    page = dpo.post(erase_url(request), {**form, "typed": " ANN@example.com "}, follow=True)

    assert "The erasure has begun" in page.text
    progress = reverse("admin:privacy_personrequest_progress", args=[request.pk])
    assert progress in page.text
    assert "HX-Refresh" not in dpo.get(progress).headers
    work_off(ERASURES)
    assert dpo.get(progress).headers["HX-Refresh"] == "true"
    html = dpo.get(change_url(request)).text
    certificate = Certificate.objects.get()
    url = reverse("admin:privacy_certificate_change", args=[certificate.number])
    assert f'href="{url}"' in html
    assert "ann@example.com" not in html
    assert "Ann" not in html
    assert certificate.reason == (
        f"They have withdrawn their consent (Article 17(1)(b)). Request {request.pk} of the person"
    )
    assert dpo.get(url).status_code == 200
    assert not Contact.objects.exists()


def test_an_erasure_by_two(dpo, ann, settings):
    settings.ERASURE_NEEDS_TWO = True
    request = ask_and_check("erasure", ann, by=dpo.officer)
    form = {"shown": shown_of(ann), "ground": "consent", "typed": "ann@example.com"}
    page = dpo.post(erase_url(request), form, follow=True)
    assert "Another user has to approve" in page.text
    own = dpo.post(erase_url(request), form, follow=True)
    assert "another user has to approve" in own.text
    assert not Erasure.objects.exists()
    second = Client()
    second.force_login(User.objects.create_superuser("ben"))
    page = second.get(change_url(request))
    assert "dpo has asked for the erasure" in page.text

    second.post(erase_url(request), {"shown": shown_of(ann), "typed": "ann@example.com"})

    request.refresh_from_db()
    assert request.erasure_approved_by.username == "ben"
    assert Erasure.objects.count() == 1


def test_the_same_form_sent_twice_erases_once(dpo, ann):
    request = ask_and_check("erasure", ann, by=dpo.officer)
    form = {"shown": shown_of(ann), "ground": "consent", "typed": "ann@example.com"}

    dpo.post(erase_url(request), form)
    page = dpo.post(erase_url(request), form, follow=True)

    assert page.status_code == 200
    assert "There is nothing to erase by this request now" in page.text
    assert Erasure.objects.count() == 1


def test_a_file_of_erasures_that_cannot_be_written_is_told(dpo, ann, monkeypatch):
    def refuse(*args, **kwargs):
        raise CannotWrite("The hub cannot write to its file of erasures.")

    monkeypatch.setattr(erasing, "start_erasure", refuse)
    request = ask_and_check("erasure", ann, by=dpo.officer)

    form = {"shown": shown_of(ann), "ground": "consent", "typed": "ann@example.com"}
    page = dpo.post(erase_url(request), form, follow=True)

    assert "cannot write to its file of erasures" in page.text
    request.refresh_from_db()
    assert (request.erasure_ground, request.erasure_id) == ("", None)


def test_an_objection_from_receipt_to_the_end(dpo, ann):
    news = make_consent("News", name="News")
    record_agreement(ann, news, agreed=True)
    request = ask("objection", ann)
    page = dpo.get(change_url(request))
    assert page.context["form"].initial["consents"] == [news.pk]

    page = act(dpo, request, "object", consents=[news.pk], suppresses="on")

    assert request.status == "done"
    assert not is_agreed(ann, news)
    assert "Revoked “News”." in page.text


def test_somebody_unknown_ends_as_nothing_kept(dpo):
    request = ask("erasure", email="nobody@example.com")

    page = act(dpo, request, "nothing")

    assert request.status == "nothing"
    assert "We keep no data about you." in page.text
    assert "nobody@example.com" not in page.text


def test_somebody_who_was_erased_before_is_told_as_such(dpo, ann):
    erase_contact(ann.pk, reason="command")
    request = ask("access", email="Ann@example.com")

    page = dpo.get(change_url(request))

    assert page.context["before"] == Certificate.objects.get()
    assert "Somebody with this email was erased on" in page.text


def test_somebody_unknown_is_found_by_now(dpo):
    request = ask("erasure", email="new@example.com")
    new = make_contact(email="new@example.com")
    assert "This is the person" in dpo.get(change_url(request)).text

    act(dpo, request, "connect", contact=new.pk)

    assert request.contact == new


def test_who_was_erased_while_the_page_was_open_is_no_error(dpo, ann):
    access = ask_and_check("access", ann, by=dpo.officer)
    erasure = ask_and_check("erasure", ann, by=dpo.officer)
    erasing.ask_or_erase(erasure.pk, "consent", shown=shown_of(ann), by=dpo.officer)

    for action in ("file", "finish", "extend", "note", "connect", "nonsense"):
        response = dpo.post(act_url(access, action), {"text": "x"}, follow=True)
        assert response.status_code in (200, 404), action
    page = dpo.get(change_url(access))

    assert "This person was erased meanwhile" in page.text
    work_off(ERASURES)
    act(dpo, access, "nothing")
    assert access.status == "nothing"


def test_a_stale_button_says_what_has_happened(dpo, ann):
    request = ask("access", ann)
    answering.withdraw(request.pk, "", by=dpo.officer)

    page = act(dpo, request, "identity", proof="known", text="")

    assert "Another user has ended this request meanwhile" in page.text


def test_an_extension_that_is_refused_keeps_what_was_typed(dpo, ann):
    request = ask("access", ann, days=3)

    page = act(dpo, request, "extend", months=2, ground="many", told_on="2019-01-01")

    assert page.status_code == 200
    assert "within the first month" in page.text
    assert 'value="2019-01-01"' in page.text
    act(dpo, request, "extend", months=2, ground="many", told_on=today().isoformat())
    assert request.extended_months == 2


@pytest.mark.parametrize("role", ["marketer", "developer"])
def test_other_roles_get_nothing_of_requests(client, ann, role):
    request = ask("access", ann)
    make_user(role, role=role, password="a long password", email=f"{role}@example.com")
    client.force_login(User.objects.get(username=role))

    answers = [
        client.get(LIST),
        client.get(ADD),
        client.get(change_url(request)),
        client.post(change_url(request)),
        client.get(erase_url(request)),
        client.post(act_url(request, "nothing")),
        client.get(reverse("admin:privacy_personrequest_register")),
        client.get(reverse("admin:privacy_personrequest_people")),
        client.get(reverse("admin:privacy_personrequest_progress", args=[request.pk])),
    ]

    assert [answer.status_code for answer in answers] == [403] * len(answers)


def test_who_may_only_look_has_no_buttons(client, ann):
    request = ask("access", ann)
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_personrequest", "view_contact"])
    )
    client.force_login(user)

    page = client.get(change_url(request))

    assert page.status_code == 200
    assert "/do/" not in page.text
    assert client.post(act_url(request, "withdraw")).status_code == 403
