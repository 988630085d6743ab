"""Whose runs and emails are that began since a merge."""

from contacts.returning import Owner, tell_owner

# By the activity that let the contact in.
_RUNS = """
row.cause = 'activity' AND EXISTS (
    SELECT FROM activities_activity AS activity
    WHERE activity.id = row.cause_id AND activity.logged_as = ANY(%(guids)s)
)
"""
# An email is of the contact to whose address it goes, whichever run it is of: its links are signed
# for its reader.
_EMAILS = "row.recipient <> '' AND lower(row.recipient) = %(email)s"
_EVENTS = """
EXISTS (
    SELECT FROM automations_email AS email
    WHERE email.id = row.email_id AND email.contact_id = %(loser)s
)
"""


def register() -> None:
    """Have undoing a merge know it; in this order, since events follow their emails."""
    tell_owner("automations.run.contact", Owner(theirs=_RUNS))
    tell_owner("automations.email.contact", Owner(theirs=_EMAILS))
    tell_owner("automations.emailevent.contact", Owner(theirs=_EVENTS))
