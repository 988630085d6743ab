"""The timeline of a contact for other systems: what the logs say of it, newest first."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Model, Q

from activities.logs import ACTIVITIES
from activities.models import Activity
from consents.logs import AGREEMENTS
from consents.models import ConsentAgreement
from contacts.logs import CHANGES
from contacts.models import Contact, ContactChange
from destinations.facts import Fact, facts_in
from groups.facts import ENTRIES
from groups.models import MembershipEvent
from readers.logs import Log

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Kind(NamedTuple):
    """One log with rows of contacts; an index leads to a contact's newest rows by `at` and id."""

    log: Log
    model: type[Model]
    at: str


# By what a caller asks for.
KINDS = {
    "activities": _Kind(ACTIVITIES, Activity, "occurred_at"),
    "changes": _Kind(CHANGES, ContactChange, "at"),
    "consents": _Kind(AGREEMENTS, ConsentAgreement, "at"),
    "groups": _Kind(ENTRIES, MembershipEvent, "at"),
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
    rows = kind.model._default_manager.filter(condition, contact=contact)
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
    facts: dict[tuple[str, int], Fact] = {}
    for name in sorted({place.kind for place in shown}):
        ids = [place.pk for place in shown if place.kind == name]
        read = facts_in(KINDS[name].log, ids)
        facts |= {(name, pk): fact for pk, fact in read.items()}
    # What was erased or deleted since the page was read is left out.
    told = (facts.get((place.kind, place.pk)) for place in shown)
    return [
        {"type": fact.kind, "at": fact.at.isoformat(), "data": dict(fact.data)}
        for fact in told
        if fact is not None
    ]
