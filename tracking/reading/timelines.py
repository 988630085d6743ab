"""The timeline of a contact for other systems: what the logs say of it, newest first."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Model, Q

from activities.logs import ACTIVITIES
from activities.models import Activity
from automations.models import Email, EmailEvent, Run
from consents.logs import AGREEMENTS
from consents.models import ConsentAgreement
from contacts.logs import CHANGES
from contacts.models import Contact, ContactChange
from destinations.facts import facts_in
from groups.facts import ENTRIES
from groups.models import MembershipEvent
from readers.logs import Log
from tracking.reading.emails import Told, tell_of_email_events, tell_of_emails, tell_of_runs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Kind(NamedTuple):
    """Rows of contacts, those that `are` so; an index leads to the newest by `at` and id.

    `tell` gives by id what rows say, in a constant number of queries.
    """

    tell: Callable[[Collection[int]], Mapping[int, Told]]
    model: type[Model]
    at: str
    are: Q = Q()


def _of(log: Log) -> Callable[[Collection[int]], Mapping[int, Told]]:
    """What rows of this log say, as destinations are told of it."""

    def tell(ids: Collection[int]) -> dict[int, Told]:
        facts = facts_in(log, ids)
        return {pk: Told(fact.kind, fact.at, fact.data) for pk, fact in facts.items()}

    return tell


# By what a caller asks for.
KINDS = {
    "activities": _Kind(_of(ACTIVITIES), Activity, "occurred_at"),
    "changes": _Kind(_of(CHANGES), ContactChange, "at"),
    "consents": _Kind(_of(AGREEMENTS), ConsentAgreement, "at"),
    "groups": _Kind(_of(ENTRIES), MembershipEvent, "at"),
    "automations": _Kind(tell_of_runs, Run, "entered_at"),
    "emails": _Kind(tell_of_emails, Email, "prepared_at"),
    # That it was sent, the email itself says.
    "email_events": _Kind(
        tell_of_email_events, EmailEvent, "at", are=~Q(kind=EmailEvent.Kind.SENT)
    ),
}


class Position(NamedTuple):
    """Where a row stands: by time, the newest first, then by the name of its kind, then by id."""

    at: datetime
    kind: str
    pk: int

    @property
    def sort_key(self) -> tuple:
        return _EPOCH - self.at, self.kind, -self.pk

    def as_json(self) -> list[Any]:
        """What `from_json` reads."""
        return [(self.at - _EPOCH) // timedelta(microseconds=1), self.kind, self.pk]

    @classmethod
    def from_json(cls, said: Sequence[Any]) -> "Position":
        at, kind, pk = said
        return cls(_EPOCH + timedelta(microseconds=at), kind, pk)


def read_timeline(
    contact: Contact,
    kinds: Iterable[str],
    *,
    limit: int,
    since: datetime | None = None,
    until: datetime | None = None,
    after: Position | None = None,
) -> tuple[list[dict[str, Any]], Position | None]:
    """Entries of these kinds, from `since` on and before `until`, with what older ones follow.

    Every page costs the same number of queries, wherever it is.
    """
    found = sorted(
        (
            place
            for name in kinds
            for place in _next_rows(contact, name, limit + 1, since, until, after)
        ),
        key=lambda place: place.sort_key,
    )
    shown = found[:limit]
    return _told(shown), shown[-1] if len(found) > limit else None


def _next_rows(
    contact: Contact,
    name: str,
    limit: int,
    since: datetime | None,
    until: datetime | None,
    after: Position | None,
) -> list[Position]:
    kind = KINDS[name]
    condition = _after(name, kind.at, after) if after else Q()
    if since:
        condition &= Q(**{f"{kind.at}__gte": since})
    if until:
        condition &= Q(**{f"{kind.at}__lt": until})
    rows = kind.model._default_manager.filter(kind.are, condition, contact=contact)
    ordered = rows.order_by(f"-{kind.at}", "-pk").values_list(kind.at, "pk")
    return [Position(at, name, pk) for at, pk in ordered[:limit]]


def _after(name: str, at: str, position: Position) -> Q:
    """The condition that a row of the kind `name` comes after this position."""
    earlier = Q(**{f"{at}__lt": position.at})
    if name < position.kind:
        return earlier
    # In this form, an index is entered at the position.
    until = Q(**{f"{at}__lte": position.at})
    return until & (earlier | Q(pk__lt=position.pk)) if name == position.kind else until


def _told(shown: Sequence[Position]) -> list[dict[str, Any]]:
    found: dict[tuple[str, int], Told] = {}
    for name in sorted({place.kind for place in shown}):
        ids = [place.pk for place in shown if place.kind == name]
        found |= {(name, pk): told for pk, told in KINDS[name].tell(ids).items()}
    # What was erased or deleted since the page was read is left out.
    entries = (found.get((place.kind, place.pk)) for place in shown)
    return [
        {"type": told.type, "at": told.at.isoformat(), "data": dict(told.data)}
        for told in entries
        if told is not None
    ]
