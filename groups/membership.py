"""The members of groups, and changes of those of static groups, which users choose."""

from collections.abc import Collection, Iterator, Sequence
from itertools import batched
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import QuerySet

from contacts.merging import lock_all_live
from contacts.models import Contact
from database.cursors import array_of
from database.questions import ask
from groups.locks import lock_all_groups, lock_contacts, lock_groups
from groups.models import ContactGroup, MembershipEvent
from groups.telling import groups_of

_CHUNK = 2_000

# Nobody enters or leaves a list that is switched off: its history goes on when it is on again.
_ADD = """
WITH entered AS (
    INSERT INTO groups_membership (group_id, contact_id, since)
    SELECT %(group)s, id, now() FROM unnest(%(ids)s::bigint[]) AS asked (id)
    WHERE NOT EXISTS (
        SELECT FROM groups_membership AS old
        WHERE old.group_id = %(group)s AND old.contact_id = asked.id
    ) ORDER BY id
    RETURNING contact_id
), kept AS (
    INSERT INTO groups_membershipevent (group_id, contact_id, entered, at, cause, by_id)
    SELECT %(group)s, contact_id, true, now(), %(cause)s, %(by)s FROM entered WHERE %(enabled)s
)
SELECT count(*) FROM entered
"""
_REMOVE = """
WITH gone AS (
    DELETE FROM groups_membership
    WHERE group_id = %(group)s AND contact_id = ANY(%(ids)s::bigint[])
    RETURNING contact_id
), kept AS (
    INSERT INTO groups_membershipevent (group_id, contact_id, entered, at, cause, by_id)
    SELECT %(group)s, contact_id, false, now(), %(cause)s, %(by)s FROM gone WHERE %(enabled)s
)
SELECT count(*) FROM gone
"""
_PAIRS = """
WITH RECURSIVE line (merge, loser, id, merged_into_id) AS (
    SELECT merge.id, merge.loser_id, survivor.id, survivor.merged_into_id
    FROM contacts_contactmerge AS merge JOIN contacts_contact AS loser ON loser.id = loser_id
    JOIN contacts_contact AS survivor ON survivor.id = survivor_id
    WHERE merge.id = ANY(%s::bigint[]) AND merge.status = 'done'
        AND loser.merged_into_id IS NOT NULL
    UNION ALL SELECT line.merge, line.loser, next.id, next.merged_into_id FROM line
    JOIN contacts_contact AS next ON next.id = line.merged_into_id
)
SELECT max(merge), loser, id FROM line WHERE merged_into_id IS NULL GROUP BY loser, id
"""
# The survivor takes the loser's place in lists; whom a rule holds for is looked at afterwards.
_TAKE_PLACES = """
WITH pair AS MATERIALIZED (
    SELECT pair.*
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS pair (merge, loser, survivor)
    -- A merge may have been undone while this waited for the groups.
    JOIN contacts_contact AS contact ON contact.id = pair.loser
    WHERE contact.merged_into_id IS NOT NULL
), gone AS (
    DELETE FROM groups_membership AS old USING pair, groups_contactgroup AS named
    WHERE old.contact_id = loser AND named.id = old.group_id
    AND (named.static OR named.served_rule IS NULL)
    RETURNING old.group_id, named.static, named.enabled, merge, loser, survivor, since
), entered AS (
    INSERT INTO groups_membership (group_id, contact_id, since)
    SELECT group_id, survivor, min(since) FROM gone WHERE static AND NOT EXISTS (
        SELECT FROM groups_membership AS known
        WHERE known.group_id = gone.group_id AND known.contact_id = survivor
    ) GROUP BY group_id, survivor
    RETURNING group_id, contact_id
)
INSERT INTO groups_membershipevent (group_id, contact_id, entered, at, cause, cause_id)
SELECT group_id, loser, false, now(), 'merge', merge FROM gone WHERE enabled
UNION ALL
SELECT entered.group_id, entered.contact_id, true, now(), 'merge', (
    SELECT max(merge) FROM gone
    WHERE gone.group_id = entered.group_id AND survivor = entered.contact_id
) FROM entered JOIN groups_contactgroup AS named ON named.id = entered.group_id AND named.enabled
"""


class NotStatic(ValueError):
    """The members of a dynamic group cannot be chosen; the message says so, for a person."""


