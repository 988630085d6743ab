"""Two spellings of a mailbox are one contact at every door, and unseen characters at none."""

import unicodedata
from urllib.parse import urlencode

import pytest

from activities.models import RejectedActivity
from contacts.models import Contact
from tests.factories import make_contact
from tests.wire.activecampaign import Account, activity_of
from tests.wire.activecampaign_api import ApiClient, assert_error
from tests.wire.app import App
from tests.wire.source import event
from tests.work import do_data_inputs

pytestmark = pytest.mark.django_db

TYPED, SENT = "eva@bücher-markt.example", "eva@xn--bcher-markt-thb.example"
SPELLINGS = [SENT, unicodedata.normalize("NFD", TYPED), "EVA@BÜCHER-MARKT.EXAMPLE"]
UNSEEN = "ina@example.com\u200b"
NAME = "U+200B ZERO WIDTH SPACE"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_data_inputs_with_two_spellings_are_of_one_contact(spelling):
    app = App()
    _, contact = app.log_data_input({"ContactEmail": TYPED, "ContactCity": "Bern"})

    _, other = app.log_data_input({"ContactEmail": spelling, "ContactFirstName": "Eva"})

    other.refresh_from_db()
    assert other.merged_into == contact
    contact.refresh_from_db()
    assert (contact.email, contact.city, contact.first_name) == (TYPED, "Bern", "Eva")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_events_name_their_contact_by_any_spelling(source, spelling):
    contact = make_contact(email=TYPED)
    account = Account()

    assert source.send(event(user={"email": spelling})).contact == contact
    source.post_batch(event(user={"email": spelling}), event(user={"email": SENT}))
    assert activity_of(account.post(account.form(visit=f'{{"email":"{spelling}"}}')))
    assert contact.activities.count() == 4
    account.http.get("/visit?" + urlencode({"actid": account.channel.account_id, "e": spelling}))
    do_data_inputs()
    assert Contact.objects.live().get() == contact


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_api_finds_a_contact_by_any_spelling(spelling):
    contact, client = make_contact(email=TYPED), ApiClient()

    found = client.get("/contacts?" + urlencode({"email": spelling})).json()["contacts"]
    assert [(one["id"], one["email"]) for one in found] == [(str(contact.pk), TYPED)]
    synced = client.post("/contact/sync", {"contact": {"email": spelling, "firstName": "Eva"}})
    assert (synced.status_code, synced.json()["contact"]["id"]) == (200, str(contact.pk))
    assert_error(
        client.post("/contacts", {"contact": {"email": spelling}}),
        "duplicate",
        "email",
        "Email address already exists in the system",
    )


def test_a_form_with_an_unseen_character_is_refused_by_its_name():
    app = App()

    result, contact = app.log_data_input({"ContactEmail": UNSEEN})

    detail = f"ContactEmail has a character that nobody sees: {NAME}. Remove it."
    assert result["error"] == {"code": "bad_email", "field": "ContactEmail", "detail": detail}
    assert contact.email == ""


def test_events_with_an_unseen_character_name_nobody_by_it(source):
    contact, account = make_contact(email="ina@example.com"), Account()

    activity = source.send(event(user={"email": UNSEEN}))
    account.post(account.form(visit=f'{{"email":"{UNSEEN}"}}'))

    assert activity.contact != contact
    reasons = RejectedActivity.objects.order_by("pk").values_list("code", "reason")
    assert [code for code, _ in reasons] == ["bad_user_property", "bad_email"]
    assert all(NAME in reason for _, reason in reasons)


@pytest.mark.parametrize("path", ["/contacts", "/contact/sync"])
def test_the_api_refuses_an_unseen_character_by_its_name(path):
    make_contact(email="ina@example.com")

    response = ApiClient().post(path, {"contact": {"email": UNSEEN, "firstName": "Ina"}})

    title = f"email: This email has a character that nobody sees: {NAME}. Remove it."
    assert_error(response, "field_invalid", "email", title)
    assert Contact.objects.get().first_name == ""


def test_nobody_is_listed_by_an_unseen_character():
    make_contact(email="ina@example.com")

    found = ApiClient().get("/contacts?" + urlencode({"email": UNSEEN}))

    assert found.json()["contacts"] == []
