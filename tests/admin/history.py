"""Rows of everything that the admin shows, and text that tries to break out of its page."""

import json
import uuid

from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.utils import timezone

from activities.inspector import readable
from activities.models import (
    Activity,
    ActivityType,
    Correction,
    DataInput,
    MappedName,
    RejectedActivity,
    Replay,
)
from adminsite.models import AuditEntry
from automations.models import (
    Automation,
    Broadcast,
    Email,
    OutboxMessage,
    Passage,
    Run,
    Suppression,
    Template,
)
from channels.models import ApiKey, Channel
from consents.agreements import record_agreement
from consents.models import Consent, ConsentAgreement, ConsentText
from contacts.annotating import add_note, get_or_create_tag, tag_contacts
from contacts.annotations import Tag
from contacts.models import Contact, ContactIdentifier, ContactMerge
from crosssite.models import TrackedSite
from destinations.models import Delivery, Destination
from destinations.saving import save_destination
from exchange.models import Export, Import
from groups.models import ContactGroup, GroupBuild, Membership, MembershipEvent
from jobs.models import BulkAction, Chore
from privacy.certificates import add as add_certificate
from privacy.models import (
    AccessFile,
    Certificate,
    DictionaryEntry,
    KeptAgreement,
    PersonRequest,
    RequestEvent,
    RetentionRule,
    RetentionRun,
)
from readers.models import ReaderState
from tests.automations.mails import add_event, make_email, make_template
from tests.automations.running import enter, make_automation
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
    Chore.objects.create(name=f"Chore {number}", attempts=1, last_error=text)
    ReaderState.objects.update_or_create(name="seen", defaults={"attempts": 1, "last_error": text})
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
    make_rejected(text, channel=channel, contact_guid=str(contact.guid), named=text[:250])
    make_repairs(channel, activity_type, text)
    ConsentCategory.objects.create(channel=channel, category=text[:100], consent=consent)
    UserProperty.objects.create(name=f"{number} {text}"[:100], contact_field="ContactNotes")
    make_group(contact, text, number)
    make_mail(contact, activity, text, number)
    make_mail_without_run(contact, text, number)
    make_told(contact, activity, text, number)
    AccessFile.objects.create(contact=contact, kind="access", doing=text[:200], last_error=text)
    KeptAgreement.objects.create(
        erasure=uuid.uuid4(),
        names=["0" * 64],
        consent=consent,
        agreed=True,
        at=timezone.now(),
        text=consent.texts.get(),
        channel=channel,
        came_by=text[:250],
    )
    make_import(text, number)
    add_note(contact.pk, text, by=None)
    tag_contacts([contact.pk], get_or_create_tag(f"{text[:40]} {number}"), by=None)
    Template.objects.create(
        name=text,
        code_name=number,
        consent=consent,
        subject=text,
        blocks=[{"type": "heading", "text": text}, {"type": "text", "html": text}],
    )
    BulkAction.objects.create(
        kind="add-to-group",
        list_of="contacts.contact",
        query="known=email",
        filters=text,
        options={"name": text},
        says=text[:250],
        end=contact.pk,
        found=1,
        failed=1,
        failures=[[contact.pk, text]],
        last_error=text,
        attempts=1,
    )
    make_request(contact, text)
    make_certificate(text)
    make_retention(activity_type, activity, text)
    make_export(text)
    make_session(User.objects.create(username=number, first_name=text), text)
    Group.objects.create(name=f"{number} {text}")
    return contact


def make_request(contact, text):
    """A request of the contact for access, and what was done about it."""
    request = PersonRequest.objects.create(
        kind="access", contact=contact, way="letter", received_on=timezone.localdate(), notes=text
    )
    RequestEvent.objects.create(request=request, kind="note", says=text, note=text)


def make_certificate(text):
    """A certificate of an erasure, with a destination that could not be asked."""
    now = timezone.now()
    with transaction.atomic():
        add_certificate(
            Certificate(
                at=now,
                began_at=now,
                by=text[:200],
                reason=text,
                source="command",
                names=["guid:0"],
                tables={text: 3},
                destinations=[{"name": text, "code_name": text, "asked": False, "why": text}],
            )
        )


def make_export(text):
    """A file that was made of contacts, and deleted."""
    Export.objects.create(
        list_of="contacts.contact",
        query="known=email",
        filters=text,
        format="csv",
        columns=[{"name": text, "title": text, "kind": "text"}],
        options={"headers": "words"},
        by_name=text[:150],
        status="deleted",
        reason=text,
        finished_at=timezone.now(),
        expires_at=timezone.now(),
        end=1,
        found=1,
        size=1,
        sha256="0" * 64,
    )


def make_session(user, text):
    """A session of `user`, whose browser says `text` of itself."""
    session = SessionStore()
    session.save()
    UserSession.objects.create(
        user=user, ip="203.0.113.9", session_key=session.session_key, user_agent=text
    )


