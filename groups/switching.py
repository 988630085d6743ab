"""What becomes of a group's members when it is switched off, and on again.

Nobody is in a group that is off. A list keeps its rows, and counts them again when it is on. Of a
dynamic group no rows are kept: the build that comes then finds everybody anew.
"""

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction

from database.outages import is_conflict
from groups.locks import lock_groups
from groups.models import ContactGroup, MembershipEvent

_LOCK_MEMBERS = """
SELECT count(*) FROM (
    SELECT FROM groups_membership AS membership
    JOIN contacts_contact AS contact ON contact.id = membership.contact_id
    WHERE membership.group_id = %s ORDER BY contact.id FOR KEY SHARE OF contact {how}
) AS locked
"""
_RECORD = """
INSERT INTO groups_membershipevent (group_id, contact_id, entered, at, cause, by_id)
SELECT group_id, contact_id, %s, now.now, %s, %s
FROM groups_membership, (SELECT clock_timestamp() AS now) AS now
WHERE group_id = %s ORDER BY contact_id
"""


def switch(old: ContactGroup, group: ContactGroup, by: User | None) -> None:
    """Have the members leave or enter, if `group` was on or off as `old` before it was saved.

    Call it inside a transaction that has locked the group's row.
    """
    leave = old.enabled and not group.enabled
    enter = group.enabled and not old.enabled and old.static and group.static
    is_emptied = not group.static and not (old.enabled and group.enabled)
    if not (leave or enter or is_emptied):
        return
    _lock(group)
    with connection.cursor() as cursor:
        if leave or enter:
            cause = MembershipEvent.Cause.USER if by else MembershipEvent.Cause.CODE
            cursor.execute(_RECORD, [enter, cause, by.pk if by else None, group.pk])
        if is_emptied:
            cursor.execute("DELETE FROM groups_membership WHERE group_id = %s", [group.pk])


def _lock(group: ContactGroup) -> None:
    """Lock the members, and then the group, as all do (`locks.py`)."""
    while True:
        try:
            with transaction.atomic():
                _lock_members(group)
                lock_groups([group.pk])
                # Who came meanwhile. To wait for an erasure now would be against the order.
                _lock_members(group, "NOWAIT")
                return
        except OperationalError as error:
            if not is_conflict(error):
                raise


def _lock_members(group: ContactGroup, how: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_MEMBERS.format(how=how), [group.pk])
