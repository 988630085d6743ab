"""Deletes activities that should never have been: of an import that is undone.

Counts follow, and so do the readers, by `Touched`.
"""

from collections.abc import Collection

from activities.deleting import delete_activities
from activities.seen import hold_counts
from contacts.touching import touch


def remove_activities(activity_ids: Collection[int]) -> int:
    """Delete these activities, whose contacts are locked; return how many there were.

    Call it inside a transaction, after `hold_counts`. Data inputs are deleted with their
    activities; what they gave to contacts stays.
    """
    gone = delete_activities(activity_ids)
    touch(*(one.contact_id for one in gone))
    return sum(one.activities for one in gone)


__all__ = ["hold_counts", "remove_activities"]
