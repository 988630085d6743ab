"""Rows of everything that the admin shows, and text that tries to break out of its page."""

import json
import uuid

from django.contrib.auth.models import Group, User

from activities.inspector import readable
from activities.models import Activity, ActivityType, DataInput, RejectedActivity
from channels.models import ApiKey, Channel
from consents.agreements import record_agreement
from consents.models import Consent, ConsentAgreement, ConsentText
from contacts.models import Contact, ContactIdentifier, ContactMerge
from crosssite.models import TrackedSite
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
    make_key,
)
from tracking.models import ConsentCategory, UserProperty

NASTY = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> 🎉 {{ 7 }}"


def make_history(text="Home"):
    """One contact with one of everything, in which every free text is `text`."""
    number = uuid.uuid4().hex[:8]
    consent = make_consent(f"consent-{number}", name=text, texts={"en": f"<p>{text}</p>"})
    channel = make_channel(
        name=text, kind="website", domain=f"{number}.example.com", tracking_consent=consent
    )
    site = TrackedSite.objects.create(
        name=text, code_name=number, url=f"https://{number}.example.com", channel=channel
    )
    make_key(channel, name=text)
    activity_type = make_activity_type(f"type_{number}", name=text, description=text)
    contact = make_contact(
        first_name=text[:100], last_name=text[:100], company_name=text, notes=text
    )
    activity = make_activity(
        contact,
        channel=channel,
        type=activity_type,
        tracked_site=site,
        title=text,
        value=text,
        url=text,
        referrer=text,
        properties={text: text},
    )
    sender = make_contact()
    DataInput.objects.create(
        contact=contact, sent_by=sender, activity=activity, fields={"notes": text}, detail=text
    )
    record_agreement(contact, consent, agreed=True, channel=channel, language="en")
    ContactMerge.objects.create(
        survivor=contact,
        loser=sender,
        reason=ContactMerge.Reason.MARKETER,
        status=ContactMerge.Status.REVIEW,
        loser_before={"notes": text},
        survivor_before={"notes": text},
        detail=text,
    )
    ContactIdentifier.objects.create(
        contact=contact,
        site_id=channel.site_id,
        kind=ContactIdentifier.Kind.USER_ID,
        value=f"{number} {text}",
    )
    make_rejected(text, channel=channel, contact_guid=str(contact.guid))
    ConsentCategory.objects.create(channel=channel, category=text[:100], consent=consent)
    UserProperty.objects.create(name=f"{number} {text}"[:100], contact_field="ContactNotes")
    User.objects.create(username=number, first_name=text)
    Group.objects.create(name=f"{number} {text}")
    return contact


def make_rejected(text="nope", **fields):
    """An inspector line whose payload holds `text`."""
    payload = json.dumps({"type": text}).encode()
    return RejectedActivity.objects.create(
        **{
            "code": "unknown_type",
            "reason": f"There is no activity type “{text}”.",
            "field": "type",
            "door": "headless",
            "request_id": uuid.uuid4(),
            "payload": payload,
            "payload_length": len(payload),
            "payload_text": readable(payload),
            **fields,
        }
    )


SHOWN_MODELS = (
    Activity,
    ActivityType,
    ApiKey,
    Channel,
    Consent,
    ConsentAgreement,
    ConsentCategory,
    ConsentText,
    Contact,
    ContactMerge,
    Group,
    RejectedActivity,
    TrackedSite,
    User,
    UserProperty,
)
