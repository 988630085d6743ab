"""Contacts whom a rule has erased: who is anonymous or inactive, and since when.

What keeps a contact is a condition of SQL with `contact`, the row of the contact, in it.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.utils import timezone

from contacts.models import Contact
from contacts.profile import FIELDS
from database.cursors import array_of
from privacy.models import RetentionRule

LOOKED_AT_ONCE = 5_000

_EMPTY = " AND ".join(
    f"contact.{name} IS NULL" if name == "birthday" else f"contact.{name} = ''" for name in FIELDS
)
# A user ID, or the hash of an email, says that another system knows who it is; a note that a
# colleague does. The ID of a browser says nothing.
_ANONYMOUS = f"""
{_EMPTY}
AND NOT EXISTS (
    SELECT FROM contacts_contactidentifier AS known
    WHERE known.contact_id = contact.id AND known.kind <> 'anonymous_id'
)
AND NOT EXISTS (SELECT FROM contacts_contactnote AS note WHERE note.contact_id = contact.id)
"""  # noqa: S608 -- names of fields
# Signs of life: each is found by an index. A time of an activity that cannot be true yet is none.
_SIGNS = {
    "activity": (
        "SELECT occurred_at FROM activities_activity AS activity"
        " WHERE activity.contact_id = contact.id AND activity.occurred_at <= %(now)s"
        " ORDER BY occurred_at DESC, id DESC LIMIT 1"
    ),
    "deleted": (
        "SELECT max(last.at) FROM privacy_lastactivity AS last WHERE last.contact_id = contact.id"
    ),
    "answer": (
        "SELECT max(answer.at) FROM consents_currentanswer AS answer"
        " WHERE answer.contact_id = contact.id"
    ),
    "change": (
        "SELECT max(change.at) FROM contacts_contactchange AS change"
        " WHERE change.contact_id = contact.id AND change.source NOT IN ('merge', 'undo')"
    ),
    "email": (
        "SELECT max(event.at) FROM automations_emailevent AS event"
        " WHERE event.contact_id = contact.id AND event.kind IN ('opened', 'clicked')"
        " AND NOT event.by_robot"
    ),
}
_BUSY = [
    """EXISTS (
        SELECT FROM automations_run AS run
        WHERE run.contact_id = contact.id AND run.status IN ('running', 'paused')
    )""",
    """EXISTS (
        SELECT FROM activities_datainput AS given
        WHERE given.contact_id = contact.id AND given.outcome = 'pending'
    )""",
    """EXISTS (
        SELECT FROM contacts_contactmerge AS merge
        WHERE (merge.survivor_id = contact.id OR merge.loser_id = contact.id)
        AND merge.status = 'pending'
    )""",
]
_FIND = """
SELECT id, last_sign, busy, EXISTS (
    SELECT FROM consents_currentanswer AS answer WHERE answer.contact_id = found.id AND agreed
) AS agrees
FROM (
    SELECT contact.id, {busy} AS busy, greatest(contact.created_at, {signs}) AS last_sign
    FROM contacts_contact AS contact
    WHERE {those} AND contact.merged_into_id IS NULL AND contact.created_at < %(before)s
    AND {kind}
) AS found
WHERE last_sign < %(before)s ORDER BY id
"""
_RANGE = """
SELECT max(id), count(*) FILTER (WHERE merged_into_id IS NULL) FROM (
    SELECT id, merged_into_id FROM contacts_contact WHERE id > %s AND id <= %s
    ORDER BY id LIMIT %s
) AS next
"""


@dataclass
class Found:
    """Contacts who are to be erased, among those behind a position.

    :ivar ids: those whom nothing keeps
    :ivar kept_ids: those whom something still needs
    :ivar looked_at: how many live contacts were looked at
    :ivar last: the highest id among these
    :ivar after: the id behind which the next portion begins; None behind the last
    """

    ids: list[int] = field(default_factory=list)
    kept_ids: list[int] = field(default_factory=list)
    agreeing: int = 0
    looked_at: int = 0
    months: Counter[str] = field(default_factory=Counter)
    oldest: datetime | None = None
    newest: datetime | None = None
    last: int = 0
    after: int | None = None

    @property
    def kept(self) -> int:
        """How many something still needs."""
        return len(self.kept_ids)


def register_busy(condition: str) -> None:
    """Have contacts kept for whom this condition of SQL on `contact` holds."""
    _BUSY.append(condition)


def find_next(kind: str, before: datetime, position: int, end: int) -> Found:
    """The contacts to be erased among the next LOOKED_AT_ONCE behind `position`, up to `end`."""
    with connection.cursor() as cursor:
        cursor.execute(_RANGE, [position, end, LOOKED_AT_ONCE])
        last, looked_at = cursor.fetchone()
    if last is None:
        return Found(last=end)
    those = "contact.id > %(position)s AND contact.id <= %(last)s"
    params = {"position": position, "last": last, "before": before}
    rows = _find(kind, those, params)
    times = [at for _, at, _, _ in rows]
    return Found(
        ids=[pk for pk, _, busy, _ in rows if not busy],
        kept_ids=[pk for pk, _, busy, _ in rows if busy],
        agreeing=sum(agrees for *_, agrees in rows),
        looked_at=looked_at,
        months=Counter(timezone.localtime(at).strftime("%Y-%m") for at in times),
        oldest=min(times, default=None),
        newest=max(times, default=None),
        last=last,
        after=last if last < end else None,
    )


def count_between(after: int, last: int) -> int:
    """How many live contacts there are with ids behind `after`, up to `last`."""
    return Contact.objects.live().filter(pk__gt=after, pk__lte=last).count()


def still(kind: str, before: datetime, ids: list[int]) -> set[int]:
    """Those of these contacts who are still to be erased at this moment."""
    those = "contact.id = ANY(%(ids)s::bigint[])"
    params = {"ids": array_of(ids), "before": before}
    return {pk for pk, _, busy, _ in _find(kind, those, params) if not busy}


def _find(kind: str, those: str, params: dict) -> list[tuple[int, datetime, bool, bool]]:
    is_anonymous = kind == RetentionRule.Kind.ANONYMOUS
    sql = _FIND.format(
        busy=" OR ".join(_BUSY),
        signs=", ".join(f"({sign})" for sign in _SIGNS.values()),
        those=those,
        kind=f"({_ANONYMOUS})" if is_anonymous else f"NOT ({_ANONYMOUS})",
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {**params, "now": timezone.now()})
        return cursor.fetchall()
