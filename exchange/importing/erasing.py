"""When a person is erased, what imports have of them goes, too: rows that wait, and the file."""

from collections.abc import Collection, Sequence

from django.db import connection, transaction

from contacts.emails import mailbox
from contacts.models import Contact
from contacts.names_among import NamesAmong
from contacts.telling import describe_person
from exchange.importing import staging
from exchange.importing.files import delete_file
from exchange.importing.problems import ERASED
from exchange.importing.storing import has_any
from exchange.models import Import

_NAMES = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""


def forget_records(records: Sequence[Contact]) -> None:
    """Forget what imports have of these contacts, of one person or many, about to be erased.

    That is by every email that they had, but for those that another contact has by now.
    """
    live = next((one for one in records if one.merged_into_id is None), records[0])
    person = describe_person(live, records)
    forget_people(sorted(person.guids), person.emails)


def forget_people(guids: Collection[str], emails: Collection[str]) -> None:
    """Forget what imports have of people with these GUIDs and emails, in whatever spelling.

    Rows of theirs that wait are refused instead. A file that had one is deleted: what else was read
    of it stays, and is imported all the same.
    """
    keys = sorted({mailbox(email).lower() for email in emails if email})
    names = {*keys, *emails, *guids} - {""}
    among = NamesAmong(names)
    for import_ in Import.objects.exclude(staged_as="", path="", errors=[], warnings=[], told={}):
        # A file of which nothing was read yet is looked through as it is.
        is_named = import_.file is not None and has_any(import_.file, among)
        rows = _forget_rows(import_.staged_as, sorted(guids), keys)
        if rows or is_named:
            transaction.on_commit(lambda one=import_: delete_file(one))  # type: ignore[misc]
        _forget_examples(import_, names, rows)


def _forget_rows(staged_as: str, guids: list[str], keys: list[str]) -> set[int]:
    """Empty the rows of these people, and take their lines out of the plan; return the numbers."""
    columns = {kind: _columns(kind, staged_as) for kind in ("rows", "plan")}
    found: set[int] = set()
    for kind, names in columns.items():
        if not names:
            continue
        table = staging.table(kind, staged_as)
        where = "lower(mailbox) = ANY(%(keys)s)"
        if "guid" in names:
            where += " OR guid = ANY(%(guids)s)"
        does = f"DELETE FROM {table}"  # noqa: S608 -- names of our own
        if kind == "rows":
            emptied = ", ".join(f"{name} = ''" for name in names if name not in ("row", "problem"))
            does = f"UPDATE {table} SET problem = %(problem)s, {emptied}"  # noqa: S608
        problem = staging.problems_as_text([ERASED])
        with connection.cursor() as cursor:
            cursor.execute(
                f"{does} WHERE {where} RETURNING row",
                {"keys": keys, "guids": guids, "problem": problem},
            )
            found |= {row for (row,) in cursor.fetchall()}
    return found


def _columns(kind: str, staged_as: str) -> list[str]:
    if not staged_as:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, [staging.table(kind, staged_as)])
        return [name for (name,) in cursor.fetchall()]


def _forget_examples(import_: Import, names: Collection[str], rows: Collection[int]) -> None:
    """Take the values of these people out of the examples of what was wrong."""
    lower = [name.lower() for name in names]
    changed = {}
    for member in ("errors", "warnings"):
        groups = getattr(import_, member)
        is_named = False
        for group in groups:
            for example in group["examples"]:
                is_theirs = example["row"] in rows
                if is_theirs or any(name in example["found"].lower() for name in lower):
                    example["found"], is_named = "", True
        if is_named:
            changed[member] = groups
    tags = import_.told.get("tags", {"names": []})
    # A tag may be called as a person.
    left = [one for one in tags["names"] if not any(name in one[0].lower() for name in lower)]
    if len(left) < len(tags["names"]):
        changed["told"] = {**import_.told, "tags": {**tags, "names": left}}
    if changed:
        Import.objects.filter(pk=import_.pk).update(**changed)
