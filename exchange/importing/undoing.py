"""Undoes an import: in portions, each of which is a transaction and is done once.

What contacts were before the import, they are again; contacts that it made are removed. Who did
something since, or was changed by another, is left alone, and listed. The ledger is added to:
who agrees by the import alone does not agree any more.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from activities.models import Activity
from activities.removing import remove_activities
from consents.agreements import record_many
from consents.models import Consent
from contacts.changing_many import change_many, lock_many
from contacts.emails import mailbox
from contacts.models import ContactChange, ContactMerge
from contacts.profile import FIELDS
from contacts.removing import own_keys, remove_contacts
from contacts.resolving import owners_of
from database.cursors import array_of
from database.questions import ask
from exchange.importing.bringing import lift_suppressions
from exchange.importing.halves import Half
from exchange.importing.judging import CONTACTS, OF_IMPORTS, ends_of, judge
from exchange.importing.taking_back import (
    take_back_portion_of_entries,
    take_back_portion_of_identifiers,
    take_back_portion_of_tags,
)
from exchange.models import Import, KeptByUndo

NOTHING: dict[str, Any] = {"restored": 0, "removed": 0, "kept": {}}
_Reason = KeptByUndo.Reason
_NEXT = """
SELECT id, contact_id FROM contacts_contactchange
WHERE import_id = %(import)s AND source = 'import' AND id > %(behind)s AND id < %(before)s
ORDER BY id DESC LIMIT %(most)s
"""
_DIVIDE = """
WITH change AS MATERIALIZED (
    SELECT id, contact_id, COALESCE(before ->> 'email', '') <> '' AS had_email
    FROM contacts_contactchange WHERE import_id = %s AND source = 'import'
)
SELECT count(*), COALESCE(max(id), 0),
    COALESCE(percentile_disc(0.5) WITHIN GROUP (ORDER BY id), 0),
    count(DISTINCT contact_id) < count(*) OR COALESCE(bool_or(had_email), false)
FROM change
"""
_EMAILS = """
SELECT change.id, contact.id, change.before ->> 'email' FROM contacts_contactchange AS change
JOIN contacts_contact AS contact ON contact.id = change.contact_id
WHERE change.id = ANY(%s::bigint[]) AND change.before ? 'email' AND change.before ->> 'email' <> ''
"""
_BEFORE = """
SELECT contact.id, CASE WHEN change.before ? 'email'
    THEN COALESCE(lower(%(mailboxes)s::jsonb ->> contact.id::text), '')
    ELSE contact.email_key END AS key, {fields}
FROM contacts_contactchange AS change
JOIN contacts_contact AS contact ON contact.id = change.contact_id
WHERE change.id = ANY(%(changes)s::bigint[])
"""
_AGREEMENTS = """
SELECT agreement.id, agreement.contact_id, agreement.consent_id, agreement.agreed,
    answer.agreement_id IS NOT NULL AS counts
FROM consents_consentagreement AS agreement
LEFT JOIN consents_currentanswer AS answer ON answer.agreement_id = agreement.id
WHERE agreement.import_id = %(import)s AND agreement.id > %(after)s
    AND agreement.id <= %(until)s
ORDER BY agreement.id LIMIT %(most)s
"""
_REVOKED = """
SELECT answer.contact_id, false AS agreed, %(place)s AS place,
    CASE WHEN answer.at >= %(now)s THEN answer.at + interval '1 microsecond' END AS said_at
