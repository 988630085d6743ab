"""Writes the fields of very many contacts at once, as imports do: what to write is SQL.

The rest of `contacts/changes.py`, which is for what fits into memory, holds here as well: for each
value there is a `ContactChange` that says where it came from, and what it was before.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.models import ContactChange
from contacts.profile import FIELDS

_Source = ContactChange.Source

# Contacts are made in the order of their emails, as everywhere: so two callers cannot wait for each
# other. A row whose email or GUID another contact has by now is left out.
_CREATE = """
WITH given AS MATERIALIZED ({given}),
made AS (
    INSERT INTO contacts_contact (guid, email_key, created_at, {columns})
    SELECT COALESCE(guid, gen_random_uuid()), key, %(at)s, {values} FROM given ORDER BY key
    ON CONFLICT DO NOTHING
    RETURNING id, {columns}
), kept AS (
    INSERT INTO contacts_contactchange (contact_id, source, before, after, at, by_id, import_id)
    SELECT id, %(source)s, jsonb_strip_nulls(jsonb_build_object({before})),
        jsonb_strip_nulls(jsonb_build_object({after})), %(at)s, %(by)s, %(import)s
    FROM made
)
SELECT count(*) FROM made
"""
_CHANGE = """
WITH given AS MATERIALIZED ({given}),
differing AS MATERIALIZED (
    SELECT given.*, {old} FROM given JOIN contacts_contact AS contact ON contact.id = given.id
    WHERE {differs}
), changed AS (
    UPDATE contacts_contact AS contact SET {setting} FROM differing
    WHERE contact.id = differing.id
), kept AS (
    INSERT INTO contacts_contactchange (contact_id, source, before, after, at, by_id, import_id)
    SELECT id, %(source)s, jsonb_strip_nulls(jsonb_build_object({before})),
        jsonb_strip_nulls(jsonb_build_object({after})), %(at)s, %(by)s, %(import)s
    FROM differing ORDER BY id
)
SELECT count(*) FROM differing
"""
_LOCK = """
SELECT id FROM contacts_contact WHERE id = ANY(%s::bigint[]) AND merged_into_id IS NULL
ORDER BY id FOR {lock}
"""


def create_many(
    given: str,
    params: Mapping[str, Any],
    fields: Collection[str],
    *,
    import_id: int,
    at: datetime,
    by_id: int | None = None,
) -> int:
    """Make a contact of each row of the query `given`; return how many were made.

    :param given: with the columns `key` and `email`, those of `fields`, and `guid`, which may be
        null. Values are as `check_field` gives them; birthdays are dates
    """
    names = [name for name in FIELDS if name == "email" or name in fields]
    sql = _CREATE.format(
        given=given,
        columns=", ".join(FIELDS),
        values=", ".join(
            name if name in names else "NULL" if name == "birthday" else "''" for name in FIELDS
        ),
        before=", ".join(f"'{one}', CASE WHEN {_text(one)} <> '' THEN '' END" for one in names),
        after=", ".join(f"'{one}', NULLIF({_text(one)}, '')" for one in names),
    )
    return _run(sql, params, _Source.IMPORT, import_id, at, by_id)


def change_many(
    given: str,
    params: Mapping[str, Any],
    fields: Collection[str],
    *,
    import_id: int,
    at: datetime,
    source: ContactChange.Source = _Source.IMPORT,
    by_id: int | None = None,
) -> int:
    """Give contacts, who are locked, the values of the query `given`; return how many changed.

    :param given: with the columns `id`, `key` (of the email) and those of `fields`
    :raises django.db.IntegrityError: as `contacts.changes.Changes.write`
    """
    names = [name for name in FIELDS if name in fields]
    differ = {name: f"{name} IS DISTINCT FROM old_{name}" for name in names}
    sql = _CHANGE.format(
        given=given,
        old=", ".join(f"contact.{name} AS old_{name}" for name in names),
        differs=" OR ".join(f"given.{name} IS DISTINCT FROM contact.{name}" for name in names),
        setting=", ".join(
            (f"{name} = differing.{name}" for name in names)
            if "email" not in names
            else ("email_key = differing.key", *(f"{name} = differing.{name}" for name in names))
        ),
        before=_said(differ, "old_{}"),
        after=_said(differ, "{}"),
    )
    return _run(sql, params, source, import_id, at, by_id)


def lock_many(contact_ids: Iterable[int], *, to_delete: bool = False) -> set[int]:
    """Lock these contacts, in the order of their ids; return those that are live.

    Call it inside a transaction. With `to_delete` rows that refer to them have to wait, too.
    """
    lock = "UPDATE" if to_delete else "NO KEY UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(lock=lock), [sorted(contact_ids)])
        return {contact_id for (contact_id,) in cursor.fetchall()}


def _said(differ: Mapping[str, str], column: str) -> str:
    """The members of the JSON of a change: of those fields that differ."""
    return ", ".join(
        f"'{name}', CASE WHEN {differs} THEN COALESCE({_text(column.format(name))}, '') END"
        for name, differs in differ.items()
    )


def _text(column: str) -> str:
    return f"to_char({column}, 'YYYY-MM-DD')" if column.endswith("birthday") else column


def _run(
    sql: str,
    params: Mapping[str, Any],
    source: ContactChange.Source,
    import_id: int,
    at: datetime,
    by_id: int | None,
) -> int:
    origin: dict[str, Any] = {"source": source.value, "import": import_id, "at": at, "by": by_id}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**params, **origin})
        return cursor.fetchone()[0]
