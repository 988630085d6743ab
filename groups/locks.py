"""Locks of transactions that write members: first the contacts, then the groups.

All of them hold until the end of the transaction. An erasure waits for the contacts, a merge does
not; as long as nobody is being erased, one lock stands for all contacts. The groups are advisory
locks, so a user who saves a group's name waits for nobody.
"""

from collections.abc import Collection
from typing import Any

from django.db import connection

from contacts.records import try_hold_off_erasures
from database.cursors import array_of

# The spaces of numbers: of single groups, of all groups, of builds, of the sweep, of saving rules.
_GROUP, _ALL, _BUILD, _SWEEP, _RULES = range(0x67727001, 0x67727006)
# Of more groups than that all are locked: the server has room for so many locks only.
_MOST = 100

_LOCK_CONTACTS = """
SELECT count(*) FROM (
    SELECT FROM contacts_contact WHERE id = ANY(%s::bigint[]) ORDER BY id FOR KEY SHARE
) AS locked
"""
_LOCK_GROUPS = """
SELECT pg_advisory_xact_lock(%s, (id %% 2147483647)::int)
FROM unnest(%s::bigint[]) AS asked (id)
"""


def lock_contacts(contact_ids: Collection[int]) -> None:
    """Keep these contacts from being erased; those that are gone are gone for later statements."""
    if not try_hold_off_erasures():
        _execute(_LOCK_CONTACTS, [array_of(contact_ids)])


def lock_groups(group_ids: Collection[int]) -> None:
    """Keep other transactions from writing members of these groups."""
    if len(group_ids) > _MOST:
        lock_all_groups()
    else:
        _execute("SELECT pg_advisory_xact_lock_shared(%s, 0)", [_ALL])
        _execute(_LOCK_GROUPS, [_GROUP, array_of(sorted(group_ids))])


def lock_all_groups() -> None:
    """Keep other transactions from writing members of any group."""
    _execute("SELECT pg_advisory_xact_lock(%s, 0)", [_ALL])


def lock_rules() -> None:
    """Keep other transactions from saving rules, so that two of them together make no circle."""
    _execute("SELECT pg_advisory_xact_lock(%s, 0)", [_RULES])


def try_lock_build(group_id: int) -> bool:
    """Whether no living worker builds this group; then this transaction is the one that does."""
    return _try(_BUILD, group_id % 2147483647)


def try_lock_sweep() -> bool:
    """Whether no other worker looks at contacts that are due; then this transaction does."""
    return _try(_SWEEP, 0)


def _try(space: int, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [space, number])
        return cursor.fetchone()[0]


def _execute(sql: str, params: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
