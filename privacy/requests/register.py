"""The register of requests as a table, for the officer and for a supervisory authority."""

import csv
import io
from collections.abc import Iterable, Iterator

from django.db.models import Count, Q
from django.utils import timezone

from adminsite.harmless import harmless
from privacy.models import PersonRequest, RequestEvent
from privacy.models.requests import PersonRequestQuerySet

COLUMNS = (
    *("number", "kind", "person", "person_hash", "how_it_came", "received_on", "received_again"),
    *("registered_at", "registered_by", "due_on", "extended_months", "extension_ground"),
    *("person_told_on", "identity", "identity_proof", "identity_at", "identity_by", "state"),
    *("ended_on", "days_taken", "in_time", "ended_by", "refusal_ground", "erasure_ground"),
    *("erasure_asked_by", "erasure_approved_by", "certificate"),
)
_USERS = (
    *("registered_by", "identity_by", "ended_by", "erasure_asked_by"),
    "erasure_approved_by",
)
_CHUNK = 500


def write_register(rows: PersonRequestQuerySet) -> Iterator[str]:
    """The requests of `rows` as lines of CSV, by number; no spreadsheet takes one for a formula."""
    again = Count("events", filter=Q(events__kind=RequestEvent.Kind.AGAIN))
    rows = rows.select_related(*_USERS).prefetch_related("live_contact")
    rows = rows.annotate(again=again).order_by("pk")
    yield _lines([COLUMNS])
    last = 0
    while found := list(rows.filter(pk__gt=last)[:_CHUNK]):
        last = found[-1].pk
        yield _lines(
            ["" if cell is None else harmless(str(cell)) for cell in _cells(row)] for row in found
        )


def _cells(row: PersonRequest) -> list[object]:
    contact = row.live_contact
    ended_on = (
        row.ended_at and timezone.localtime(row.ended_at, timezone.get_default_timezone()).date()
    )
    return [
        row.pk,
        row.kind,
        (contact.email or contact.guid) if contact else row.email,
        row.person_hash,
        row.way,
        row.received_on,
        row.again,  # type: ignore[attr-defined]
        row.registered_at.isoformat(timespec="seconds"),
        row.registered_by,
        row.due_on,
        row.extended_months,
        row.extension_ground,
        row.told_on,
        row.identity,
        row.identity_proof,
        row.identity_at and row.identity_at.isoformat(timespec="seconds"),
        row.identity_by,
        row.status,
        ended_on,
        ended_on and (ended_on - row.received_on).days,
        ended_on and ("yes" if ended_on <= row.due_on else "no"),
        row.ended_by,
        row.refusal_ground,
        row.erasure_ground,
        row.erasure_asked_by,
        row.erasure_approved_by,
        row.certificate_number,
    ]


def _lines(rows: Iterable[Iterable[object]]) -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue()
