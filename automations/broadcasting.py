"""Broadcasts: an automation is started for everybody for whom a rule holds."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from automations.approving import CHANGED, needs_approval
from automations.control import stop_runs_of
from automations.entering import Entry, contacts_of, enter, lock_automations
from automations.looked_at import changes_since_approval, look_at, mark_of
from automations.models import Automation, Broadcast, Run
from database.bounded import TooLong, bounded
from groups.compiling import WITHOUT_JIT, members
from groups.looking import clock
from groups.models import ContactGroup
from groups.rules import parse, to_json
from groups.trees import Tree
from jobs.tasks import ring

JOB = "broadcasts"
# A part is one transaction. It looks at so many contacts, and ends when enough were found.
_CONTACTS_AT_ONCE = 5_000
_MOST_LOOKS = 10
_MINUTE = timedelta(minutes=1)
# While its automation is switched off a broadcast waits, and looks so often whether it still is.
_PAUSE = timedelta(seconds=30)
# So long an audience is counted.
_SECONDS_FOR_A_USER, _SECONDS_FOR_A_WORKER = 3.0, 30.0

_Status = Broadcast.Status
_NEXT = """
SELECT id FROM contacts_contact WHERE id > %s AND merged_into_id IS NULL ORDER BY id LIMIT %s
"""
_COUNT = "SELECT count(*) FROM ({}) AS looked WHERE holds AND contact_id > %s"


@dataclass
class _Part:
    """The contacts that come next: those for whom the rule holds, and the last one looked at."""

    found: list[int]
    last: int
    is_last: bool


def everybody_in(group: ContactGroup) -> dict[str, Any]:
    """The rule that holds for the members of a group."""
    return {"match": "all", "conditions": [{"type": "group", "groups": [group.code_name]}]}


def count_audience(rule: object) -> int:
    """For how many contacts a rule holds now.

    :raises InvalidRule: if it is none
    """
    with transaction.atomic():
        return _count(parse(rule))


def request_broadcast(
    automation: Automation,
    *,
    rule: object,
    audience: str,
    by: User | None,
    starts_at: datetime | None = None,
    per_minute: int | None = None,
) -> Broadcast:
    """Have the automation started for everybody for whom `rule` holds, from `starts_at` on.

    If they are as many as the setting AUTOMATION_APPROVAL_FROM says, or counting them takes too
    long, another user approves first.

    :param audience: what the contacts are called, such as the name of a group
    :raises InvalidRule: if the rule is none
    :raises ValidationError: if something else is wrong, such as an archived automation
    """
    tree = parse(rule)
    if per_minute is not None and per_minute < 1:
        raise ValidationError({"per_minute": "Give 1 contact a minute or more, or leave it empty."})
    total = _count_within(_SECONDS_FOR_A_USER, tree)
    starts_at = starts_at or timezone.now()
    with transaction.atomic():
        automation = lock_automations([automation.pk])[automation.pk]
        if automation.archived_at:
            raise ValidationError("The automation is archived: nobody enters it.")
        broadcast = Broadcast.objects.create(
            automation=automation,
            rule=to_json(tree),
            audience=audience[:250],
            requested_by=by,
            starts_at=starts_at,
            due_at=starts_at,
            per_minute=per_minute,
            total=total,
            status=_Status.UNAPPROVED if needs_approval(total) else _Status.WAITING,
        )
        ring(JOB)
    return broadcast


@transaction.atomic
def approve_broadcast(broadcast: Broadcast, *, by: User, looked_at: str) -> None:
    """Let a broadcast begin, or go on, that another user has asked for.

    :param looked_at: what the user has looked at, as `mark_of` says it
    :raises ValidationError: if it waits for nobody's approval, is the user's own, or has changed
    """
    row = _locked(broadcast)
    if row.status != _Status.UNAPPROVED:
        raise ValidationError("This broadcast does not wait for approval.")
    if row.requested_by_id == by.pk:
        raise ValidationError("You have asked for this broadcast: another user has to approve.")
    if looked_at != mark_of(row):
        raise ValidationError(CHANGED)
    row.status, row.approved_by, row.approved_as = _Status.WAITING, by, look_at(row)
    row.due_at = max(row.starts_at, timezone.now())
    row.save()
    broadcast.refresh_from_db()
    ring(JOB)


@transaction.atomic
def stop_broadcast(broadcast: Broadcast, *, runs: bool = False) -> None:
    """Let no more contacts in. Those who have entered go on, unless `runs` says that they end, too.

    Then their emails that are not sent yet are held back.

    :raises ValidationError: if it is over
    """
    row = _locked(broadcast)
    if row.finished_at:
        raise ValidationError("This broadcast is over.")
    row.status, row.finished_at = _Status.STOPPED, timezone.now()
    row.save()
    if runs:
        stop_runs_of(row)
    broadcast.refresh_from_db()


def go_on(keys: Collection[int]) -> None:
    """Let the next contacts of these broadcasts in: as many as a minute has, or a part of them."""
    for key in sorted(keys):
        _let_part_in(key, is_counted=_count_if_needed(key))


def _count_if_needed(key: int) -> bool:
    """Count the audience of a broadcast that begins, or of which more come than were counted.

    Nothing is locked meanwhile, for it may take long.

    :return: whether it was counted, or took too long for that
    """
    rows = Broadcast.objects.filter(pk=key, status=_Status.WAITING)
    row = rows.filter(starts_at__lte=clock(), automation__enabled=True).first()
    if row is None or not _is_to_be_counted(row):
        return False
    left = _count_within(_SECONDS_FOR_A_WORKER, parse(row.rule), after=row.last_contact)
    if left is not None:
        rows.update(total=row.reached + left)
    return True


def _is_to_be_counted(broadcast: Broadcast) -> bool:
    may_need_approval = settings.AUTOMATION_APPROVAL_FROM > 0
    if broadcast.last_contact:
        return may_need_approval and broadcast.total is None
    return may_need_approval or broadcast.total is None


@transaction.atomic
def _let_part_in(key: int, *, is_counted: bool) -> None:
    automation_ids = Broadcast.objects.filter(pk=key).values_list("automation", flat=True)
    # As users who archive do: the automation first.
    automations = lock_automations(automation_ids)
    rows = Broadcast.objects.select_for_update(of=("self",), no_key=True)
    row = rows.filter(pk=key, status=_Status.WAITING).first()
    if row is None:
        return
    now = clock()
    row.automation = automations[row.automation_id]
    if row.starts_at > now or not row.automation.enabled:
        row.due_at = max(row.starts_at, now + _PAUSE)
        row.save(update_fields=["due_at"])
        return
    if not is_counted and _is_to_be_counted(row):
        # It was switched on just now: the next round counts.
        _put_off_to_count(row)
        return
    part = _next_part(row)
    if not is_counted and _are_more_than_counted(row, part):
        _put_off_to_count(row)
        return
    if _is_unapproved(row):
        row.status = _Status.UNAPPROVED
        row.save()
        return
    entries = [Entry(one, Run.Cause.BROADCAST, broadcast_id=row.pk) for one in part.found]
    row.entered += len(enter(row.automation, entries)) if entries else 0
    row.reached += len(part.found)
    row.last_contact = part.last
    row.due_at = now + _MINUTE * (len(part.found) / row.per_minute) if row.per_minute else now
    row.attempts, row.last_error = 0, ""
    if part.is_last:
        row.status, row.finished_at = _Status.DONE, now
    row.save()


def _are_more_than_counted(broadcast: Broadcast, part: _Part) -> bool:
    """Whether so many come with this part that they may need approval: then they are counted."""
    if not settings.AUTOMATION_APPROVAL_FROM or broadcast.total is None:
        return False
    return broadcast.reached + len(part.found) > broadcast.total


def _put_off_to_count(broadcast: Broadcast) -> None:
    broadcast.total, broadcast.due_at = None, clock()
    broadcast.save(update_fields=["total", "due_at"])


def _is_unapproved(broadcast: Broadcast) -> bool:
    """Whether a broadcast would let in what nobody has approved of, and many people."""
    if not needs_approval(broadcast.total):
        return False
    return broadcast.approved_as is None or bool(changes_since_approval(broadcast))


def _next_part(broadcast: Broadcast) -> _Part:
    """Contacts in the order of their ids, so that each comes once and a worker can go on."""
    tree = parse(broadcast.rule)
    most = min(broadcast.per_minute or _CONTACTS_AT_ONCE, _CONTACTS_AT_ONCE)
    part = _Part([], broadcast.last_contact, False)
    for _ in range(_MOST_LOOKS):
        with connection.cursor() as cursor:
            cursor.execute(WITHOUT_JIT)
            cursor.execute(_NEXT, [part.last, _CONTACTS_AT_ONCE])
            ids = [key for (key,) in cursor.fetchall()]
        found = sorted(contacts_of(tree, ids))[: most - len(part.found)] if ids else []
        part.found += found
        is_enough = len(part.found) == most
        part.is_last = len(ids) < _CONTACTS_AT_ONCE and not is_enough
        part.last = found[-1] if is_enough else ids[-1] if ids else part.last
        if is_enough or part.is_last:
            break
    return part


def _count_within(seconds: float, tree: Tree, *, after: int = 0) -> int | None:
    """For how many contacts a rule holds now, of those after one; None if it takes longer."""
    try:
        with bounded(seconds):
            return _count(tree, after=after)
    except TooLong:
        return None


def _count(tree: Tree, *, after: int = 0) -> int:
    statement = members(tree, now=clock())
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_JIT)
        cursor.execute(_COUNT.format(statement.sql), [*statement.params, after])
        return cursor.fetchone()[0]


def _locked(broadcast: Broadcast) -> Broadcast:
    return Broadcast.objects.select_for_update(no_key=True, of=("self",)).get(pk=broadcast.pk)
