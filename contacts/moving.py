"""Rows that point at contacts, given from losers to survivors as their keys say."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.db import connection

from contacts.keys import ContactKey, OnMerge
from contacts.models import ContactMerge
from database.cursors import array_of

# Of a table with very many rows of one contact, so many are moved in one transaction.
CHUNK = 10_000

_MOVE = """
UPDATE {table} AS moving SET {column} = pair.survivor
FROM unnest(%s::bigint[], %s::bigint[]) AS pair (loser, survivor)
WHERE moving.{column} = pair.loser {limit}
RETURNING pair.loser, moving.{id}
"""
_LIMIT = "AND moving.{id} IN (SELECT {id} FROM {table} WHERE {column} = ANY(%s::bigint[]) LIMIT %s)"
_KEEP_MOVED = """
INSERT INTO contacts_movedrows (merge_id, contact_id, key, rows)
SELECT merge, contact, key, rows
FROM jsonb_to_recordset(%s) AS moved (merge bigint, contact bigint, key text, rows bigint[])
"""


def move_rows(merges: Sequence[ContactMerge]) -> bool:
    """Give the rows of losers to survivors, and return whether some are left for another time."""
    if not merges:
        return False
    by_loser = {merge.loser_id: merge for merge in merges}
    moved_rows, is_more = [], False
    for key in moving_keys():
        moved: dict[int, list[int]] = defaultdict(list)
        for loser_id, row_id in _move(key, merges):
            moved[loser_id].append(row_id)
        for loser_id, row_ids in moved.items():
            merge, name = by_loser[loser_id], str(key.model._meta.verbose_name_plural)
            merge.moved[name] = merge.moved.get(name, 0) + len(row_ids)
            moved_rows.append(
                {"merge": merge.pk, "contact": loser_id, "rows": row_ids, "key": name_of(key)}
            )
        is_more |= sum(map(len, moved.values())) >= CHUNK and key.on_merge == OnMerge.FOLLOW
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_MOVED, [json.dumps(moved_rows)])
    return is_more


def name_of(key: ContactKey) -> str:
    """What `MovedRows` calls a key."""
    return f"{key.model._meta.label_lower}.{key.name}"


def _move(key: ContactKey, merges: Sequence[ContactMerge]) -> list[tuple[int, int]]:
    losers, survivors = columns_of(merges)
    names = {"table": key.model._meta.db_table, "column": key.column, "id": "id"}
    limit = ""
    params: list[Any] = [losers, survivors]
    if key.on_merge == OnMerge.FOLLOW:
        limit, params = _LIMIT.format(**names), [*params, losers, CHUNK]
    with connection.cursor() as cursor:
        cursor.execute(_MOVE.format(limit=limit, **names), params)
        return cursor.fetchall()


def moving_keys() -> list[ContactKey]:
    return [
        field
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, ContactKey) and field.on_merge in (OnMerge.MOVE, OnMerge.FOLLOW)
    ]


def columns_of(merges: Sequence[ContactMerge]) -> list[str]:
    """The losers and the survivors, as arrays."""
    losers = array_of(merge.loser_id for merge in merges)
    return [losers, array_of(merge.survivor.pk for merge in merges)]


def transaction_ids() -> tuple[int, int]:
    """The oldest transaction that is still running, and this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
            " pg_current_xact_id()::text::bigint"
        )
        return cursor.fetchone()
