"""Carries retention runs out, portion by portion, as long as nobody cancels them."""

import time
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max, Sum
from django.utils import timezone

from activities.erasing import erase_contacts
from activities.expiring import Old, Position, count_old, delete_old
from activities.models import ActivityTypeUse
from adminsite.audit import note
from contacts.models import Contact
from database.cursors import array_of
from jobs.working import stopping
from privacy.models import RetentionRule, RetentionRun
from privacy.retention.people import Found, count_between, find_next, still
from privacy.retention.rules import types_of

_ACTIVITIES = RetentionRule.Kind.ACTIVITIES
_Status = RetentionRun.Status
# So many contacts are erased together. Their rows are locked while their names go.
ERASED_AT_ONCE = 250
# So long a portion of erasures may last, and so long a worker rests after a portion at most:
# recording needs the processors as well.
_SECONDS, _LONGEST_REST = 2.0, 1.0
_EXAMPLES = 5

# When a contact has nothing newer any more, its last activity is kept: just the time.
_KEEP_LAST = """
WITH given AS MATERIALIZED (
    SELECT contact_id, at FROM unnest(%s::bigint[], %s::timestamptz[]) AS given (contact_id, at)
    WHERE NOT EXISTS (
        SELECT FROM activities_activity AS activity
        WHERE activity.contact_id = given.contact_id AND activity.occurred_at >= given.at
    )
), known AS (
    UPDATE privacy_lastactivity AS known SET at = greatest(known.at, given.at)
    FROM given WHERE known.contact_id = given.contact_id RETURNING known.contact_id
)
INSERT INTO privacy_lastactivity (contact_id, at)
SELECT contact_id, at FROM given WHERE contact_id NOT IN (SELECT contact_id FROM known)
ORDER BY contact_id
"""


def go_on(keys: Collection[int]) -> None:
    """Carry out the next portion of these runs."""
    for key in sorted(keys):
        began = time.monotonic()
        if _carry_out_portion(key):
            stopping.wait(min(time.monotonic() - began, _LONGEST_REST))


def _carry_out_portion(key: int) -> bool:
    """Do the next portion; tell whether it deleted anything."""
    with transaction.atomic():
        run = _lock(key)
        if run is None:
            return False
        if (reason := _why_not(run)) is not None:
            _finish(run, _Status.STOPPED, reason)
            return False
        if run.started_at is None:
            _begin(run)
        if run.kind == _ACTIVITIES:
            _portion_of_activities(run)
            return not run.dry
        if run.dry:
            _count_people(run)
            return False
        run.save()
    # Erasures have transactions of their own, so this portion is none.
    return _erase_people(run)


def _lock(key: int) -> RetentionRun | None:
    rows = RetentionRun.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return rows.filter(pk=key, status=_Status.WAITING).select_related("rule__activity_type").first()


def _why_not(run: RetentionRun) -> str | None:
    if run.rule is None:
        return "The rule is gone."
    if not run.dry and not run.rule.enabled:
        return "The rule was switched off."
    if run.requested_at < run.rule.changed_at:
        return "The rule was changed."
    return None


def _begin(run: RetentionRun) -> None:
    run.started_at = timezone.now()
    if run.kind == _ACTIVITIES:
        assert run.rule is not None  # `_why_not` has looked
        uses = ActivityTypeUse.objects.filter(type__in=types_of(run.rule))
        run.total = uses.aggregate(total=Sum("count"))["total"] or 0
        run.end = _expected(run)
    else:
        run.end = Contact.objects.aggregate(end=Max("pk"))["end"] or 0


def _expected(run: RetentionRun) -> int:
    """How much a run is going to delete, if the run before it was a dry one; else 0."""
    before = RetentionRun.objects.filter(rule=run.rule, pk__lt=run.pk).order_by("-pk").first()
    counts = before is not None and before.dry and before.status == _Status.DONE and not run.dry
    return before.found if before is not None and counts else 0


