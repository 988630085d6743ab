"""When a contact entered automations, got emails, and what it did with them, in its timeline."""

from collections.abc import Iterator

from django.db.models import QuerySet

from adminsite.formatting import badge, link_to
from adminsite.permissions import AnyUser
from automations.admin.emails import STATUS as EMAIL_STATUS
from automations.admin.listing import INSIDE
from automations.admin.permissions import may_see_emails, may_see_runs
from automations.admin.runs import STATUS as RUN_STATUS
from automations.admin.runs import where
from automations.admin.showing import EVENT_KINDS, name_of, subject_of
from automations.models import Email, EmailEvent, Run
from contacts.admin.permissions import may_see_contacts
from contacts.admin.timeline import Entry, EntryKind, register_entries, searching
from contacts.models import Contact

_ICONS = {
    EmailEvent.Kind.OPENED: "drafts",
    EmailEvent.Kind.CLICKED: "ads_click",
    EmailEvent.Kind.BOUNCED: "unsubscribe",
    EmailEvent.Kind.COMPLAINED: "report",
    EmailEvent.Kind.UNSUBSCRIBED: "unsubscribe",
}


def _runs_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    return [contact.runs.select_related("automation")]


def _run_entries(contact: Contact, runs: list[Run], user: AnyUser) -> Iterator[Entry]:
    for run in runs:
        yield Entry(
            row=run,
            icon="account_tree",
            label="Entered an automation",
            shown={
                "link": link_to(run, run.automation),
                "status": RUN_STATUS(run),
                "where": where(run) if run.status in INSIDE else "",
            },
        )


def _emails_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    return [contact.emails.select_related("template").defer("html", "text")]


def _email_entries(contact: Contact, emails: list[Email], user: AnyUser) -> Iterator[Entry]:
    shows_subjects = may_see_contacts(user)
    for email in emails:
        name = subject_of(email) if shows_subjects else name_of(email)
        yield Entry(
            row=email,
            icon="mail",
            label="Email",
            shown={
                "link": link_to(email, name),
                "status": EMAIL_STATUS(email),
                "template": name_of(email) if shows_subjects else "",
            },
        )


def _events_of(contact: Contact, user: AnyUser) -> list[QuerySet]:
    # That it was sent, the entry of the email says.
    events = contact.email_events.exclude(kind=EmailEvent.Kind.SENT)
    return [
        events.select_related("email__template").defer("email__html", "email__text"),
    ]


def _event_entries(contact: Contact, events: list[EmailEvent], user: AnyUser) -> Iterator[Entry]:
    shows_details = may_see_contacts(user)
    for event in events:
        kind = EmailEvent.Kind(event.kind)
        name = subject_of(event.email) if shows_details else name_of(event.email)
        yield Entry(
            row=event,
            icon=_ICONS.get(kind, "mail"),
            label=kind.label,
            shown={
                "link": link_to(event.email, name),
                "kind": badge(kind.label, EVENT_KINDS[kind]),
                "detail": event.detail if shows_details else "",
            },
        )


def _find_emails(emails: QuerySet, text: str, user: AnyUser) -> QuerySet:
    fields = ("template__name", "subject") if may_see_contacts(user) else ("template__name",)
    return searching(*fields)(emails, text, user)


def _find_events(events: QuerySet, text: str, user: AnyUser) -> QuerySet:
    fields = ["email__template__name"]
    if may_see_contacts(user):
        fields += ["email__subject", "detail"]
    return searching(*fields)(events, text, user)


register_entries(
    EntryKind(
        name="automations",
        title="Automations",
        position=36,
        may_see=may_see_runs,
        rows=_runs_of,
        at="entered_at",
        describe=_run_entries,
        template="automations/timeline/run.html",
        search=searching("automation__name"),
    )
)
register_entries(
    EntryKind(
        name="emails",
        title="Emails",
        position=37,
        may_see=may_see_emails,
        rows=_emails_of,
        at="prepared_at",
        describe=_email_entries,
        template="automations/timeline/email.html",
        search=_find_emails,
    )
)
register_entries(
    EntryKind(
        name="email-events",
        title="Opens and clicks",
        position=38,
        may_see=may_see_emails,
        rows=_events_of,
        at="at",
        describe=_event_entries,
        template="automations/timeline/event.html",
        search=_find_events,
    )
)
