"""Agreeing by the link in an email, which is the second half of a double opt-in."""

import re

import pytest
from django.test import Client

from automations.models import Automation, Run
from automations.saving import save_automation
from tests.automations.mails import links_of, make_email
from tests.factories import make_activity, make_channel, make_consent, make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger():
    """Who has no session, and no CSRF token."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def newsletter():
    return make_consent("NewsletterConsent", texts={"en": "<p>May we write?</p>"})


def heading(page):
    return re.search("<h1>(.*?)</h1>", page.content.decode())[1]


def test_the_reader_of_a_confirmation_agrees_by_a_post(stranger, newsletter):
    email = make_email()
    path = links_of(email).confirm("newsletterconsent")
    text = newsletter.texts.get(language="en")
    page = stranger.get(path).content.decode()
    assert "May we write?" in page
    assert f'name="text" value="{text.pk}"' in page

    response = stranger.post(path, {"text": text.pk})

    assert "Your agreement is recorded." in response.content.decode()
    agreement = email.contact.agreements.get()
    assert (agreement.agreed, agreement.text) == (True, text)
    assert agreement.request_id == links_of(email).message


def test_confirming_twice_is_confirming_once(stranger, newsletter):
    email = make_email()
    path = links_of(email).confirm("NewsletterConsent")
    text = newsletter.texts.get(language="en")

    for _ in range(2):
        stranger.post(path, {"text": text.pk})

    assert email.contact.agreements.count() == 1
    assert "Your agreement is recorded." in stranger.get(path).content.decode()


@pytest.mark.parametrize("text", ["", "0", "x", "99999999999999999999"])
def test_nobody_confirms_a_text_that_they_have_not_seen(stranger, newsletter, text):
    email = make_email()

    response = stranger.post(links_of(email).confirm("NewsletterConsent"), {"text": text})

    assert response.status_code == 409
    assert email.contact.agreements.count() == 0


def test_a_confirmation_has_the_place_where_it_began(stranger, newsletter):
    channel = make_channel()
    contact = make_contact(email="anna@example.com")
    activity = make_activity(contact, channel=channel)
    email = make_email(contact, run=make_run(contact, activity))
    text = newsletter.texts.get(language="en")

    stranger.post(links_of(email).confirm("NewsletterConsent"), {"text": text.pk})

    assert contact.agreements.get().channel == channel


def make_run(contact, activity):
    automation = Automation(name="A", code_name="a", steps=[{"type": "stop"}])
    save_automation(automation)
    return Run.objects.create(
        automation=automation,
        version=automation.versions.get(),
        contact=contact,
        entered_as=contact.pk,
        cause=Run.Cause.ACTIVITY,
        cause_id=activity.pk,
    )


@pytest.mark.parametrize("code_name", ["Unknown", "", "a\0b"])
def test_a_confirmation_of_an_unknown_consent_leads_to_nothing(stranger, code_name):
    response = stranger.get(links_of(make_email()).confirm(code_name))

    assert heading(response) == "There is nothing here any more"


@pytest.mark.parametrize(
    ("accepted", "title", "text"),
    [
        ("de-AT, en;q=0.5", "Bitte bestätigen Sie", "Dürfen wir?"),
        ("pl, fr-CA;q=0.9, de;q=0.8", "Veuillez confirmer", "Pouvons-nous ?"),
        ("pl", "Please confirm", "May we?"),
        ("", "Please confirm", "May we?"),
        ("x" * 600, "Please confirm", "May we?"),
        ("*", "Please confirm", "May we?"),
    ],
)
def test_who_has_not_agreed_yet_reads_the_language_of_their_browser(
    stranger, accepted, title, text
):
    texts = {"en": "<p>May we?</p>", "de": "<p>Dürfen wir?</p>", "fr": "<p>Pouvons-nous ?</p>"}
    make_consent("NewsConsent", texts=texts)

    page = stranger.get(
        links_of(make_email()).confirm("NewsConsent"), headers={"Accept-Language": accepted}
    )

    assert heading(page) == title
    assert text in page.content.decode()
