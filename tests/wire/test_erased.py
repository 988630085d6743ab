"""What names a person who was erased is refused by every door, and nothing of it is kept."""

import json

import pytest

from activities.erasing import erase_contact, start_erasure
from activities.models import Activity, DataInput, RejectedActivity
from adminsite.formatting import change_url
from contacts.erased_names import Names, are_erased, suppress
from contacts.models import Contact
from crosssite import main_site
from crosssite.visitors import Visitor
from tests.automations.mails import links_of, make_email
from tests.crosssite.browsers import MAIN, Browser
from tests.factories import make_channel, make_consent, make_contact
from tests.wire.activecampaign import SPAWNED, Account
from tests.wire.activecampaign_api import ApiClient, assert_error
from tests.wire.app import CLICK, App, assert_problem
from tests.wire.source import EventSource, event
from tests.work import do_data_inputs

pytestmark = pytest.mark.django_db

EMAIL = "ada@example.com"
FORM = {"type": "datainput", "value": "Form", "contactFields": {"ContactEmail": "ADA@example.com"}}
TAKEN = (
    "This email belongs to a person who was erased. It can be used again when the person agrees "
    "anew, in a browser or a form."
)


@pytest.fixture
def erased():
    """The GUID of somebody who was erased."""
    contact = make_contact(email=EMAIL)
    erase_contact(contact.pk)
    return contact.guid


def assert_only_that_it_came(field):
    """The inspector has one line, which says that something came, and nothing else of it."""
    line = RejectedActivity.objects.get()
    assert (line.code, line.field) == ("erased", field)
    assert (bytes(line.payload), line.payload_text, line.context) == (b"", "", None)
    assert (line.contact_guid, line.named, line.test_code) == ("", "", "")


@pytest.mark.parametrize("spell", [str, lambda guid: str(guid).upper()])
def test_activities_under_an_erased_guid_are_refused(erased, spell):
    app = App()

    response = app.post("/activities", app.message(CLICK, FORM, contact=spell(erased)))

    assert_problem(response, 404, "erased")
    assert_only_that_it_came("")
    assert not Contact.objects.exists()


@pytest.mark.parametrize("path", ["consents/TrackingConsent"])
def test_answer_to_a_consent_under_an_erased_guid_is_refused(erased, path):
    make_consent()
    app = App()

    response = app.post(f"/contacts/{erased}/{path}", {"isAgreed": True, "agree": True})

    assert_problem(response, 404, "erased")
    # A server's word lifts nothing.
    assert are_erased([erased])


def test_guid_that_never_was_is_unknown(erased):
    app = App()

    response = app.post("/activities", app.message(CLICK, contact=app.channel.guid))

    assert_problem(response, 404, "unknown_contact")


def test_form_with_an_erased_email_is_refused_and_the_rest_is_recorded(erased):
    app = App()

    click, form = app.log({**CLICK, "id": str(app.channel.guid)}, FORM)

    assert click == {"status": 202}
    assert (form["status"], form["error"]["code"], form["error"]["field"]) == (
        *(403, "erased"),
        "ContactEmail",
    )
    assert_only_that_it_came("ContactEmail")
    assert Activity.objects.count() == 1
    assert not DataInput.objects.exists()


def test_event_with_an_erased_email_is_answered_as_any(erased):
    account = Account()

    response = account.post(account.form(visit=json.dumps({"email": "Ada@example.com"})))

    assert (response.status_code, response.content) == (200, SPAWNED)
    assert_only_that_it_came("visit")


@pytest.mark.parametrize("user", [{"email": EMAIL}, {"id": "4711"}])
def test_commanders_act_event_of_an_erased_person_makes_nobody(user):
    source = EventSource()
    source.send(event(user={"email": EMAIL, "id": "4711"}))
    erase_contact(Contact.objects.get().pk)

    response = source.post(event(user={**user, "consistent_anonymous_id": "another"}))

    assert response.status_code == 200
    assert_only_that_it_came("user")
    assert not Contact.objects.exists()


