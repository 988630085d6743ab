"""Who would have entered an automation in the past, had it been switched on."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from automations.dates import birthdays_on
from automations.matching import names_of
from automations.models import Automation
from automations.steps import Step, read_steps
from automations.steps.waiting import duration_of
from automations.triggers import Trigger, kind_of
from groups.conditions.base import Scene
from groups.formulas import Statement, put
from groups.planner import for_driver

_A_DAY = timedelta(hours=24)
_MOST_IN_A_DAY = 10
# A wait for a rule that has no longest time may last for ever.
_FOR_EVER = timedelta(days=36_500)
# Of each contact how many rows of the log let in, when the last was, and the times of all of them,
# in seconds, which are quicker to read. Merged contacts come before their survivors are known.
_BY_CONTACT = """
SELECT coalesce(contact.merged_into_id, contact.id), count, last, times FROM (
    SELECT a.contact_id, count(*) AS count, extract(epoch FROM max({at}))::float8 AS last,
        {times} AS times
    FROM {table} AS a WHERE {at} > {{}} AND {at} <= {{}} AND ({{}}) GROUP BY a.contact_id
) AS found JOIN contacts_contact AS contact ON contact.id = found.contact_id
"""
_TIMES = "array_agg(extract(epoch FROM {at})::float8)"
_BORN = """
SELECT id FROM contacts_contact WHERE merged_into_id IS NULL AND birthday IS NOT NULL
    AND (EXTRACT(MONTH FROM birthday), EXTRACT(DAY FROM birthday))
        IN (SELECT * FROM unnest(%s::int[], %s::int[]))
"""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How often one contact would have entered, when the last time was, and how often not."""

    entered: int
    last_at: datetime
    refused: int = 0


def replay(
    automation: Automation, trigger: Trigger, since: datetime, now: datetime
) -> dict[int, Replayed]:
    """By contact, the entries that the trigger finds in this time; its rule is not asked.

    Runs of before do not count: it is as if the automation was new then.
    """
    kind = kind_of(trigger.type)
    if trigger.type == "date":
        return dict.fromkeys(_born(trigger, since, now), Replayed(1, now))
    if kind.log is None:
        return {}
    criterion = kind.criterion(trigger.members, Scene(timezone.now(), names_of([trigger])))
    if criterion is None:
        return {}
    limit = _limit_of(automation)
    times = "NULL::float8[]" if limit.span is None else _TIMES.format(at=kind.at)
    rows = put(
        _BY_CONTACT.format(at=kind.at, table=kind.log.table, times=times), since, now, criterion
    )
    found: dict[int, _Found] = {}
    for contact_id, count, last, seconds in _fetch(rows):
        before = found.get(contact_id, _Found(0, 0.0, []))
        found[contact_id] = _Found(
            before.count + count, max(before.last, last), [*before.times, *(seconds or ())]
        )
    return {contact_id: _replayed(limit, one) for contact_id, one in found.items()}


@dataclass(frozen=True, slots=True)
class _Found:
    """How many rows of the log are of a contact, the time of the last, and of all, in seconds."""

    count: int
    last: float
    times: list[float]


@dataclass(frozen=True)
class _Limit:
    """How often a contact may enter: `most` times within `span`, or ever if that is None."""

    most: int
    span: timedelta | None


def _limit_of(automation: Automation) -> _Limit:
    match automation.runs:
        case Automation.Runs.ONCE:
            return _Limit(1, None)
        case Automation.Runs.IF_NOT_RUNNING:
            return _Limit(1, length_of(read_steps(automation.steps)))
    return _Limit(_MOST_IN_A_DAY, _A_DAY)


def length_of(steps: Sequence[Step]) -> timedelta:
    """How long a run waits at most on its way through these steps."""
    total = timedelta()
    for step in steps:
        if step.type == "wait":
            total += _length_of_wait(step.members)
        total += max((length_of(branch) for branch in step.branches), default=timedelta())
    return min(total, _FOR_EVER)


def _length_of_wait(members: Mapping[str, Any]) -> timedelta:
    if "for" in members:
        return duration_of(members["for"])
    if "at_most" in members:
        return duration_of(members["at_most"])
    return _FOR_EVER if "rule" in members else _A_DAY


def _replayed(limit: _Limit, found: _Found) -> Replayed:
    last_at = datetime.fromtimestamp(found.last, UTC)
    if found.count <= limit.most or limit.span is None:
        entered = min(found.count, limit.most)
    else:
        entered = _entered(limit.most, limit.span.total_seconds(), sorted(found.times))
    return Replayed(entered, last_at, found.count - entered)


def _entered(most: int, span: float, times: Sequence[float]) -> int:
    """How many come about, of entries at these times, if no `span` may have more than `most`."""
    entered = 0
    lately: deque[float] = deque()
    for at in times:
        while lately and lately[0] <= at - span:
            lately.popleft()
        if len(lately) < most:
            lately.append(at)
            entered += 1
    return entered


def _born(trigger: Trigger, since: datetime, now: datetime) -> list[int]:
    zone = timezone.get_default_timezone()
    day, last = timezone.localdate(since, zone) + timedelta(days=1), timezone.localdate(now, zone)
    days: set[tuple[int, int]] = set()
    while day <= last:
        born = day + timedelta(days=trigger.members["days_before"])
        days.update((born.month, number) for number in birthdays_on(born))
        day += timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(_BORN, [[month for month, _ in days], [number for _, number in days]])
        return [key for (key,) in cursor.fetchall()]


def _fetch(statement: Statement) -> list[tuple]:
    ready = for_driver(statement)
    with connection.cursor() as cursor:
        cursor.execute(ready.sql, ready.params)
        return cursor.fetchall()
