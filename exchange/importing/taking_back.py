"""Takes back what an import has given besides fields, portion by portion, as its undo.

Contacts whom the undo leaves alone keep theirs. So do those who did something since they were known
by an identifier of the import: what is recorded of them next shall find them.
"""

from collections.abc import Callable, Collection
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from adminsite.counting import count_up_to
from contacts.annotating_many import forget_unused_tags, take_back_tags
from contacts.changing_many import lock_many
from contacts.identifying_many import take_back_identifiers
from contacts.models import ContactIdentifier, ContactTag
from exchange.models import Import, KeptByUndo
from groups.entering_many import take_back_entries
from groups.models import MembershipEvent

# Rows of contacts that the undo has left alone are passed over.
_NEXT = """
SELECT own.id, own.contact_id, {more} FROM {table} AS own
WHERE {is_of_import} AND own.id > %(after)s AND NOT EXISTS (
    SELECT FROM exchange_keptbyundo AS kept
    WHERE kept.source_id = %(import)s AND kept.contact_id = own.contact_id
        AND kept.reason <> %(revoked)s
)
ORDER BY own.id LIMIT %(most)s
"""
_OF_IMPORT = "own.import_id = %(import)s"
_IS_ENTRY = "own.cause = 'import' AND own.cause_id = %(import)s AND own.entered"
_DID_SINCE = """
EXISTS (
    SELECT FROM activities_activity AS did
    WHERE did.contact_id = own.contact_id AND did.recorded_at > own.created_at
)
"""


def given_by(import_: Import, most: int) -> dict[str, int]:
    """How many `tags`, `groups` and `identifiers` contacts have by an import; what is none is not.

    It is `most` + 1 if there are more. Some may be of contacts whom an undo removes, or leaves
    alone. Activities give none of them.
    """
    if import_.kind == Import.Kind.ACTIVITIES:
        return {}
    given: dict[str, QuerySet] = {
        "tags": ContactTag.objects.filter(import_id=import_.pk),
        "groups": MembershipEvent.objects.filter(
            cause=MembershipEvent.Cause.IMPORT, cause_id=import_.pk, entered=True
        ),
        "identifiers": ContactIdentifier.objects.filter(import_id=import_.pk),
    }
    counts = {what: count_up_to(rows, most) for what, rows in given.items()}
    return {what: count for what, count in counts.items() if count}


def take_back_portion_of_tags(import_: Import, most: int) -> bool:
    """Take back the next tags; whether there may be more."""
    rows = _next(import_, "contacts_contacttag", _OF_IMPORT, "false", most)
    if not rows:
        forget_unused_tags(import_.pk)
        return False
    _take(import_, "tags", [(pk, contact_id) for pk, contact_id, _ in rows], take_back_tags)
    import_.cursor = rows[-1][0]
    return True


def take_back_portion_of_identifiers(import_: Import, most: int) -> tuple[bool, set[int]]:
    """Take back the next identifiers; whether there may be more, and who is left alone."""
    rows = _next(import_, "contacts_contactidentifier", _OF_IMPORT, _DID_SINCE, most)
    if not rows:
        return False, set()
    taken = [(pk, contact_id) for pk, contact_id, is_used in rows if not is_used]
    _take(import_, "identifiers", taken, take_back_identifiers)
    import_.cursor = rows[-1][0]
    return True, {contact_id for _, contact_id, is_used in rows if is_used}


def take_back_portion_of_entries(import_: Import, most: int) -> bool:
    """Take contacts out of the next groups that the import put them into; whether more may be."""
    rows = _next(import_, "groups_membershipevent", _IS_ENTRY, "own.group_id", most)
    if not rows:
        return False
    lock_many({contact_id for _, contact_id, _ in rows})
    count = take_back_entries(
        [pk for pk, *_ in rows],
        {group_id for *_, group_id in rows},
        import_id=import_.pk,
        by_id=import_.undone_by_id,
    )
    if count:
        import_.undone["groups"] = import_.undone.get("groups", 0) + count
    import_.cursor = rows[-1][0]
    return True


def _next(
    import_: Import, table: str, is_of_import: str, more: str, most: int
) -> list[tuple[int, int, Any]]:
    params: dict[str, Any] = {
        "import": import_.pk,
        "after": import_.cursor,
        "most": most,
        "revoked": KeptByUndo.Reason.REVOKED.value,
    }
    with connection.cursor() as cursor:
        sql = _NEXT.format(table=table, is_of_import=is_of_import, more=more)
        cursor.execute(sql, params)
        return cursor.fetchall()


def _take(
    import_: Import,
    what: str,
    rows: Collection[tuple[int, int]],
    take: Callable[[Collection[int]], int],
) -> None:
    if not rows:
        return
    # A merge that comes between moves none of them.
    lock_many({contact_id for _, contact_id in rows})
    import_.undone[what] = import_.undone.get(what, 0) + take([pk for pk, _ in rows])
