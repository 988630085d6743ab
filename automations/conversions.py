"""What came of the branches of a split: how many contacts did what counts as a goal afterwards."""

from dataclasses import dataclass

from django.db import connection

from automations.models import Automation

# What a contact does within so many days after the split counts.
WINDOW_DAYS = 30
_COUNT = """
SELECT branch, count(*), count(*) FILTER (WHERE EXISTS (
    SELECT FROM activities_activity AS activity
    WHERE activity.contact_id = run.contact_id AND activity.type_id = ANY(ARRAY(
        SELECT id FROM activities_activitytype WHERE goal
    )) AND activity.occurred_at > passage.at
    AND activity.occurred_at <= passage.at + %s * interval '1 day'
))
FROM automations_passage AS passage JOIN automations_run AS run ON run.id = passage.run_id
WHERE passage.automation_id = %s AND passage.step = %s AND branch IS NOT NULL GROUP BY branch
"""


@dataclass(frozen=True)
class Branch:
    """What came of one branch of a split.

    :ivar number: which one, from 0
    :ivar passed: how many runs went that way
    :ivar converted: of how many of them the contact did an activity with a goal within the window
    """

    number: int
    passed: int
    converted: int


def conversions(automation: Automation, step: str) -> list[Branch]:
    """What came of each branch of a split that a run went into, whichever version it was of."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [WINDOW_DAYS, automation.pk, step])
        return [Branch(*row) for row in sorted(cursor.fetchall())]
