"""Records the rows of a file of activities, by the rules of recording; a portion is a transaction.

The request of all of them is the import's, by which an undo finds them.
"""

from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from activities.batches import steps_of
from activities.submissions import Source, Submission
from database.transactions import run
from exchange.importing import staging
from exchange.importing.activity_cells import DOOR, NAMES, draft_of, problem_of
from exchange.importing.planning_activities import IS_RECORDED
from exchange.importing.problems import UNKNOWN, Problem
from exchange.models import Import

# The rows of a portion, whether they are recorded already, and the GUIDs by which their contacts
# are found now.
_PART = f"""
SELECT staged.row, {IS_RECORDED}, COALESCE(NULLIF(staged.guid, '')::uuid, contact.guid), {{names}}
FROM {{rows}} AS staged
LEFT JOIN contacts_contact AS contact ON staged.guid = ''
    AND contact.email_key = lower(staged.mailbox) AND contact.merged_into_id IS NULL
    AND NOT contact.email_key = ''
WHERE staged.row > %(after)s AND staged.problem = '' ORDER BY staged.row LIMIT %(most)s
"""  # noqa: S608 -- of names of our own
# The place of the id behind the number of a row: first comes the GUID of the contact.
_ID = 1 + NAMES.index("id")
_REFUSE = """
UPDATE {rows} AS staged SET problem = refused.problem
FROM unnest(%s::int[], %s::text[]) AS refused (row, problem) WHERE refused.row = staged.row
"""


class ActivityPortion:
    """Some rows of a file of activities, which are recorded within one transaction."""

    def __init__(self, import_: Import, *, most: int):
        self._import = import_
        self._rows = self._ask(most)

    @property
    def until(self) -> int | None:
        """The last row of the portion; None if there is none."""
        return self._rows[-1][0] if self._rows else None

    def bring_in(self) -> dict[str, int]:
        """Record them, and return how many rows had which outcome.

        The caller holds off erasures.
        """
        new = self._new_rows()
        refused = self._record(new)
        self._refuse(refused)
        return {
            "create": len(new) - len(refused),
            "update": 0,
            "merge": 0,
            "unchanged": len(self._rows) - len(new),
            "reject": len(refused),
        }

    def _new_rows(self) -> list[tuple]:
        """Those that are not recorded already; of rows with one id, the first."""
        found: dict[str, tuple] = {}
        for number, is_recorded, *said in self._rows:
            if not is_recorded:
                found.setdefault(UUID(said[_ID]).hex, (number, *said))
        return list(found.values())

    def _record(self, new: list[tuple]) -> dict[int, Problem]:
        channel = self._import.channel
        assert channel is not None  # activities_are_imported_into_a_channel
        source = Source(door=DOOR, channel=channel, request_id=self._import.request_id)
        refused: dict[int, Problem] = {}
        by_contact: dict[Any, list[tuple]] = {}
        for row in new:
            if row[1] is None:
                refused[row[0]] = UNKNOWN
            else:
                by_contact.setdefault(row[1], []).append(row)
        now = timezone.now()
        submissions = [
            Submission(
                drafts=[draft_of(dict(zip(NAMES, row[2:], strict=True))) for row in rows],
                contact_guid=guid,
                source=source,
                # The file of rejects says what is refused, and the inspector has no room for it.
                room=0,
                received_at=now,
            )
            for guid, rows in by_contact.items()
        ]
        written = run(steps_of(submissions)) if submissions else []
        for rows, one in zip(by_contact.values(), written, strict=True):
            for place, row in enumerate(rows):
                if one is None:
                    refused[row[0]] = UNKNOWN
                elif problem := one.outcomes[place].problem:
                    refused[row[0]] = problem_of(problem, {})
        return refused

    def _ask(self, most: int) -> list[tuple]:
        names = ", ".join(f"staged.{name}" for name in NAMES)
        with connection.cursor() as cursor:
            cursor.execute(
                _PART.format(rows=self._table, names=names),
                {
                    "channel": self._import.channel_id,
                    "after": self._import.cursor,
                    "most": most,
                },
            )
            return cursor.fetchall()

    def _refuse(self, refused: dict[int, Problem]) -> None:
        if refused:
            texts = [staging.problems_as_text([problem]) for problem in refused.values()]
            with connection.cursor() as cursor:
                cursor.execute(_REFUSE.format(rows=self._table), [list(refused), texts])

    @property
    def _table(self) -> str:
        return staging.table("rows", self._import.staged_as)
