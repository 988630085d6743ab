"""Whose deliveries are that were made since a merge: by the activity that they tell of."""

from contacts.returning import Owner, tell_owner

_OF_ACTIVITIES = """
CASE WHEN row.source LIKE 'activity:%%' THEN EXISTS (
    SELECT FROM activities_activity AS activity
    WHERE activity.id = substr(row.source, 10)::bigint AND activity.logged_as = ANY(%(guids)s)
) ELSE false END
"""


def register() -> None:
    """Have undoing a merge know it."""
    tell_owner("destinations.delivery.contact", Owner(theirs=_OF_ACTIVITIES))