FROM consents_currentanswer AS answer WHERE answer.agreement_id = ANY(%(agreements)s::bigint[])
"""
_LAST_AGREEMENT = "SELECT max(id) FROM consents_consentagreement WHERE import_id = %s"


def undo_portion(import_: Import, most: int) -> bool:
    """Undo the next portion of an import, which is locked; whether there may be another of these.

    The caller holds off erasures. What it becomes of the import is not saved yet. Contacts, which
    come in between, have portions of their own (`has_halves`).
    """
    stages = _STAGES[Import.Kind(import_.kind)]
    stage = import_.stage or next(iter(stages))
    if stages[stage](import_, most):
        import_.stage = stage
        return True
    _go_to_next_stage(import_, stage)
    return import_.status == Import.Status.UNDOING and not has_halves(import_)


def has_halves(import_: Import) -> bool:
    """Whether the next that an undo does is `undo_contacts`."""
    return import_.status == Import.Status.UNDOING and import_.stage == CONTACTS


def undo_contacts(import_: Import, half: Half, most: int) -> Callable[[Import], bool]:
    """Undo the next changes of a half.

    Return a function that notes it in the import, which is locked by then. The caller holds off
    erasures.
    """
    if not has_halves(import_):
        return lambda locked: False
    behind, before = ends_of(import_, half)
    with connection.cursor() as cursor:
        params = {"import": import_.pk, "behind": behind, "before": before, "most": most}
        cursor.execute(_NEXT, params)
        changes = _of_each_once(cursor.fetchall())
    restored, removed, kept = _undo_changes(import_, changes) if changes else (0, 0, {})

    def note_it(locked: Import) -> bool:
        if not has_halves(locked):  # another worker found that nothing is left
            return False
        _move(locked, half, changes[-1][0] if changes else behind + 1)
        locked.position += len(changes)
        locked.undone["restored"] += restored
        locked.undone["removed"] += removed
        _keep(locked, kept)
        if all(_is_done(locked, one) for one in Half):
            _go_to_next_stage(locked, CONTACTS)
        return bool(changes)

    return note_it


def _withdraw_merges(import_: Import, most: int) -> bool:
    """Take back what was asked for, and was not decided."""
    asked = ContactMerge.objects.open().filter(import_id=import_.pk)
    asked._raw_delete(asked.db)
    return False


def _go_to_next_stage(import_: Import, stage: str) -> None:
    """Say that a stage of the undo is done; after the last one all is undone."""
    import_.position = import_.total = import_.cursor = 0
    names = list(_STAGES[Import.Kind(import_.kind)])
    if stage == names[-1]:
        import_.stage, import_.status, import_.undone_at = "", Import.Status.UNDONE, timezone.now()
        return
    import_.stage = names[names.index(stage) + 1]
    if import_.stage == CONTACTS:
        _divide(import_)


def _divide(import_: Import) -> None:
    """Find out what the halves of the changes are, the last of which come first.

    If one of them has to wait for another, such as of one contact, or of one who gets an email back
    that a new contact has, all are of the first half.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DIVIDE, [import_.pk])
        import_.total, last, middle, is_tangled = cursor.fetchone()
    import_.middle = 0 if is_tangled else middle
    import_.cursor, import_.cursor_behind = last + 1, import_.middle + 1


def _move(import_: Import, half: Half, change_id: int) -> None:
    if half is Half.FIRST:
        import_.cursor = change_id
    else:
        import_.cursor_behind = change_id


def _is_done(import_: Import, half: Half) -> bool:
    behind, before = ends_of(import_, half)
    return before <= behind + 1


def _undo_changes(
    import_: Import, changes: Sequence[tuple[int, int]]
) -> tuple[int, int, dict[int, str]]:
    """Undo these changes; how many contacts were restored and removed, and why others are kept."""
    lock_many({contact_id for _, contact_id in changes}, to_delete=True)
    judged = judge(import_, [change_id for change_id, _ in changes])
    restoring = {
        change: contact for change, contact, created, why in judged if not (why or created)
    }
    kept = {contact: why for _, contact, _, why in judged if why}
    mailboxes = _mailboxes(restoring, kept)
    removing = [contact for _, contact, created, why in judged if created and not why]
    restored = _restore(import_, restoring, mailboxes)
    besides = [key for key in own_keys() if key.model in OF_IMPORTS]
    removed = remove_contacts(removing, besides=besides) if removing else 0
    return restored, removed, kept


