"""Noting what came of attempts to deliver, many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from database.cursors import array_of
from database.questions import Question, ask
from destinations.models import Delivery
from destinations.outcomes import MOST_OF_ANSWER, Outcome, Result
from destinations.schedule import MOST_ATTEMPTS, bounded, next_attempt_at

Status = Delivery.Status

_LONGEST_ERROR = 500
_LARGEST_STATUS = 999
# An outcome counts for the attempt that it is of: another worker may have taken the delivery up
# since. That it has arrived counts in any case, and also if the contact was erased meanwhile; then
# the answer is not kept. A request to delete a contact that was delivered forgets whom.
_NOTE = """
WITH given AS (
    SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::timestamptz[], %s::smallint[],
        %s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS given
        (id, attempts, status, due_at, answer_status, answer, last_error, reason, delivered_at)
), locked AS (
    SELECT id, kind FROM destinations_delivery WHERE id = ANY(%s::bigint[])
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE destinations_delivery AS delivery
SET status = given.status, due_at = coalesce(given.due_at, delivery.due_at),
    answer_status = given.answer_status,
    answer = CASE WHEN delivery.payload IS NULL OR is_over THEN '' ELSE given.answer END,
    payload = CASE WHEN is_over THEN NULL ELSE delivery.payload END,
    last_error = CASE WHEN delivery.payload IS NULL THEN '' ELSE given.last_error END,
    reason = given.reason, delivered_at = given.delivered_at
FROM given JOIN locked USING (id) JOIN LATERAL (
    SELECT locked.kind = 'erasure' AND given.status = 'delivered' AS is_over
) AS request ON true
WHERE delivery.id = given.id
    AND (delivery.status = 'waiting' AND delivery.attempts = given.attempts
        OR given.status = 'delivered' AND delivery.status <> 'delivered')
"""
# As if it had not been tried this time. But it may have been sent before, and be sent again: so the
# time stays, and a destination is asked to delete once too often rather than never.
_TAKE_BACK = """
UPDATE destinations_delivery AS delivery SET attempts = delivery.attempts - 1
FROM unnest(%s::bigint[], %s::int[]) AS given (id, attempts)
WHERE delivery.id = given.id AND delivery.attempts = given.attempts
    AND delivery.attempts > 0 AND delivery.status = 'waiting'
"""


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt, and what came of it: `attempts` is how many it makes with those before."""

    delivery_id: int
    attempts: int
    outcome: Outcome


def note(tried: Sequence[Tried], now: datetime) -> None:
    """Note what came of these attempts, in the transaction of the caller: two statements."""
    not_begun = [one for one in tried if one.outcome.result is Result.NOT_BEGUN]
    if not_begun:
        ids = array_of(one.delivery_id for one in not_begun)
        ask(Question(_TAKE_BACK, [ids, array_of(one.attempts for one in not_begun)], list))
    rows = [_row(one, now) for one in tried if one.outcome.result is not Result.NOT_BEGUN]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        ask(Question(_NOTE, [*columns, array_of(sorted(columns[0]))], list))


def _row(tried: Tried, now: datetime) -> tuple:
    """What becomes of a delivery, as `_NOTE` has it."""
    outcome = tried.outcome
    status, due_at, reason = _becomes(tried, now)
    answered = outcome.status
    return (
        tried.delivery_id,
        tried.attempts,
        str(status),
        due_at,
        answered if answered is not None and 0 <= answered <= _LARGEST_STATUS else None,
        storable(outcome.answer, MOST_OF_ANSWER),
        "" if status == Status.DELIVERED else storable(outcome.error, _LONGEST_ERROR),
        reason,
        now if status == Status.DELIVERED else None,
    )


def _becomes(tried: Tried, now: datetime) -> tuple[str, datetime | None, str]:
    """The status of a delivery after an attempt, when it is due again, and why it failed."""
    outcome = tried.outcome
    error = storable(outcome.error, _LONGEST_ERROR) or "The destination does not say why."
    if outcome.result is Result.DELIVERED:
        return Status.DELIVERED, None, ""
    if outcome.result is Result.REFUSED:
        return Status.FAILED, None, error
    if outcome.result in (Result.GONE, Result.LOST):
        # It waits until the destination is resumed, or for the next worker.
        return Status.WAITING, now, ""
    again_at = next_attempt_at(tried.attempts, now)
    if again_at is None:
        return Status.FAILED, None, f"It has failed {MOST_ATTEMPTS} times within three days."
    wish = bounded(outcome.not_before, now)
    return Status.WAITING, max(again_at, wish) if wish else again_at, ""


def storable(text: str, longest: int) -> str:
    """The beginning of a text from outside, as PostgreSQL can keep it."""
    whole = text[:longest].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return whole.encode(errors="replace").decode()
