"""Builds: a rule is evaluated for all contacts, and the outcome swapped in at once.

Until then the members stay those of the rule before, which the reader and the sweep go on to
follow. A build reads in a transaction without an id, so that readers do not wait for it; what was
recorded meanwhile is looked at again when the members are swapped, with the group locked.
"""

import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone
from psycopg.errors import QueryCanceled

from database.cursors import array_of
from database.outages import is_conflict
from groups.compiling import WITHOUT_JIT, members, of_contacts
from groups.facts import LOGS, causes_of, facts_since
from groups.followed import Followed, follow, meaning_of
from groups.following import GROUPS
from groups.locks import lock_groups, try_lock_build
from groups.looking import clock
from groups.models import ContactGroup, GroupBuild
from groups.planner import reading_by_indexes
from groups.requesting import request_build
from jobs.working import stopping
from readers.reading import join

_Status, _Phase = GroupBuild.Status, GroupBuild.Phase

_IN_MEMORY_BYTES = 8_000_000
_SECONDS_BETWEEN_LOOKS = 0.5
_MOST_SECONDS_UNTIL_IT_BEGINS = 60.0
_MOST_SWAPS = 20
_CHUNK = 5_000

# One at a time in a worker: it has other things to do.
_at_work = threading.Lock()


class NotYet(Exception):
    """A build cannot begin or end yet, and is tried again."""


def build_groups(keys: Collection[int]) -> None:
    """Carry out these builds, as far as they wait and no other worker is at them."""
    if not _at_work.acquire(blocking=False):
        return
    try:
        for key in keys:
            _build(key)
    finally:
        _at_work.release()


def build_now(group: ContactGroup, by: User | None = None) -> GroupBuild:
    """Ask for a build, carry it out or wait for the worker that does, and return it.

    If it becomes outdated meanwhile, that is the next one's build.

    :raises CannotBuild: if the group is static, or switched off
    :raises NotYet: if it could not begin for a minute
    """
    build = request_build(group, by)
    gives_up_at = time.monotonic() + _MOST_SECONDS_UNTIL_IT_BEGINS
    while True:
        try:
            _build(build.pk)
        except NotYet:
            if time.monotonic() > gives_up_at:
                raise
        build.refresh_from_db()
        if build.status == _Status.OUTDATED:
            newer = GroupBuild.objects.filter(group=group, pk__gt=build.pk).order_by("pk").last()
            build = newer or request_build(group, by)
        elif build.status != _Status.WAITING:
            return build
        else:
            time.sleep(_SECONDS_BETWEEN_LOOKS / 5)


_COPY = "COPY (SELECT contact_id, holds, due_at FROM ({found}) AS found) TO STDOUT"


@dataclass(frozen=True)
class _Read:
    """What was read of a rule: rows for COPY, and from which transaction on it may be outdated."""

    rows: IO[bytes]
    rule: Followed
    meaning: str
    since: str
    now: datetime


def _build(key: int) -> None:
    group = _begin(key)
    if group is None:
        return
    if not join(GROUPS):
        raise NotYet("Transactions still run that began before the hub did.")
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as rows:
        try:
            read = _read(key, group, rows)
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            if stopping.is_set() or not _is_waiting(key):
                return
            raise NotYet("The server stopped reading the history.") from error
        if read is not None:
            _enter(key, _Phase.COMPARING)
            _swap_in_turn(key, read)


@transaction.atomic
def _begin(key: int) -> ContactGroup | None:
    """Take note that the build begins, unless it is over, outdated, or another worker is at it."""
    build = GroupBuild.objects.filter(pk=key, status=_Status.WAITING).first()
    if build is None or not try_lock_build(build.group_id):
        return None
    group = ContactGroup.objects.get(pk=build.group_id)
    if build.version != group.version or group.static or not group.enabled:
        _finish(key, _Status.OUTDATED)
        return None
    started = GroupBuild.objects.filter(pk=key, status=_Status.WAITING)
    started.update(phase=_Phase.READING, started_at=timezone.now())
    return group


def _enter(key: int, phase: GroupBuild.Phase) -> None:
    GroupBuild.objects.filter(pk=key, status=_Status.WAITING).update(phase=phase)


def _finish(key: int, status: GroupBuild.Status, **figures: int) -> None:
    GroupBuild.objects.filter(pk=key, status=_Status.WAITING).update(
        status=status, finished_at=timezone.now(), attempts=0, last_error="", **figures
    )


