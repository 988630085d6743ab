"""Choosing the deliveries that go out next, and marking that they are tried."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from database.cursors import array_of
from database.lookups import Among
from database.questions import Question, ask
from destinations.kinds import kind_of
from destinations.models import Delivery, Destination
from destinations.permission import obstacles
from destinations.schedule import MOST_ATTEMPTS

Status = Delivery.Status

DRY = "Dry mode: nothing was sent."
# A worker that dies at a delivery each time it tries it must not do so for ever.
_MOST_MARKS = 2 * MOST_ATTEMPTS
_WORN_OUT = "Each time that it was tried the worker ended before there was an answer."
_MARK = """
WITH locked AS (
    SELECT id FROM destinations_delivery WHERE id = ANY(%s::bigint[]) AND status = 'waiting'
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE destinations_delivery AS delivery
SET attempts = delivery.attempts + 1, attempted_at = %s
FROM locked WHERE delivery.id = locked.id
RETURNING delivery.id, delivery.attempts
"""
# What an earlier attempt was answered may quote the payload, and goes with it.
_SKIP = """
UPDATE destinations_delivery AS delivery
SET status = given.status, reason = given.reason,
    payload = CASE WHEN keeps_payload THEN payload END,
    answer = CASE WHEN keeps_payload THEN answer ELSE '' END,
    last_error = CASE WHEN keeps_payload THEN last_error ELSE '' END
FROM (SELECT %s AS status, %s AS keeps_payload, unnest(%s::bigint[]) AS id,
    unnest(%s::text[]) AS reason) AS given
WHERE delivery.id = given.id AND delivery.status = 'waiting'
"""


@dataclass(frozen=True)
class Marked:
    """Deliveries that are tried now, and whether more may be due."""

    deliveries: Sequence[Delivery]
    is_all: bool


def mark_next(
    destination: Destination, *, most: int, besides: Collection[int], now: datetime
) -> Marked:
    """Mark so many of the deliveries that are due as tried, in the transaction of the caller.

    What may not go out, or never can, is noted so. Five statements at most.

    :param destination: with its consent
    :param besides: ids of deliveries that are on their way
    """
    waiting = Delivery.objects.filter(
        destination_id=destination.pk, status=Status.WAITING, due_at__lte=now
    )
    next_ones = waiting.exclude(Among("pk", besides)).order_by("due_at", "pk")
    due = list(next_ones[:most])
    may_go = _without_those_that_must_not(destination, due, now)
    attempts = _mark(may_go, now)
    tried = [one for one in may_go if one.pk in attempts]
    for one in tried:
        one.attempts = attempts[one.pk]
    return Marked(tried, is_all=len(due) < most)


def _without_those_that_must_not(
    destination: Destination, due: Sequence[Delivery], now: datetime
) -> list[Delivery]:
    """The deliveries that may go out; of the others it is noted why they do not."""
    contacts = {one.contact_id for one in due if one.contact_id is not None}
    not_allowed = obstacles(destination, contacts)
    kind = kind_of(destination)
    forbidden, dry, failed = dict[int, str](), dict[int, str](), dict[int, str]()
    for one in due:
        if one.contact_id in not_allowed:
            forbidden[one.pk] = not_allowed[one.contact_id]
        elif destination.dry:
            dry[one.pk] = DRY
        elif one.attempts >= _MOST_MARKS:
            failed[one.pk] = _WORN_OUT
        elif reason := kind.why_not(one.payload or {}, one.occurred_at, now):
            failed[one.pk] = reason
    _skip(forbidden, Status.SKIPPED, keeps_payload=False)
    _skip(dry, Status.SKIPPED, keeps_payload=True)
    _skip(failed, Status.FAILED, keeps_payload=True)
    return [one for one in due if one.pk not in forbidden | dry | failed]


def _skip(reasons: dict[int, str], status: str, *, keeps_payload: bool) -> None:
    if reasons:
        given = [array_of(reasons), list(reasons.values())]
        ask(Question(_SKIP, [str(status), keeps_payload, *given], list))


def _mark(deliveries: Sequence[Delivery], now: datetime) -> dict[int, int]:
    """How often each of them has been tried, this time included; not those that wait no longer."""
    if not deliveries:
        return {}
    ids = array_of(sorted(one.pk for one in deliveries))
    return ask(Question(_MARK, [ids, now], lambda rows: dict(rows)))[0]
