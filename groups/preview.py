"""How many contacts a rule matches while a user still writes it, and which some of them are.

Each condition is counted once and kept as a bitmap of contact ids, so whatever is built of known
conditions with all, any and not is counted in milliseconds. A preview is some seconds old, and
never decides about members.
"""

import hashlib
import time
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from pyroaring import BitMap64

from contacts.models import Contact
from groups.compiling import WITHOUT_JIT, members
from groups.models import KnownCondition
from groups.planner import reading_by_indexes
from groups.rules import Leaf, Tree, digest

# What a preview may take before it gives up.
LONGEST_SECONDS = 3.0
# PostgreSQL's clock may be as much ahead when it ends a statement for its time.
_CLOSE_SECONDS = 0.05
# A count that is older than this is counted again, after it was shown.
FRESH = timedelta(seconds=10)
# How long conditions stay known.
_KEPT = timedelta(days=1)
_SAMPLE = 5
# Some of a sample may have been merged or erased since they were counted.
_SAMPLE_TRIED = 25
_EVERYBODY = "everybody"
# An unknown birthday matches these neither as they are nor negated, so both are counted.
_NOT_OF_THE_UNKNOWN = frozenset({"age", "age_between", "birthday"})


class Superseded(Exception):
    """A newer preview of the same page has cancelled this one."""


@dataclass(frozen=True)
class Preview:
    """What a rule matched at `as_of`.

    `count` is None, and `sample` empty, if a condition could not be counted in time. `matches` has
    what each condition matches alone, by its path, such as `conditions[1].conditions[0]`; None for
    the conditions that took too long.
    """

    count: int | None
    as_of: datetime
    is_fresh: bool
    matches: dict[str, int | None] = field(default_factory=dict)
    sample: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Known:
    """The contacts of one condition, and when they were read."""

    contacts: BitMap64
    at: datetime


def count(tree: Tree, asked_by: str, *, refresh: bool = False) -> Preview:
    """What `tree` matches, from what is known of its conditions; what is not known is counted.

    Whatever an earlier call for the same `asked_by` still counts is cancelled: a page shows one
    preview at a time. With `refresh`, conditions that were counted longer than FRESH ago are
    counted again.

    :param asked_by: what names the page, of all users
    :raises Superseded: if a later call for `asked_by` has cancelled this one
    """
    now = timezone.now()
    wanted = {_EVERYBODY: Tree("all", ())}
    wanted |= {_key(leaf): Tree("all", (_counted(leaf),)) for leaf in tree.leaves()}
    known = _recall(wanted)
    missing = {
        key: condition
        for key, condition in wanted.items()
        if key not in known or (refresh and now - known[key].at > FRESH)
    }
    _cancel(asked_by)
    if missing:
        known |= _read(missing, asked_by, now)
    matches = {path: _alone(leaf, known) for path, leaf in _placed(tree)}
    used = [known[key].at for key in wanted if key in known]
    as_of = min(used, default=now)
    try:
        found = _evaluate(tree, known)
    except KeyError:
        return Preview(None, as_of, True, matches)
    return Preview(len(found), as_of, now - as_of <= FRESH, matches, _spread(found))


def sample(preview: Preview) -> list[Contact]:
    """Up to five live contacts that the preview matched."""
    found = Contact.objects.live().filter(pk__in=preview.sample)
    return list(found.order_by("-pk")[:_SAMPLE])


def forget_known_conditions() -> int:
    """Delete what was counted longer than a day ago; the number of conditions."""
    old = KnownCondition.objects.filter(counted_at__lt=timezone.now() - _KEPT)
    return old.delete()[0]


def _key(leaf: Leaf) -> str:
    is_counted_apart = leaf.negate and leaf.type in _NOT_OF_THE_UNKNOWN
    return f"{digest(leaf)}{'!' if is_counted_apart else ''}"


def _counted(leaf: Leaf) -> Leaf:
    """The condition whose contacts are kept for `leaf`: without its negation, if that will do."""
    return leaf if leaf.type in _NOT_OF_THE_UNKNOWN else Leaf(leaf.type, leaf.members)


def _recall(wanted: Mapping[str, Tree]) -> dict[str, _Known]:
    rows = KnownCondition.objects.filter(
        pk__in=wanted, counted_at__gt=timezone.now() - _KEPT
    ).values_list("digest", "contacts", "counted_at")
    return {key: _Known(BitMap64.deserialize(bytes(ids)), at) for key, ids, at in rows}