@pytest.mark.parametrize("path", ["/contacts", "/contact/sync"])
def test_api_makes_no_contact_with_an_erased_email(erased, path):
    response = ApiClient().post(path, {"contact": {"email": "ADA@Example.com"}})

    assert_error(response, "erased", "email", TAKEN)
    assert not Contact.objects.exists()


def test_api_gives_nobody_an_erased_email(erased):
    contact = make_contact(email="bob@example.com")

    response = ApiClient().put(f"/contacts/{contact.pk}", {"contact": {"email": EMAIL}})

    assert_error(response, "erased", "email", TAKEN)


def test_deleting_over_the_api_suppresses_the_names():
    api, contact = ApiClient(), make_contact(email=EMAIL)

    assert api.delete(f"/contacts/{contact.pk}").status_code == 200

    response = api.post("/contact/sync", {"contact": {"email": EMAIL}})
    assert response.status_code == 422
    assert are_erased([contact.guid])


@pytest.fixture
def visitor():
    """A browser on a main site that asks for consent, whose visitor was erased."""
    consent = make_consent()
    channel = make_channel(
        kind="website", domain=MAIN.partition("://")[2], tracking_consent=consent
    )
    browser = Browser(origin=MAIN, host=channel.domain)
    browser.agree()
    browser.log(FORM)
    do_data_inputs()
    erase_contact(Contact.objects.get().pk)
    return browser


def test_browser_of_an_erased_person_is_asked_like_a_stranger(visitor):
    assert visitor.status() is False
    assert visitor.log().status_code == 204

    assert not Contact.objects.exists()
    assert not Activity.objects.exists()


def test_visitor_who_agrees_anew_is_a_new_person_with_the_old_email(visitor):
    visitor.agree()
    assert visitor.log(FORM).status_code == 200
    do_data_inputs()

    assert Contact.objects.get().email == "ADA@example.com"
    assert not are_erased(emails=[EMAIL])


def test_form_of_another_visitor_who_agreed_before_the_erasure_is_refused(visitor):
    consent_of_before = Browser(origin=MAIN, host=visitor.host)
    consent_of_before.agree()
    ada = make_contact(email="carl@example.com")
    erase_contact(ada.pk)
    form = {**FORM, "contactFields": {"ContactEmail": "carl@example.com"}}

    response = consent_of_before.log(form)

    assert (response.status_code, response.json()["code"]) == (400, "erased")
    assert are_erased(emails=["carl@example.com"])


def test_user_of_the_admin_gives_nobody_an_erased_email(erased, admin_client):
    contact = make_contact(first_name="Ada")

    page = admin_client.post(change_url(contact), {"email": EMAIL, "first_name": "Ada"})

    assert TAKEN in page.text
    contact.refresh_from_db()
    assert contact.email == ""


def test_page_of_who_is_being_erased_says_that_there_is_none(admin_client, monkeypatch):
    contact = make_contact(email=EMAIL)
    monkeypatch.setattr("contacts.erasures.ring", lambda name: None)
    start_erasure(contact.pk, reason="request")

    page = admin_client.get(change_url(contact), follow=True)

    assert "Perhaps it was deleted?" in page.text


def test_form_of_a_main_site_in_which_somebody_agrees_lets_the_email_come_back(erased, rf):
    consent, channel = make_consent(), make_channel(kind="website", domain="main.example")
    request = rf.post("/")
    request.visitor = Visitor(channel, None)

    main_site.agree(request, consent)
    assert are_erased(emails=[EMAIL])
    main_site.agree(request, consent, email="ADA@example.com")

    assert not are_erased(emails=[EMAIL])


def test_agreeing_on_a_page_behind_an_email_lets_its_reader_come_back(client):
    consent, email = make_consent(), make_email()
    suppress(Names(emails=[email.recipient]))

    client.post(links_of(email).confirm(consent.code_name), {"text": consent.texts.get().pk})

    assert email.contact.agreements.get().agreed
    assert not are_erased(emails=[email.recipient])
