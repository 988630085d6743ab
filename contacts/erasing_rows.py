"""The rows that an erasure deletes and clears, in portions, as each `ContactKey` says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model

from contacts.keys import ContactKey, OnErase, OnMerge
from contacts.records import keys_that, label_of, rows_of

# So many rows of a table go in one transaction.
PORTION = 5_000

_before_deleting: dict[type[Model], list[Callable[[Sequence[int]], None]]] = {}


def before_deleting(model: type[Model], do: Callable[[Sequence[int]], None]) -> None:
    """Have `do` be called with the ids of rows of `model` that go next, in the same transaction."""
    _before_deleting.setdefault(model, []).append(do)


def delete_some(
    contact_ids: list[int], counts: Mapping[str, int], *, besides: OnMerge | None = None
) -> tuple[dict[str, int], bool]:
    """Delete and clear up to PORTION rows; the counts by then, and whether there may be more.

    A table has its turn when nothing is left of those before it.

    :param besides: leave out the tables whose rows move like this when contacts merge
    """
    counts, left = dict(counts), PORTION
    for on_erase, take in ((OnErase.DELETE, _delete), (OnErase.CLEAR, _clear)):
        for key in keys_that(on_erase):
            if key.on_merge == besides:
                continue
            if taken := take(key, contact_ids, left):
                label = label_of(key.model)
                counts[label] = counts.get(label, 0) + taken
                left -= taken
            if not left:
                return counts, True
    return counts, False


def _delete(key: ContactKey, contact_ids: list[int], most: int) -> int:
    """Delete rows without loading them: what points at one is deleted by itself."""
    table, column = key.model._meta.db_table, key.column
    ids: list[Any] = [contact_ids, most]
    if hooks := _before_deleting.get(key.model):
        keys = list(rows_of(key, contact_ids).values_list("pk", flat=True)[:most])
        for do in hooks if keys else ():
            do(keys)
        sql, ids = f'DELETE FROM "{table}" WHERE id = ANY(%s)', [keys]  # noqa: S608
    else:
        sql = (
            f'DELETE FROM "{table}" WHERE ctid = ANY(ARRAY('  # noqa: S608 -- names of our own
            f'SELECT ctid FROM "{table}" WHERE "{column}" = ANY(%s) LIMIT %s))'
        )
    with connection.cursor() as cursor:
        cursor.execute(sql, ids)
        return cursor.rowcount


def _clear(key: ContactKey, contact_ids: list[int], most: int) -> int:
    # In the order in which workers lock rows.
    rows = rows_of(key, contact_ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    keys = list(rows.values_list("pk", flat=True)[:most])
    return key.model._base_manager.filter(pk__in=keys).update(**{key.name: None}) if keys else 0