def _of_each_once(changes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The changes before any contact comes a second time.

    Its second change waits for the next portion. Contacts of several rows may have become one while
    these were brought in.
    """
    found: dict[int, int] = {}
    for change_id, contact_id in changes:
        if contact_id in found:
            break
        found[contact_id] = change_id
    return [(change_id, contact_id) for contact_id, change_id in found.items()]


def _mailboxes(restoring: dict[int, int], kept: dict[int, str]) -> dict[int, str]:
    """The mailboxes that contacts get back, by their ids; who cannot get it back is kept."""
    with connection.cursor() as cursor:
        cursor.execute(_EMAILS, [array_of(restoring)])
        rows = cursor.fetchall()
    if not rows:
        return {}
    (owners,) = ask(owners_of({email for _, _, email in rows}))
    found = {}
    for change_id, contact_id, email in rows:
        if owners[email][1] in (None, contact_id):
            found[contact_id] = mailbox(email)
        else:
            del restoring[change_id]
            kept[contact_id] = _Reason.EMAIL_TAKEN
    return found


def _restore(import_: Import, restoring: dict[int, int], mailboxes: dict[int, str]) -> int:
    if not restoring:
        return 0
    fields = ", ".join(
        f"CASE WHEN change.before ? '{name}' THEN {_from_json(name)}"
        f" ELSE contact.{name} END AS {name}"
        for name in FIELDS
    )
    return change_many(
        _BEFORE.format(fields=fields),
        {"changes": array_of(restoring), "mailboxes": json.dumps(mailboxes)},
        FIELDS,
        import_id=import_.pk,
        at=timezone.now(),
        source=ContactChange.Source.UNDO,
        by_id=import_.undone_by_id,
    )


def _from_json(name: str) -> str:
    text = f"change.before ->> '{name}'"
    return f"NULLIF({text}, '')::date" if name == "birthday" else text


def _withdraw_agreements(import_: Import, most: int) -> bool:
    """Add to the ledger that who agrees by the import alone does not agree any more."""
    with connection.cursor() as cursor:
        if not import_.total:
            # What the undo itself adds comes behind.
            cursor.execute(_LAST_AGREEMENT, [import_.pk])
            import_.total = cursor.fetchone()[0] or 0
        params = {
            "import": import_.pk,
            "after": import_.cursor,
            "until": import_.total,
            "most": most,
        }
        cursor.execute(_AGREEMENTS, params)
        rows = cursor.fetchall()
    if not rows:
        return False
    live = lock_many({contact_id for _, contact_id, *_ in rows})
    counting = [row for row in rows if row[4] and row[1] in live]
    for consent in Consent.objects.filter(pk__in={row[2] for row in counting}):
        agreed = [row[0] for row in counting if row[2] == consent.pk and row[3]]
        if agreed:
            given = {"agreements": array_of(agreed), "place": f"Undo of import {import_.pk}"}
            record_many(_REVOKED, given, consent, import_id=import_.pk)
    _keep(import_, {row[1]: _Reason.REVOKED for row in counting if not row[3]})
    import_.cursor = import_.position = rows[-1][0]
    return True


def _lift_suppressions(import_: Import, most: int) -> bool:
    lift_suppressions(import_)
    return False


def _take_back_identifiers(import_: Import, most: int) -> bool:
    is_more, used = take_back_portion_of_identifiers(import_, most)
    _keep(import_, dict.fromkeys(sorted(used), _Reason.ACTIVE))
    return is_more


def _remove_activities(import_: Import, most: int) -> bool:
    """Delete what was recorded; the caller has held what is counted."""
    of_import = Activity.objects.filter(request_id=import_.request_id)
    if not import_.total:
        import_.total = of_import.count()
    rows = list(of_import.order_by("pk").values_list("pk", "contact_id")[:most])
    if not rows:
        return False
    lock_many({contact_id for _, contact_id in rows})
    import_.undone["removed"] += remove_activities([pk for pk, _ in rows])
    import_.cursor = rows[-1][0]
    import_.position += len(rows)
    return True


def _keep(import_: Import, kept: dict[int, str]) -> None:
    KeptByUndo.objects.bulk_create(
        KeptByUndo(source=import_, contact_id=contact_id, reason=reason)
        for contact_id, reason in kept.items()
    )
    counted = Counter(import_.undone["kept"]) + Counter(map(str, kept.values()))
    import_.undone["kept"] = dict(sorted(counted.items()))


type Stage = Callable[[Import, int], bool]
# Of contacts there is nothing to do here: they are undone in halves.
_STAGES: dict[Import.Kind, dict[str, Stage]] = {
    Import.Kind.CONTACTS: {
        "merges": _withdraw_merges,
        CONTACTS: lambda import_, most: True,
        "agreements": _withdraw_agreements,
        "suppressions": _lift_suppressions,
        "identifiers": _take_back_identifiers,
        "tags": take_back_portion_of_tags,
        "entries": take_back_portion_of_entries,
    },
    Import.Kind.ACTIVITIES: {"activities": _remove_activities},
}
