"""Which prepared emails may be sent now: the decisions are made again at handing over."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from automations.emails.addresses import BadAddress, ascii_address
from automations.emails.links import unsubscribe_link
from automations.emails.messages import BadHeader, HubMessage, build_message
from automations.emails.noting import hold, put_off
from automations.emails.permission import obstacles
from automations.emails.quiet import read_quiet_hours
from automations.models import Email, Run
from database.lookups import Among

# So often it is looked whether an automation is still paused.
_PAUSE = timedelta(minutes=1)
_STOPPED = "The run was stopped."
_ARCHIVED = "The automation was archived."


@dataclass(frozen=True)
class Ready:
    """An email that may be sent, and its message."""

    email: Email
    message: HubMessage


def make_ready(keys: Collection[int]) -> tuple[list[Ready], list[int]]:
    """Those of these emails that may be sent now, and the keys of those to ask about afterwards.

    The others are held back with the reason, or wait for the end of the quiet hours, or while their
    automation is paused. Where a contact may get so many emails a week, the second of two is asked
    about after the first.
    """
    found = Email.objects.filter(Among("pk", keys), status=Email.Status.PREPARED)
    emails = {email.pk: email for email in found.select_related("contact")}
    emails = {key: emails[key] for key in keys if key in emails}
    later = _second_ones(emails.values()) if settings.EMAILS_PER_CONTACT_AND_WEEK else []
    now = [email for key, email in emails.items() if key not in set(later)]
    now = _without_those_of_paused_automations(_without_those_in_quiet_hours(now))
    refused = _refusals(now)
    hold(refused)
    ready = []
    for email in now:
        if email.pk in refused:
            continue
        try:
            ready.append(Ready(email, _message_of(email)))
        except (BadAddress, BadHeader) as error:
            hold({email.pk: str(error)})
    return ready, later


def _second_ones(emails: Iterable[Email]) -> list[int]:
    seen: set[int] = set()
    second = []
    for email in emails:
        if email.contact_id in seen and not email.is_transactional:
            second.append(email.pk)
        seen.add(email.contact_id)
    return second


def _without_those_in_quiet_hours(emails: list[Email]) -> list[Email]:
    quiet = read_quiet_hours(settings.EMAIL_QUIET_HOURS, settings.TIME_ZONE)
    ends_at: datetime | None = quiet.until(timezone.now()) if quiet else None
    if ends_at is None:
        return emails
    put_off([email.pk for email in emails if not email.is_transactional], ends_at)
    return [email for email in emails if email.is_transactional]


def _without_those_of_paused_automations(emails: list[Email]) -> list[Email]:
    paused = set(
        Run.objects.filter(
            Among("pk", _runs_of(emails)), automation__paused_at__isnull=False
        ).values_list("pk", flat=True)
    )
    put_off([email.pk for email in emails if email.run_id in paused], timezone.now() + _PAUSE)
    return [email for email in emails if email.run_id not in paused]


def _stopped(emails: list[Email]) -> dict[int, str]:
    """By the keys of emails whose run was stopped, or whose automation was archived, why."""
    runs = Run.objects.filter(Among("pk", _runs_of(emails)))
    stopped = runs.filter(
        Q(status=Run.Status.STOPPED) | Q(automation__archived_at__isnull=False)
    ).values_list("pk", "automation__archived_at")
    reasons = {pk: _ARCHIVED if archived_at else _STOPPED for pk, archived_at in stopped}
    return {email.pk: reasons[email.run_id] for email in emails if email.run_id in reasons}


def _runs_of(emails: list[Email]) -> set[int]:
    return {email.run_id for email in emails if email.run_id is not None}


def _refusals(emails: list[Email]) -> dict[int, str]:
    """By the keys of emails that may not be sent, why."""
    refused = _stopped(emails)
    by_consent = sorted(emails, key=_consent_of)
    for (is_transactional, _), group in groupby(by_consent, key=_consent_of):
        some = list(group)
        if not is_transactional and some[0].consent_id is None:
            reason = "The consent that the email needs was deleted."
            refused |= dict.fromkeys((email.pk for email in some), reason)
            continue
        reasons = obstacles(
            {email.contact_id for email in some},
            consent_id=some[0].consent_id,
            check_cap=not is_transactional,
            besides=[email.pk for email in some],
        )
        refused |= {
            email.pk: reasons[email.contact_id] for email in some if email.contact_id in reasons
        }
    return refused


def _consent_of(email: Email) -> tuple[bool, int]:
    return email.is_transactional, email.consent_id or 0


def _message_of(email: Email) -> HubMessage:
    """The message to the contact's present address, which may be another one than when prepared.

    :raises BadAddress: if no email can go to it
    :raises BadHeader: if a header has a line break
    """
    email.recipient = ascii_address(email.contact.email)
    unsubscribe = unsubscribe_link(email.message_id) if email.consent_id is not None else ""
    return build_message(email, to=email.recipient, unsubscribe=unsubscribe)