def _portion_of_activities(run: RetentionRun) -> None:
    assert run.rule is not None  # `_why_not` has looked
    old = Old(types=types_of(run.rule), before=run.before, now=run.requested_at)
    position = Position(**run.position)
    after: Position | None
    if run.dry:
        counted = count_old(old, position)
        if not run.found:
            run.examples = counted.first
        run.found += counted.found
        run.kept += counted.kept
        _add(run, counted.months, counted.oldest, counted.newest)
        after = counted.after
    else:
        deleted = delete_old(old, position)
        _keep_last(deleted.last, run.requested_at)
        run.deleted += deleted.deleted
        run.kept += deleted.kept
        run.found = run.deleted + run.kept
        after = deleted.after
    if after is None:
        _finish(run, _Status.DONE)
    else:
        run.position = after._asdict()
        _note_progress(run)


def _keep_last(last: Mapping[int, datetime], now: datetime) -> None:
    if last:
        with connection.cursor() as cursor:
            times = [min(at, now) for at in last.values()]
            cursor.execute(_KEEP_LAST, [array_of(last), times])


def _count_people(run: RetentionRun) -> None:
    found = _next_people(run)
    run.found += len(found.ids) + found.kept
    run.kept += found.kept
    run.total += found.looked_at
    run.agreeing += found.agreeing
    run.examples = [*run.examples, *found.ids][:_EXAMPLES]
    _add(run, found.months, found.oldest, found.newest)
    _go_behind(run, found.after)


def _erase_people(run: RetentionRun) -> bool:
    """Erase contacts for a while, some hundred at least; tell whether anybody was erased."""
    found, ends_at = _next_people(run), time.monotonic() + _SECONDS
    behind: int | None = None
    try:
        for some in batched(found.ids, ERASED_AT_ONCE):
            if behind is not None and (stopping.is_set() or time.monotonic() > ends_at):
                break
            erase_contacts(some, partial(_choose, run, some[-1]), reason="retention")
            behind = some[-1]
        else:
            behind = found.last
    finally:
        erased = _note_looked_at(run, found, behind)
    return bool(erased)


def _choose(run: RetentionRun, behind: int, contact_ids: list[int]) -> set[int]:
    """Those of these locked contacts who are still to be erased, unless the run was cancelled.

    They count as erased from the moment in which their names go: a worker that dies later leaves
    the rest of it to others.
    """
    going = still(run.kind, run.before, contact_ids)
    waiting = RetentionRun.objects.filter(pk=run.pk, status=_Status.WAITING)
    counted = waiting.update(
        deleted=F("deleted") + len(going),
        found=F("found") + len(going),
        position={"id": behind},
    )
    return going if counted else set()


@transaction.atomic
def _note_looked_at(before: RetentionRun, found: Found, behind: int | None) -> int:
    """Keep what is known of the contacts up to this id, and end the run behind the last.

    :param before: the run as it was before them
    :param behind: None if the first of them could not be erased
    :return: how many were erased
    """
    run = _lock(before.pk)
    if run is None:  # cancelled
        return 0
    erased = run.deleted - before.deleted
    if behind is not None:
        position = _position(before)
        run.kept += sum(one <= behind for one in found.kept_ids)
        run.found = run.deleted + run.kept
        run.total += erased + count_between(position, behind)
        _go_behind(run, behind if behind < run.end else None)
    return erased


def _next_people(run: RetentionRun) -> Found:
    return find_next(run.kind, run.before, _position(run), run.end)


def _position(run: RetentionRun) -> int:
    return run.position.get("id", 0)


def _go_behind(run: RetentionRun, after: int | None) -> None:
    if after is None:
        _finish(run, _Status.DONE)
    else:
        run.position = {"id": after}
        _note_progress(run)


def _add(
    run: RetentionRun, months: Counter[str], oldest: datetime | None, newest: datetime | None
) -> None:
    run.months = dict(Counter(run.months) + months)
    run.oldest = min(filter(None, (run.oldest, oldest)), default=None)
    run.newest = max(filter(None, (run.newest, newest)), default=None)


def _note_progress(run: RetentionRun) -> None:
    run.due_at = timezone.now()
    run.attempts, run.last_error = 0, ""
    run.save()


def _finish(run: RetentionRun, status: str, reason: str = "") -> None:
    run.status, run.reason, run.finished_at = status, reason, timezone.now()
    _note_progress(run)
    if run.deleted and run.rule is not None:
        note(f"Deleted {run.deleted:,} by the rule: {run.says}.", **_of(run.rule))


def _of(rule: RetentionRule) -> dict[str, Any]:
    return {"model": rule, "name": str(rule)}
