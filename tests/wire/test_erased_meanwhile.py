"""A contact is erased while a request about them is answered: no door takes it for a fault."""

import threading

import pytest
from django.db import transaction

from activities.erasing import erase_contact
from activities.models import Activity
from contacts.models import Contact
from contacts.records import lock_records
from crosssite.models import TrackedSite
from tests.crosssite.browsers import MAIN, SHOP, Browser
from tests.factories import make_channel, make_consent, make_contact
from tests.threads import run_at_once, wait_until_somebody_waits
from tests.wire.activecampaign import EMAIL, Account
from tests.wire.activecampaign_api import ApiClient
from tests.wire.app import App, assert_problem
from tests.wire.source import EventSource, event
from tracking.models import ConsentCategory

pytestmark = pytest.mark.django_db(transaction=True)


def answer_while_erasing(contact, send):
    """What `send` is answered that finds the contact, and then waits until they are erased."""
    locked = threading.Event()

    def erase():
        with transaction.atomic():
            lock_records(contact.pk)
            locked.set()
            wait_until_somebody_waits()
            erase_contact(contact.pk)

    def send_meanwhile():
        assert locked.wait(10)
        return send()

    _, response = run_at_once(erase, send_meanwhile)
    assert not Contact.objects.exists()
    assert not Activity.objects.exists()
    return response


def test_headless_door_says_that_there_is_no_such_contact():
    app, contact = App(), make_contact()
    message = app.message({"type": "click", "value": "Buy"}, contact=contact.guid)

    response = answer_while_erasing(contact, lambda: app.post("/activities", message))

    assert_problem(response, 404, "erased")


def test_tracker_is_told_that_there_is_no_such_contact():
    website = make_channel(kind="website", domain=MAIN.partition("://")[2])
    TrackedSite.objects.create(name="Shop", code_name="shop", url=SHOP, channel=website)
    browser = Browser()
    browser.log()
    contact = Contact.objects.get()

    response = answer_while_erasing(contact, browser.log)

    assert_problem(response, 404, "erased")


def test_event_of_the_contact_is_answered_as_any_and_dropped():
    account, contact = Account(), make_contact(email=EMAIL)

    response = answer_while_erasing(contact, lambda: account.post(account.form()))

    assert (response.status_code, response.json()["success"]) == (200, 1)


def test_commanders_act_event_of_the_contact_is_answered_as_any_and_dropped():
    source = EventSource()
    body = event(user={"email": EMAIL})
    source.send(body)
    contact = Contact.objects.get()

    response = answer_while_erasing(contact, lambda: source.post(body))

    assert response.status_code == 200


def test_commanders_act_answer_of_the_contact_is_dropped_with_its_event():
    source, consent = EventSource(), make_consent()
    ConsentCategory.objects.create(channel=source.channel, category="3", consent=consent)
    source.send(event(user={"email": EMAIL}))
    contact = Contact.objects.get()
    body = event(user={"email": EMAIL, "consent_categories": ["3"]})

    response = answer_while_erasing(contact, lambda: source.post(body))

    assert response.status_code == 200


def test_api_says_that_there_is_no_such_contact():
    api, contact = ApiClient(), make_contact(email=EMAIL)
    body = {"contact": {"firstName": "Ada"}}

    response = answer_while_erasing(contact, lambda: api.put(f"/contacts/{contact.pk}", body))

    assert response.status_code == 404
    assert response.json() == {"message": f"No Result found for Subscriber with id {contact.pk}"}