def make_retention(activity_type, activity, text):
    """A retention rule with a dry run that found the activity, and entries of the dictionary."""
    rule = RetentionRule.objects.create(activity_type=activity_type, days=395)
    RetentionRun.objects.create(
        rule=rule,
        says=str(rule)[:500],
        kind=rule.kind,
        dry=True,
        before=timezone.now(),
        status="stopped",
        finished_at=timezone.now(),
        reason=text,
        found=1,
        total=1,
        months={"2026-11": 1},
        examples=[activity.pk],
    )
    for part, name in (("type", ""), ("property", text[:250])):
        DictionaryEntry.objects.create(
            activity_type=activity_type, part=part, name=name, looked_at=1, filled=1
        )


def make_repairs(channel, activity_type, text):
    """A mapped name, a correction, and a replay that has failed."""
    MappedName.objects.create(sent=text, type=activity_type, channel=channel)
    Correction.objects.create(
        code="too_long", field=text, action="replace", text=text, type=activity_type
    )
    Replay.objects.create(
        door="headless",
        channel=channel,
        code="unknown_type",
        field="type",
        named=text,
        newest=1,
        total=1,
        attempts=1,
        last_error=text,
    )


def make_group(contact, text, number):
    """A group with the contact, whose build failed."""
    leaf = {"type": "field", "field": "notes", "operator": "contains", "value": text}
    rule = {"match": "all", "conditions": [leaf]}
    group = ContactGroup.objects.create(
        name=text,
        code_name=number,
        description=text,
        rule=rule,
        served_rule=rule,
        built_version=1,
        built_at=timezone.now(),
    )
    Membership.objects.create(group=group, contact=contact)
    MembershipEvent.objects.create(group=group, contact=contact, entered=True, cause="rule")
    GroupBuild.objects.create(group=group, version=1, attempts=1, last_error=text)


def make_mail(contact, activity, text, number):
    """A run that an activity began, with an email that was held back."""
    steps = [{"type": "email", "template": f"template-{number}"}]
    automation = make_automation(*steps, name=text, code_name=f"automation-{number}")
    run = enter(automation, contact, cause="activity", cause_id=activity.pk, reason=text)
    Passage.objects.create(run=run, automation=automation, step="s1", activity_id=activity.pk)
    Broadcast.objects.create(
        automation=automation,
        rule={"match": "all", "conditions": []},
        audience=text,
        attempts=1,
        last_error=text,
    )
    template = make_template(name=text, code_name=f"template-{number}")
    email = make_email(
        contact, template=template, run=run, status="held", reason=text, subject=text, sent_at=None
    )
    add_event(email, "clicked", detail=text)


def make_mail_without_run(contact, text, number):
    """A message in the outbox, and a suppressed address."""
    raw = f"Subject: {text}\nContent-Type: text/html\n\n<p>{text}</p>".encode()
    OutboxMessage.objects.create(
        contact=contact, recipients=text, sender=text, subject=text, raw=raw
    )
    Suppression.objects.create(email_key=f"{number}@example.com", reason="user", detail=text)


def make_told(contact, activity, text, number):
    """A destination, and a delivery about the contact that has failed."""
    leaf = {"type": "field", "field": "notes", "operator": "contains", "value": text}
    destination = Destination(
        name=text,
        code_name=f"destination-{number}",
        enabled=True,
        url="https://crm.example.com/",
        activities=[text],
        groups=[text],
        consents=[text],
        rule={"match": "all", "conditions": [leaf]},
        mapping=[{"to": text.replace(".", ""), "value": text}],
    )
    save_destination(destination)
    Delivery.objects.create(
        destination=destination,
        contact=contact,
        kind="activity",
        source=f"activity:{activity.pk}",
        payload={text: text},
        status="failed",
        reason=text,
        last_error=text,
        answer=text,
        answer_status=500,
        attempts=1,
        attempted_at=timezone.now(),
        occurred_at=timezone.now(),
    )


def make_import(text, number):
    """An import that was checked, with what was wrong with its rows."""
    problem = {"code": "bad_date", "message": text, "mend": text, "count": 2}
    Import.objects.create(
        name=text,
        headers=[text],
        mapping={text: "email"},
        status="checked",
        sha256=number.rjust(64, "0"),
        checked_at=timezone.now(),
        counts={"rows": 4, "create": 1, "update": 1, "merge": 0, "unchanged": 0, "reject": 2},
        errors=[{**problem, "examples": [{"row": 2, "column": text, "found": text}]}],
        warnings=[{**problem, "examples": []}],
        reason=text,
    )


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
    AccessFile,
    Activity,
    ActivityType,
    ApiKey,
    AuditEntry,
    Automation,
    Broadcast,
    BulkAction,
    Certificate,
    Channel,
    Chore,
    Consent,
    ConsentAgreement,
    ConsentCategory,
    ConsentText,
    Contact,
    ContactGroup,
    ContactMerge,
    Correction,
    Delivery,
    Destination,
    Email,
    Export,
    Group,
    KeptAgreement,
    Import,
    MappedName,
    OutboxMessage,
    PersonRequest,
    DictionaryEntry,
    ReaderState,
    RejectedActivity,
    Replay,
    RetentionRule,
    RetentionRun,
    Run,
    Suppression,
    Tag,
    Template,
    TrackedSite,
    User,
    UserProperty,
    UserSession,
)
