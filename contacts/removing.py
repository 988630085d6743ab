"""Removes contacts that should never have been, such as those that an undone import has made.

It is no erasure: nobody asked to be forgotten, and nothing keeps the person from coming back.
"""

from collections.abc import Callable, Collection, Sequence

from django.apps import apps
from django.db import connection

from contacts.keys import ContactKey, OnErase, OnMerge
from contacts.models import Contact
from database.cursors import array_of

_before_removing: list[Callable[[Sequence[int]], None]] = []


def before_removing(do: Callable[[Sequence[int]], None]) -> None:
    """Have `do` be called with the ids of contacts that are removed, before anything is deleted."""
    _before_removing.append(do)


def own_keys() -> list[ContactKey]:
    """The keys of rows that tell what a contact did, has, or is used by: a merge moves them.

    Rows of the other keys follow from those, or say what became of the contact.
    """
    moving = (OnMerge.MOVE, OnMerge.FOLLOW)
    return [key for key in _keys() if key.on_merge in moving and key.on_erase == OnErase.DELETE]


def remove_contacts(contact_ids: Collection[int], *, besides: Collection[ContactKey] = ()) -> int:
    """Delete these contacts and what follows from them; return how many there were.

    Call it inside a transaction that holds off erasures, with the contacts locked
    (`lock_many(…, to_delete=True)`). They have no rows of `own_keys`, other than of `besides`.
    """
    ids = array_of(contact_ids)
    for do in _before_removing:
        do(list(contact_ids))
    left_out = {key for key in own_keys() if key not in besides}
    with connection.cursor() as cursor:
        for key in _keys():
            table, column = key.model._meta.db_table, key.column
            if key.model is Contact or key in left_out:
                continue
            if key.on_erase == OnErase.DELETE:
                sql = f"DELETE FROM {table} WHERE {column} = ANY(%s::bigint[])"  # noqa: S608
            else:
                sql = (
                    f"UPDATE {table} SET {column} = NULL"  # noqa: S608
                    f" WHERE {column} = ANY(%s::bigint[])"
                )
            cursor.execute(sql, [ids])
        cursor.execute("DELETE FROM contacts_contact WHERE id = ANY(%s::bigint[])", [ids])
        return cursor.rowcount


def _keys() -> list[ContactKey]:
    return [
        field
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, ContactKey)
    ]