def members_of(group: ContactGroup) -> QuerySet[Contact]:
    """The contacts who are in `group` now; none, if it is switched off."""
    if not ContactGroup.objects.with_members().filter(pk=group.pk).exists():
        return Contact.objects.none()
    return Contact.objects.live().filter(memberships__group=group)


def code_names_of(contact_id: int) -> list[str]:
    """The code names of the groups that this live contact is in, sorted; one query."""
    (code_names,) = ask(groups_of(contact_id))
    return code_names


def add_members(
    group: ContactGroup,
    contact_ids: Collection[int],
    *,
    cause: MembershipEvent.Cause,
    by: User | None = None,
) -> int:
    """Put these contacts into a static group; return how many were not in it.

    A contact that was merged stands for its survivor; one that was erased is left out.

    :raises NotStatic: if it is a dynamic group
    """
    return _choose(group, contact_ids, _ADD, cause, by)


def remove_members(
    group: ContactGroup,
    contact_ids: Collection[int],
    *,
    cause: MembershipEvent.Cause,
    by: User | None = None,
) -> int:
    """Take these contacts out of a static group; return how many were in it.

    :raises NotStatic: if it is a dynamic group
    """
    return _choose(group, contact_ids, _REMOVE, cause, by)


def change_locked(
    group: ContactGroup,
    contact_ids: Collection[int],
    *,
    remove: bool,
    cause: MembershipEvent.Cause,
) -> None:
    """Put contacts into a static group, or take them out, in the transaction of the caller.

    That one has locked the contacts against merges, then the group, and knows that they are live.

    :raises NotStatic: if it is a dynamic group
    """
    _write(group, set(contact_ids), _REMOVE if remove else _ADD, cause)


def follow_merges(merge_ids: Sequence[int]) -> None:
    """Have the survivors of these merges take the losers' places in static groups.

    The losers leave the groups that follow no rule now, too. It holds all groups until the end of
    the transaction: one that the loser enters at this moment is one of them.
    """
    locked: set[int] = set()
    # Who was erased meanwhile, or merged once more, is looked for again.
    pairs = _pairs(merge_ids)
    while contacts := {one for _, *pair in pairs for one in pair} - locked:
        lock_contacts(contacts)
        locked |= contacts
        pairs = _pairs(merge_ids)
    lock_all_groups()
    columns = list(zip(*pairs, strict=True)) or [(), (), ()]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_PLACES, [array_of(column) for column in columns])


def _pairs(merge_ids: Sequence[int]) -> list[tuple[int, int, int]]:
    """The merge, the loser, and the live contact that the loser has become."""
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, [array_of(merge_ids)])
        return cursor.fetchall()


def _choose(
    group: ContactGroup,
    contact_ids: Collection[int],
    sql: str,
    cause: MembershipEvent.Cause,
    by: User | None,
) -> int:
    return sum(_choose_chunk(group, chunk, sql, cause, by) for chunk in _chunks(contact_ids))


@transaction.atomic
def _choose_chunk(
    group: ContactGroup,
    contact_ids: Collection[int],
    sql: str,
    cause: MembershipEvent.Cause,
    by: User | None,
) -> int:
    # No merge comes between: the reader that follows merges would not see these members.
    live = lock_all_live(contact_ids)
    lock_groups([group.pk])
    return _write(group, {contact.pk for contact in live.values()}, sql, cause, by)


def _write(
    group: ContactGroup,
    contact_ids: Collection[int],
    sql: str,
    cause: MembershipEvent.Cause,
    by: User | None = None,
) -> int:
    static = ContactGroup.objects.filter(pk=group.pk, static=True)
    enabled = static.values_list("enabled", flat=True).first()
    if enabled is None:
        raise NotStatic(f"{group.name} is a dynamic group: its rule decides who is in it.")
    ids = array_of(sorted(contact_ids))
    with connection.cursor() as cursor:
        params: dict[str, Any] = {
            "group": group.pk,
            "ids": ids,
            "enabled": enabled,
            "cause": cause,
            "by": by and by.pk,
        }
        cursor.execute(sql, params)
        return cursor.fetchone()[0]


def _chunks(contact_ids: Collection[int]) -> Iterator[tuple[int, ...]]:
    return batched(sorted(set(contact_ids)), _CHUNK)
