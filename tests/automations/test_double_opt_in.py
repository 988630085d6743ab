"""The ready automation for a double opt-in, from the form to the email after the confirmation."""

import re
from html import unescape

import pytest
from django.conf import settings
from django.test import Client

from activities.models import ActivityType
from automations.models import Automation, Email
from consents.agreements import is_agreed
from consents.models import Consent
from exchange.loading import load
from tests.automations.entries import follow
from tests.automations.mails import path_of
from tests.automations.running import work
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db(transaction=True)
FILE = settings.BASE_DIR / "docs" / "examples" / "automations" / "double-opt-in.yaml"


def test_the_second_email_follows_the_confirmation_by_the_link_in_the_first():
    load([FILE])
    Automation.objects.update(enabled=True)
    follow()
    anna = make_contact(email="anna@example.com")
    make_activity(anna, type=ActivityType.objects.get(code_name="custom_newsletter_asked"))
    follow()
    work()
    (first,) = Email.objects.all()
    path = path_of(unescape(re.search(r'href="([^"]*/email/confirm/[^"]*)"', first.html)[1]))
    reader, consent = Client(enforce_csrf_checks=True), Consent.objects.get()

    page = reader.get(path).content.decode()
    follow()
    work()
    assert not is_agreed(anna, consent)
    assert Email.objects.count() == 1

    reader.post(path, {"text": re.search(r'name="text" value="(\d+)"', page)[1]})
    follow()
    work()

    assert is_agreed(anna, consent)
    assert [email.template.code_name for email in Email.objects.order_by("id")] == [
        "confirm-newsletter",
        "newsletter-confirmed",
    ]
