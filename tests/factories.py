"""What tests need in the database: plain rows, no surprises."""

import itertools
import uuid

from django.utils import timezone

from activities.models import Activity, ActivityType, PropertyRule
from channels.keys import create_api_key
from channels.models import Channel
from consents.models import Consent
from consents.texts import save_text
from contacts.models import Contact
from groups.models import ContactGroup, Membership

_numbers = itertools.count(1)


def make_channel(**fields):
    """A headless channel."""
    number = next(_numbers)
    return Channel.objects.create(
        **{"code_name": f"app-{number}", "name": f"App {number}", **fields}
    )


def make_key(channel=None, **fields):
    """A key for `channel`, and its text."""
    return create_api_key(channel or make_channel(), **{"name": "Test", **fields})


def make_contact(**fields):
    """A contact, anonymous unless the fields say otherwise."""
    return Contact.objects.create(**fields)


def make_activity_type(code_name="custom_loan_calculator", **fields):
    """A custom activity type."""
    return ActivityType.objects.create(
        **{"code_name": code_name, "name": "Loan calculator usage", **fields}
    )


def make_rule(activity_type, name="amount", **fields):
    """A rule that a property is a text, unless the fields say otherwise."""
    return PropertyRule.objects.create(activity_type=activity_type, name=name, **fields)


def make_activity(contact=None, *, channel=None, type=None, **fields):
    """A page visit that was recorded just now."""
    contact = contact or make_contact()
    now = timezone.now()
    return Activity.objects.create(
        contact=contact,
        channel=channel or make_channel(),
        type=type or ActivityType.objects.get(code_name="pagevisit"),
        **{
            "title": "Page visit 'Home'",
            "value": "Home",
            "url": "https://www.example.com/",
            "occurred_at": now,
            "recorded_at": now,
            "logged_as": contact.guid,
            "request_id": uuid.uuid4(),
            **fields,
        },
    )


def make_consent(code_name="TrackingConsent", *, texts=None, **fields):
    """A consent with a text in English, or with `texts`: short texts by language."""
    consent = Consent.objects.create(
        **{"code_name": code_name, "name": "Tracking consent", **fields}
    )
    for language, short_text in (texts or {"en": "<p>May we?</p>"}).items():
        save_text(consent, language=language, short_text=short_text)
    return consent


def make_group(code_name="loan-interest", *, members=(), **fields):
    """A static contact group with these members, unless the fields say otherwise."""
    group = ContactGroup.objects.create(
        **{"code_name": code_name, "name": code_name.capitalize(), "static": True, **fields}
    )
    Membership.objects.bulk_create(Membership(group=group, contact=contact) for contact in members)
    return group
