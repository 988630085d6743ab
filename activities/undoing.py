"""Whose activities are that came since a merge: by the GUID that they were logged under."""

from contacts.returning import Owner, tell_owner

# A data input with another contact's email is given to that one, and its activity: both stay there.
_ACTIVITIES = """
row.logged_as = ANY(%(guids)s) AND NOT EXISTS (
    SELECT FROM activities_datainput AS redirected
    WHERE redirected.activity_id = row.id AND redirected.sent_by_id IS NOT NULL
)
"""
_OF_ACTIVITY = """
EXISTS (
    SELECT FROM activities_activity AS activity
    WHERE activity.id = row.activity_id AND activity.logged_as = ANY(%(guids)s)
)
"""


def register() -> None:
    """Have undoing a merge know it."""
    tell_owner("activities.activity.contact", Owner(theirs=_ACTIVITIES))
    own = f"row.sent_by_id IS NULL AND {_OF_ACTIVITY}"
    tell_owner("activities.datainput.contact", Owner(theirs=own))
    tell_owner("activities.datainput.sent_by", Owner(theirs=_OF_ACTIVITY))
