"""Emails in a few words, on the pages of contacts and activities."""

from collections import defaultdict
from collections.abc import Collection

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from adminsite.formatting import badge
from automations.emails.errors import CannotRender
from automations.emails.places import with_places
from automations.models import Email, EmailEvent

EVENT_KINDS = {
    EmailEvent.Kind.SENT: "good",
    EmailEvent.Kind.OPENED: "good",
    EmailEvent.Kind.CLICKED: "good",
    EmailEvent.Kind.BOUNCED: "bad",
    EmailEvent.Kind.COMPLAINED: "bad",
    EmailEvent.Kind.UNSUBSCRIBED: "warning",
}


def became_of(emails: Collection[Email]) -> dict[int, SafeString]:
    """By the ids of emails, what people have done with them, in one query; sending is not in it."""
    events = EmailEvent.objects.filter(email__in=emails, by_robot=False)
    kinds = defaultdict(set)
    for email_id, kind in events.values_list("email", "kind").distinct():
        kinds[email_id].add(kind)
    return {email_id: _badges(found) for email_id, found in kinds.items()}


def _badges(found: Collection[str]) -> SafeString:
    shown = [kind for kind in EVENT_KINDS if kind in found and kind != EmailEvent.Kind.SENT]
    return format_html_join(" ", "{}", ((badge(kind.label, EVENT_KINDS[kind]),) for kind in shown))


def name_of(email: Email) -> str:
    """What an email is called by its template: its subject may tell what its contact did."""
    return email.template.name if email.template else "An email whose template was deleted"


def subject_of(email: Email) -> str:
    """The subject; that of an email held back, which nobody has filled, has … in its places."""
    if email.status != Email.Status.HELD:
        return email.subject
    try:
        return with_places(email.subject, lambda place: "…")
    except CannotRender:
        return name_of(email)
