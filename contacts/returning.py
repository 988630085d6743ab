"""Which rows of a survivor are the merged contact's, so that they go back when a merge is undone.

Those that the merge moved, and settling afterwards, are kept by `MovedRows`. Of rows that came
since, the rooms whose tables they are in say by what it can be told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from contacts.keys import ContactKey, OnMerge
from contacts.models import Contact, ContactMerge
from contacts.moving import CHUNK, moving_keys, name_of


@dataclass(frozen=True)
class Owner:
    """By what it can be told whose a row is that came since the merge, which is called `row`.

    `theirs` is SQL that holds for rows of the merged contact, with the parameters `guids` (under
    which it was known), `loser` (its id) and `email` (its key). If nothing tells, `came_at` is the
    column with the time since when a row is there: such rows are counted, and stay.
    """

    theirs: str = ""
    came_at: str = ""


_owners: dict[str, Owner] = {"contacts.contactidentifier.contact": Owner(came_at="created_at")}


def tell_owner(key: str, owner: Owner) -> None:
    """Say whose rows are that have come since a merge; `key` is its name as `MovedRows` has it."""
    _owners[key] = owner


_MOVED = """
SELECT unnest(moved.rows) AS id FROM contacts_movedrows AS moved
WHERE moved.key = %(key)s AND (moved.merge_id = %(merge)s
    OR (moved.contact_id = ANY(%(line)s::bigint[]) AND moved.at > %(merged_at)s))
"""
_THEIRS = "UNION SELECT row.id FROM {table} AS row WHERE row.{column} = %(survivor)s AND ({theirs})"
_RETURN = """
UPDATE {table} AS going SET {column} = %(loser)s
WHERE going.{column} = %(survivor)s AND going.id IN (
    SELECT row.id FROM ({candidates}) AS candidate JOIN {table} AS row ON row.id = candidate.id
    WHERE row.{column} = %(survivor)s {limit}
)
"""
_COUNT = """
SELECT count(*) FILTER (WHERE row.{column} = %(survivor)s),
    count(*) FILTER (WHERE row.id IS NULL),
    count(*) FILTER (WHERE row.{column} NOT IN (%(survivor)s, %(loser)s)),
    count(*) FILTER (WHERE candidate.is_kept)
FROM (
    SELECT id, bool_or(is_kept) AS is_kept FROM (
        SELECT id, true AS is_kept FROM ({moved}) AS kept
        UNION ALL SELECT id, false FROM ({candidates}) AS any_of_them
    ) AS given GROUP BY id
) AS candidate LEFT JOIN {table} AS row ON row.id = candidate.id
"""
_COUNT_SINCE = """
SELECT count(*) FROM {table} AS row
WHERE row.{column} = %(survivor)s AND row.{came_at} > %(merged_at)s
    AND row.id NOT IN (SELECT id FROM ({candidates}) AS candidate WHERE id IS NOT NULL)
"""
# A contact, `first`, and those that were merged into it.
LINE = """
WITH RECURSIVE line (id, guid) AS (
    SELECT id, guid FROM contacts_contact WHERE id = %(first)s
    UNION SELECT merged.id, merged.guid FROM line
    JOIN contacts_contact AS merged ON merged.merged_into_id = line.id
)
"""
_NAMES = f"{LINE} SELECT id, guid FROM line"  # noqa: S608 -- of a text of our own

DELETED = "were deleted since"
ELSEWHERE = "belong to another contact by now"
NOT_KEPT = "moved before the hub kept which rows those were"
UNKNOWN = "came since, and nothing says whose they are: they stay with the survivor"


@dataclass(frozen=True)
class Left:
    """Something that an undo does not bring back: what, how much of it, and why."""

    what: str
    why: str
    count: int = 1

    def as_json(self) -> dict[str, object]:
        return {"what": self.what, "count": self.count, "why": self.why}


class Returning:
    """The rows of one undo: from `survivor`, who has them now, to `loser`."""

    def __init__(self, merge: ContactMerge, survivor: Contact, loser: Contact, email_key: str):
        self._merge = merge
        with connection.cursor() as cursor:
            cursor.execute(_NAMES, {"first": merge.loser_id})
            line = cursor.fetchall()
        self._params: dict[str, Any] = {
            "merge": merge.pk,
            "merged_at": merge.finished_at,
            "survivor": survivor.pk,
            "loser": loser.pk,
            "line": [pk for pk, _ in line if pk != merge.loser_id],
            "guids": [guid for _, guid in line],
            "email": email_key,
        }

    def give_back(self) -> tuple[dict[str, int], bool]:
        """Give rows back: how many, by table, and whether there may be more."""
        moved: dict[str, int] = {}
        is_more = False
        for key, owner in _keys():
            limit = f"LIMIT {CHUNK}" if key.on_merge == OnMerge.FOLLOW else ""
            with connection.cursor() as cursor:
                cursor.execute(self._sql(_RETURN, key, owner, limit=limit), self._of(key))
                count = cursor.rowcount
            if count:
                name = _table(key)
                moved[name] = moved.get(name, 0) + count
                is_more |= bool(limit) and count >= CHUNK
        return moved, is_more

    def count(self) -> tuple[dict[str, int], list[Left]]:
        """How many rows would go back, by table, and what would not."""
        going: dict[str, int] = {}
        left: list[Left] = []
        kept: dict[str, int] = {}
        told: set[str] = set()
        for key, owner in _keys():
            name = _table(key)
            here, deleted, elsewhere, known = self._ask(_COUNT, key, owner)
            kept[name] = kept.get(name, 0) + known
            going[name] = going.get(name, 0) + here
            left += [
                Left(name, why, count)
                for why, count in ((DELETED, deleted), (ELSEWHERE, elsewhere))
                if count
            ]
            if owner.theirs:
                told.add(name)
            if owner.came_at:
                (since,) = self._ask(_COUNT_SINCE, key, owner)
                left += [Left(name, UNKNOWN, since)] if since else []
        for name, count in self._merge.moved.items():
            if name not in told and (missing := count - kept.get(name, 0)) > 0:
                left.append(Left(name, NOT_KEPT, missing))
        return {name: count for name, count in going.items() if count}, left

    def _ask(self, sql: str, key: ContactKey, owner: Owner) -> tuple:
        with connection.cursor() as cursor:
            cursor.execute(self._sql(sql, key, owner), self._of(key))
            return cursor.fetchone()

    def _of(self, key: ContactKey) -> Mapping[str, Any]:
        return {**self._params, "key": name_of(key)}

    def _sql(self, sql: str, key: ContactKey, owner: Owner, limit: str = "") -> str:
        names = {"table": key.model._meta.db_table, "column": key.column}
        theirs = _THEIRS.format(theirs=owner.theirs, **names) if owner.theirs else ""
        return sql.format(
            moved=_MOVED,
            candidates=f"{_MOVED} {theirs}",
            limit=limit,
            came_at=owner.came_at,
            **names,
        )


def _keys() -> Iterator[tuple[ContactKey, Owner]]:
    """The keys whose rows merges move; first those that say whose others are."""
    keys = {name_of(key): key for key in moving_keys()}
    order = [*(name for name in _owners if name in keys), *(set(keys) - set(_owners))]
    for name in dict.fromkeys(order):
        yield keys[name], _owners.get(name, Owner())


def _table(key: ContactKey) -> str:
    return str(key.model._meta.verbose_name_plural)