def _read(wanted: Mapping[str, Tree], asked_by: str, now: datetime) -> dict[str, _Known]:
    """Count these conditions, as many as there is time for, and keep them."""
    until = time.monotonic() + LONGEST_SECONDS
    found: dict[str, _Known] = {}
    with _cancellable(asked_by, until):
        for key, condition in wanted.items():
            milliseconds = round((until - time.monotonic()) * 1000)
            if milliseconds <= 0:
                break
            found[key] = _Known(_contacts_of(condition, now, milliseconds), now)
    KnownCondition.objects.bulk_create(
        [
            KnownCondition(
                digest=key,
                contacts=one.contacts.serialize(),
                count=len(one.contacts),
                counted_at=one.at,
            )
            for key, one in found.items()
        ],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["contacts", "count", "counted_at"],
    )
    return found


def _contacts_of(condition: Tree, now: datetime, milliseconds: int) -> BitMap64:
    statement = members(condition, now=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
        with reading_by_indexes(cursor):
            cursor.execute(
                "SELECT string_agg(int8send(contact_id), ''::bytea)"  # noqa: S608 -- compiled
                f" FROM ({statement.sql}) AS matched WHERE holds",
                statement.params,
            )
            (found,) = cursor.fetchone()
    ids = array("Q", bytes(found or b""))
    ids.byteswap()  # PostgreSQL sends the highest byte first
    return BitMap64(ids)


@contextmanager
def _cancellable(asked_by: str, until: float) -> Iterator[None]:
    """A read-only transaction that `_cancel` finds; one that takes too long just ends.

    :raises Superseded: if it was cancelled
    """
    name, lock = _names(asked_by)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('application_name', %s, true)", [name])
            cursor.execute(WITHOUT_JIT)
            yield
            # A caller that is about to cancel has this lock. Once it is free, the cancelling has
            # hit this transaction, not what comes next on its connection.
            cursor.execute("SELECT set_config('statement_timeout', '1000', true)")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
            # With the transaction goes the name.
            transaction.set_rollback(True)
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise
        if time.monotonic() < until - _CLOSE_SECONDS:
            raise Superseded from error


def _cancel(asked_by: str) -> None:
    """End what an earlier preview for `asked_by` still counts."""
    name, lock = _names(asked_by)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        cursor.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = %s AND pid <> pg_backend_pid()",
            [name],
        )


def _names(asked_by: str) -> tuple[str, int]:
    """What the transaction of a preview is called, and the lock that belongs to it."""
    found = hashlib.sha256(asked_by.encode()).digest()
    return f"preview {found.hex()[:40]}", int.from_bytes(found[:8], signed=True)


def _evaluate(one: Tree | Leaf, known: Mapping[str, _Known]) -> BitMap64:
    """The contacts for whom `one` holds.

    :raises KeyError: if a condition is not known
    """
    everybody = known[_EVERYBODY].contacts
    if isinstance(one, Leaf):
        found = known[_key(one)].contacts
        is_counted_as_it_is = one.type in _NOT_OF_THE_UNKNOWN
        return everybody - found if one.negate and not is_counted_as_it_is else found & everybody
    parts = [_evaluate(part, known) for part in one.conditions]
    if one.match == "all":
        return BitMap64.intersection(everybody, *parts)
    return BitMap64.union(BitMap64(), *parts)


def _alone(leaf: Leaf, known: Mapping[str, _Known]) -> int | None:
    try:
        return len(_evaluate(leaf, known))
    except KeyError:
        return None


def _placed(tree: Tree, inside: str = "") -> Iterator[tuple[str, Leaf]]:
    """The conditions of the tree with their paths."""
    for number, one in enumerate(tree.conditions):
        path = f"{inside}conditions[{number}]"
        if isinstance(one, Tree):
            yield from _placed(one, f"{path}.")
        else:
            yield path, one


def _spread(found: BitMap64) -> tuple[int, ...]:
    """Ids from all over `found`, so that the sample is not of one day alone."""
    step = max(len(found) // _SAMPLE_TRIED, 1)
    return tuple(found[place] for place in range(0, len(found), step))[:_SAMPLE_TRIED]