def _is_waiting(key: int) -> bool:
    return GroupBuild.objects.filter(pk=key, status=_Status.WAITING).exists()


def _read(key: int, group: ContactGroup, rows: IO[bytes]) -> _Read | None:
    """Evaluate the rule for all contacts; None if another worker does.

    :raises InvalidRule: if the rule cannot be read
    """
    with _cancelled_if_over(key), transaction.atomic():
        if not try_lock_build(group.pk):
            return None
        with connection.cursor() as cursor:
            # If this worker is killed, the server ends the statement, and the next one can begin.
            cursor.execute("SET LOCAL client_connection_check_interval = '1s'")
            cursor.execute(WITHOUT_JIT)
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
            (since,) = cursor.fetchone()
            rule, now = follow(group.rule), clock()
            meaning = meaning_of(rule)
            statement = members(rule.tree, now=now, known=rule.known)
            copying = _COPY.format(found=statement.sql)
            with (
                reading_by_indexes(cursor),
                connection.wrap_database_errors,
                cursor.copy(copying, statement.params) as copy,
            ):
                for block in copy:
                    rows.write(block)
    return _Read(rows, rule, meaning, since, now)


@contextmanager
def _cancelled_if_over(key: int) -> Iterator[None]:
    """Have the server stop this connection's statement when the build is given up.

    That is looked for by another connection. It sees nothing of a transaction of the caller.
    """
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    is_read = threading.Event()

    def watch() -> None:
        try:
            while not is_read.wait(_SECONDS_BETWEEN_LOOKS):
                if stopping.is_set() or not _is_waiting(key):
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_cancel_backend(%s)", [pid])
        finally:
            connections.close_all()

    watcher = threading.Thread(target=watch, name="build watcher", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_read.set()
        watcher.join()


# A caller's transaction may build another group.
_STAGE = """
DROP TABLE IF EXISTS pg_temp.groups_staged;
CREATE TEMPORARY TABLE groups_staged (contact_id bigint, holds boolean, due_at timestamptz)
ON COMMIT DROP
"""
_REPLACE = """
WITH old AS (DELETE FROM groups_staged WHERE contact_id = ANY(%s::bigint[]))
INSERT INTO groups_staged SELECT contact_id, holds, due_at FROM ({looked}) AS looked
WHERE holds OR due_at IS NOT NULL
"""
# The contacts about whom rows are written or deleted. An erasure waits, and then finds the rows.
_LOCK_CONTACTS = """
SELECT count(*) FROM (
    SELECT FROM contacts_contact AS contact JOIN (
        SELECT contact_id FROM groups_staged AS staged
        WHERE (holds AND NOT EXISTS (
            SELECT FROM groups_membership AS old
            WHERE old.group_id = %(group)s AND old.contact_id = staged.contact_id
        )) OR (due_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM groups_membershipdue AS old WHERE old.group_id = %(group)s
            AND old.contact_id = staged.contact_id AND old.due_at = staged.due_at
        ))
        UNION SELECT contact_id FROM groups_membership AS old
        WHERE group_id = %(group)s AND NOT EXISTS (
            SELECT FROM groups_staged AS staged
            WHERE staged.contact_id = old.contact_id AND holds
        )
        UNION SELECT contact_id FROM groups_membershipdue AS old
        WHERE group_id = %(group)s AND NOT EXISTS (
            SELECT FROM groups_staged AS staged
            WHERE staged.contact_id = old.contact_id AND staged.due_at IS NOT NULL
        )
    ) AS written ON written.contact_id = contact.id
    ORDER BY contact.id FOR KEY SHARE OF contact {how}
) AS locked
"""
_LEAVE_OUT = """
DELETE FROM groups_staged WHERE NOT EXISTS (
    SELECT FROM contacts_contact AS contact
    WHERE contact.id = contact_id AND contact.merged_into_id IS NULL
)
"""
_SWAP = """
WITH asserted AS MATERIALIZED (
    SELECT contact_id FROM groups_staged WHERE holds
), entered AS (
    INSERT INTO groups_membership (group_id, contact_id, since)
    SELECT %(group)s, contact_id, %(now)s FROM asserted WHERE NOT EXISTS (
        SELECT FROM groups_membership AS old
        WHERE old.group_id = %(group)s AND old.contact_id = asserted.contact_id
    ) ORDER BY contact_id
    RETURNING contact_id
), gone AS (
    DELETE FROM groups_membership AS old WHERE group_id = %(group)s AND NOT EXISTS (
        SELECT FROM asserted WHERE asserted.contact_id = old.contact_id
    )
    RETURNING contact_id
), over AS (
    DELETE FROM groups_membershipdue AS old WHERE group_id = %(group)s AND NOT EXISTS (
        SELECT FROM groups_staged AS staged
        WHERE staged.contact_id = old.contact_id AND staged.due_at IS NOT NULL
    )
), due AS (
    INSERT INTO groups_membershipdue AS old (group_id, contact_id, due_at)
    SELECT %(group)s, contact_id, due_at FROM groups_staged WHERE due_at IS NOT NULL
    ORDER BY contact_id
    ON CONFLICT (group_id, contact_id) DO UPDATE SET due_at = excluded.due_at
    WHERE old.due_at <> excluded.due_at
), flipped AS (
    SELECT contact_id, true AS entered FROM entered
    UNION ALL SELECT contact_id, false FROM gone
), kept AS (
    INSERT INTO groups_membershipevent (group_id, contact_id, entered, at, cause, cause_id)
    SELECT %(group)s, contact_id, entered, %(now)s, 'rule', %(build)s FROM flipped
    ORDER BY contact_id
)
SELECT (SELECT count(*) FROM asserted), (SELECT count(*) FROM entered), (SELECT count(*) FROM gone)
"""


def _swap_in_turn(key: int, read: _Read) -> None:
    """Swap; begin anew after a pause if other transactions are in the way.

    :raises NotYet: if they were for ten seconds
    """
    for _ in range(_MOST_SWAPS):
        try:
            return _swap(key, read)
        except OperationalError as error:
            if not is_conflict(error):
                raise
        if stopping.wait(_SECONDS_BETWEEN_LOOKS):
            return None
    raise NotYet("Contacts that enter or leave the group are being erased.")


@transaction.atomic
def _swap(key: int, read: _Read) -> None:
    """Make what was read the members, and have them follow the rule from now on."""
    asked = GroupBuild.objects.filter(pk=key, status=_Status.WAITING).first()
    if asked is None:
        return
    _stage(read)
    # First contacts, then groups, as all do (`locks.py`).
    _lock_contacts(asked.group_id)
    # In the order in which requests for builds lock: first the group, then its build.
    groups = ContactGroup.objects.select_for_update(of=("self",), no_key=True)
    group = groups.filter(builds=key).first()
    waiting = GroupBuild.objects.filter(pk=key, status=_Status.WAITING)
    build = waiting.select_for_update(of=("self",)).first()
    if group is None or build is None:
        return
    if build.version != group.version:
        _finish(key, _Status.OUTDATED)
        return
    lock_groups([group.pk])
    _look_at_what_came(read)
    # Who came meanwhile. To wait for an erasure now would be against the order.
    _lock_contacts(group.pk, "NOWAIT")
    with connection.cursor() as cursor:
        with reading_by_indexes(cursor):
            cursor.execute(_LEAVE_OUT)
        cursor.execute(_SWAP, {"group": group.pk, "now": clock(), "build": build.pk})
        count, entered, left = cursor.fetchone()
    ContactGroup.objects.filter(pk=group.pk).update(
        built_version=build.version,
        built_at=timezone.now(),
        served_rule=group.rule,
        built_meaning=read.meaning,
    )
    _finish(key, _Status.DONE, members=count, entered=entered, left=left)


def _stage(read: _Read) -> None:
    read.rows.seek(0)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.execute(_STAGE)
        with cursor.copy("COPY groups_staged FROM STDIN") as copy:
            while block := read.rows.read(1 << 16):
                copy.write(block)


def _lock_contacts(group_id: int, how: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE groups_staged")
        cursor.execute(_LOCK_CONTACTS.format(how=how), {"group": group_id})


def _look_at_what_came(read: _Read) -> None:
    """Look again at the contacts of whom something was recorded since the reading began."""
    came = sorted(
        {
            contact_id
            for log in LOGS
            for contact_id in causes_of(facts_since(log, read.since), log, read.rule)
        }
    )
    now, rule = clock(), read.rule
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_JIT)
        for start in range(0, len(came), _CHUNK):
            chunk = came[start : start + _CHUNK]
            looked = of_contacts(rule.tree, chunk, now=now, known=rule.known)
            cursor.execute(_REPLACE.format(looked=looked.sql), [array_of(chunk), *looked.params])
