"""What the read API tells of automations that contacts entered, and of emails to them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from automations.models import Email, EmailEvent, Run
from database.lookups import Among


class Told(NamedTuple):
    """An entry of a timeline: the text of its type, when it was, and what it says."""

    type: str
    at: datetime
    data: Mapping[str, Any]


def tell_of_runs(ids: Collection[int]) -> dict[int, Told]:
    """By id, the automations that were entered, and how far these runs are; one query."""
    rows = Run.objects.filter(Among("pk", ids)).values_list(
        *("pk", "entered_at", "automation__code_name", "automation__name"),
        *("version__number", "cause", "status", "reason", "finished_at"),
    )
    return {
        pk: Told(
            "automation.entered",
            at,
            {
                "id": pk,
                "automation": code_name,
                "name": name,
                "version": version,
                "cause": cause,
                "status": status,
                "reason": reason,
                "finished_at": _moment(finished_at),
            },
        )
        for pk, at, code_name, name, version, cause, status, reason, finished_at in rows
    }


def tell_of_emails(ids: Collection[int]) -> dict[int, Told]:
    """By id, these emails without their texts; one query."""
    rows = Email.objects.filter(Among("pk", ids)).values_list(
        *("pk", "prepared_at", "template__code_name", "template__name", "subject"),
        *("status", "reason", "recipient", "sent_at", "run"),
    )
    return {
        pk: Told(
            "email",
            at,
            {
                "id": pk,
                "template": template,
                "name": name,
                # Of one that was held back nobody has filled the places.
                "subject": "" if status == Email.Status.HELD else subject,
                "status": status,
                "reason": reason,
                "recipient": recipient,
                "sent_at": _moment(sent_at),
                "run": run,
            },
        )
        for pk, at, template, name, subject, status, reason, recipient, sent_at, run in rows
    }


def tell_of_email_events(ids: Collection[int]) -> dict[int, Told]:
    """By id, what became of emails; one query."""
    rows = EmailEvent.objects.filter(Among("pk", ids)).values_list(
        "pk", "at", "kind", "email", "template__code_name", "detail", "severity", "by_robot"
    )
    return {
        pk: Told(
            f"email.{kind}",
            at,
            {
                "email": email,
                "template": template,
                "detail": detail,
                "severity": severity,
                "by_robot": by_robot,
            },
        )
        for pk, at, kind, email, template, detail, severity, by_robot in rows
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
