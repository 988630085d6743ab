"""What an undo of an import does with each contact: restores it, removes it, or leaves it alone.

Who did something since the import, or was changed by another, is left alone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from activities.models import Activity, DataInput
from consents.models import ConsentAgreement
from contacts.annotations import ContactTag
from contacts.models import ContactIdentifier
from contacts.profile import FIELDS
from contacts.removing import own_keys
from database.cursors import array_of
from exchange.importing.halves import Half
from exchange.models import Import, KeptByUndo

# The stage of an undo that is about contacts.
CONTACTS = "contacts"
# Rows of these say that a contact did something; of others, that it is used.
_DID = {Activity, DataInput, ContactIdentifier, ConsentAgreement}
_DID_TABLES = {"crosssite_sitecontact"}
# Of these, rows that the import itself has written say nothing.
OF_IMPORTS = {ConsentAgreement, ContactIdentifier, ContactTag}

_CONTACT = ", ".join(
    f"'{name}', COALESCE(to_char(contact.birthday, 'YYYY-MM-DD'), '')"
    if name == "birthday"
    else f"'{name}', contact.{name}"
    for name in FIELDS
)
# A contact was made by the import if it began with its change. Its activities may have dated it
# back since; but then both were written in one transaction.
_JUDGED = """
SELECT change.id, contact.id, contact.created_at = change.at AS is_created,
    CASE
        WHEN contact.merged_into_id IS NOT NULL OR {merged} THEN 'merged'
        WHEN (contact.created_at = change.at OR (
            contact.recorded_in = change.recorded_in AND change.before ->> 'email' = ''
        )) AND ({did}) THEN 'active'
        WHEN EXISTS (
            SELECT FROM contacts_contactchange AS later
            WHERE later.contact_id = contact.id AND later.id > change.id
                AND (later.import_id IS NULL OR later.import_id <> ALL(%(undone)s::bigint[]))
        ) OR NOT jsonb_build_object({contact}) @> change.after THEN 'changed'
        WHEN contact.created_at = change.at AND ({used}) THEN 'used'
        ELSE ''
    END AS reason
FROM contacts_contactchange AS change
JOIN contacts_contact AS contact ON contact.id = change.contact_id
WHERE change.import_id = %(import)s AND change.source = 'import' {part}
"""
_MERGED = """
EXISTS (
    SELECT FROM contacts_contactmerge AS merge
    WHERE merge.{side}_id = contact.id AND merge.status IN ('done', 'undone')
        AND merge.finished_at >= change.at
)
"""
_OF_STATIC_GROUP = """
EXISTS (
    SELECT FROM groups_membership AS membership
    JOIN groups_contactgroup AS grouped ON grouped.id = membership.group_id
    WHERE membership.contact_id = contact.id AND grouped.static AND NOT EXISTS (
        SELECT FROM groups_membershipevent AS entry
        WHERE entry.contact_id = contact.id AND entry.group_id = grouped.id
            AND entry.at = membership.since AND entry.cause = 'import'
            AND entry.cause_id = %(import)s
    )
)
"""
_NEXT = "{left} AND change.id > %(after)s ORDER BY change.id LIMIT %(most)s"
# So many are counted in one statement, in less than a second.
_MOST = 20_000


@dataclass(frozen=True)
class Preview:
    """What an undo would come to, of the changes that were looked at so far."""

    restored: int = 0
    removed: int = 0
    # Of each reason how many contacts are left alone for it.
    kept: dict[str, int] = field(default_factory=dict)
    # How many changes were looked at, and the last of them.
    seen: int = 0
    last: int = 0
    is_all: bool = False


def preview_undo(import_: Import, so_far: Preview, most: int = _MOST) -> Preview:
    """Look at the next changes of an import, and add what undoing them now would come to."""
    if import_.kind == Import.Kind.ACTIVITIES:
        # To count them would read as many; those that were deleted since are counted all the same.
        removed = import_.done.get("create", 0) - import_.undone.get("removed", 0)
        return Preview(removed=removed, seen=removed, is_all=True)
    params = _params(import_) | {"after": so_far.last, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_judged(_NEXT.format(left=_left(import_))), params)
        rows = cursor.fetchall()
    kept = Counter(so_far.kept) + Counter(reason for *_, reason in rows if reason)
    return Preview(
        restored=so_far.restored + sum(not (created or why) for _, _, created, why in rows),
        removed=so_far.removed + sum(created and not why for _, _, created, why in rows),
        kept=dict(sorted(kept.items())),
        seen=so_far.seen + len(rows),
        last=rows[-1][0] if rows else so_far.last,
        is_all=len(rows) < most,
    )


def ends_of(import_: Import, half: Half) -> tuple[int, int]:
    """The changes of a half that an undo has not come to lie between these."""
    if half is Half.FIRST:
        return import_.middle, import_.cursor
    return 0, import_.cursor_behind


def judge(import_: Import, change_ids: Sequence[int]) -> list[tuple[int, int, bool, str]]:
    """Of these changes: the number, the contact, whether the import made it, and why it is kept."""
    params = _params(import_) | {"changes": array_of(change_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_judged("AND change.id = ANY(%(changes)s::bigint[])"), params)
        return cursor.fetchall()


def _params(import_: Import) -> dict[str, Any]:
    undone = Import.objects.filter(status=Import.Status.UNDONE).values_list("pk", flat=True)
    return {"import": import_.pk, "undone": array_of([*undone, import_.pk])}


def _judged(part: str) -> str:
    did: list[str] = []
    used: list[str] = [_OF_STATIC_GROUP]
    for key in own_keys():
        table, more = key.model._meta.db_table, ""
        if key.model is KeptByUndo:
            continue
        if key.model in OF_IMPORTS:
            more = " AND own.import_id IS DISTINCT FROM %(import)s"
        is_did = key.model in _DID or table in _DID_TABLES
        (did if is_did else used).append(
            f"EXISTS (SELECT FROM {table} AS own WHERE own.{key.column} = contact.id{more})"
        )
    return _JUDGED.format(
        did=" OR ".join(did),
        used=" OR ".join(used),
        merged=" OR ".join(_MERGED.format(side=side) for side in ("survivor", "loser")),
        contact=_CONTACT,
        part=part,
    )


def _left(import_: Import) -> str:
    """SQL: which changes are left, if some were undone: those are not in the import any more."""
    if import_.status != Import.Status.PARTLY_UNDONE or import_.stage == "merges":
        return ""
    ends = [ends_of(import_, half) for half in Half] if import_.stage == CONTACTS else []
    ranges = [f"(change.id > {behind} AND change.id < {before})" for behind, before in ends]
    return f"AND ({' OR '.join(ranges) or 'false'})"
