"""Brings the lines of a plan into the contacts: a portion is a transaction, and is done once.

Contacts may have changed since the check: each portion looks again whom its lines are about.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from automations.models import Suppression
from consents.agreements import record_many
from consents.models import Consent
from contacts.annotating_many import make_tags, tag_many
from contacts.asking import ask_for_merges
from contacts.changing_many import change_many, create_many, lock_many
from contacts.identifying_many import keep_many
from contacts.resolving import live_of
from database.questions import ask
from exchange.importing import identifiers, lists, tags
from exchange.importing.halves import Half
from exchange.importing.planning import (
    ADDRESS,
    GIVES_EMAIL,
    NEWS,
    Staged,
    answers_of,
    differs,
    values,
)
from exchange.importing.problems import ERASED
from exchange.importing.staging import problems_as_text
from exchange.importing.suppressed import erased_condition, suppressed_by
from exchange.models import Import
from groups.entering_many import enter_many

_LAST_ROW = 2**31 - 1
_PART = "line.row > %(after)s AND line.row <= %(until)s"
_UNTIL = """
SELECT max(row) FROM (
    SELECT row FROM {plan} WHERE row > %(after)s AND row <= %(end)s ORDER BY row LIMIT %(most)s
) AS part
"""
# Who was merged into somebody else since the check, or is gone.
_MOVED = f"""
SELECT DISTINCT line.contact_id FROM {{plan}} AS line
LEFT JOIN contacts_contact AS contact ON contact.id = line.contact_id
WHERE {_PART} AND line.contact_id IS NOT NULL
    AND (contact.id IS NULL OR contact.merged_into_id IS NOT NULL)
"""  # noqa: S608 -- of names of our own, as all statements here
_FOLLOW = f"""
UPDATE {{plan}} AS line
SET contact_id = %(live)s, named = array_replace(line.named, line.contact_id, %(live)s::bigint)
WHERE {_PART} AND line.contact_id = %(moved)s
"""  # noqa: S608
# Who has the email by now.
_OWNED = f"""
UPDATE {{plan}} AS line SET contact_id = contact.id FROM contacts_contact AS contact
WHERE {_PART} AND line.key <> '' AND contact.email_key = line.key
    AND contact.merged_into_id IS NULL AND NOT contact.email_key = ''
    AND line.contact_id IS DISTINCT FROM contact.id
"""  # noqa: S608
_TO_LOCK = f"""
SELECT line.contact_id FROM {{plan}} AS line
JOIN contacts_contact AS contact ON contact.id = line.contact_id {{answers}}
WHERE {_PART} AND ({{differs}} OR EXISTS (
    SELECT FROM unnest(line.named) AS other WHERE other <> line.contact_id
))
"""  # noqa: S608
_ERASED = f"""
UPDATE {{plan}} AS line SET outcome = 'erased' WHERE {_PART} AND ({{erased}})
RETURNING line.row, line.key
"""  # noqa: S608
_GONE = "line.contact_id IS NULL AND line.key = ''"
_REFUSE = """
UPDATE {rows} AS staged SET problem = %(problem)s
WHERE staged.problem = '' AND (row = ANY(%(rows)s) OR lower(staged.mailbox) = ANY(%(keys)s))
"""
_COUNT = f"""
SELECT COALESCE(sum(rows), 0), COALESCE(sum(rows) FILTER (WHERE is_refused), 0),
    COALESCE(sum(leads) FILTER (WHERE NOT is_refused AND is_new), 0),
    COALESCE(sum(leads) FILTER (WHERE NOT is_refused AND NOT is_new AND differs), 0),
    COALESCE(sum(leads) FILTER (WHERE NOT is_refused AND NOT is_new AND NOT differs), 0),
    COALESCE(count(*) FILTER (WHERE NOT is_refused AND is_new), 0)
FROM (
    SELECT line.rows, (NOT line.is_contradiction)::int AS leads,
        line.outcome = 'erased' AS is_refused,
        line.contact_id IS NULL AS is_new,
        line.contact_id IS NOT NULL AND COALESCE({{differs}}, false) AS differs
    FROM {{plan}} AS line
    LEFT JOIN contacts_contact AS contact ON contact.id = line.contact_id {{answers}}
    WHERE {_PART}
) AS line
"""  # noqa: S608
_NEW = f"""
SELECT line.key, line.email, {{guid}} AS guid, {{fields}}
FROM {{plan}} AS line
WHERE {_PART} AND line.contact_id IS NULL AND line.outcome <> 'erased'
"""  # noqa: S608
_FREE_GUID = """
CASE WHEN line.guid <> '' AND row_number() OVER (PARTITION BY line.guid ORDER BY line.row) = 1
    AND NOT EXISTS (
        SELECT FROM contacts_contact AS taken WHERE taken.guid = line.guid::uuid
    ) THEN line.guid::uuid END
"""
_CHANGED = f"""
SELECT contact.id, CASE WHEN {GIVES_EMAIL} THEN line.key ELSE contact.email_key END AS key,
    {{fields}}
FROM {{lines}} AS line JOIN contacts_contact AS contact ON contact.id = line.contact_id
WHERE {_PART} AND line.outcome <> 'erased'
"""  # noqa: S608
# Contacts of several lines have become one since the check: their lines come one after the other.
_OF_ONE = f"""
SELECT max(lines) FROM (
    SELECT count(*) AS lines FROM {{plan}} AS line
    WHERE {_PART} AND line.contact_id IS NOT NULL GROUP BY line.contact_id
) AS counted
"""  # noqa: S608
_PLACED = f"""
(
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY line.contact_id ORDER BY line.row) AS place
        FROM {{plan}} AS line WHERE {_PART}
    ) AS line WHERE place = {{place}}
)
"""  # noqa: S608
_ANSWERED = f"""
SELECT line.contact_id, line.consent_{{consent}} = 'y' AS agreed, {{said_at}} AS said_at,
    {{place}} AS place
FROM {{plan}} AS line {{answers}}
WHERE {_PART} AND line.outcome <> 'erased' AND line.contact_id IS NOT NULL AND {{news}}
"""  # noqa: S608
_CONTRADICTING = f"""
SELECT line.contact_id, other FROM {{plan}} AS line, unnest(line.named) AS other
WHERE {_PART} AND line.outcome <> 'erased' AND other <> line.contact_id
"""  # noqa: S608
# Lines that change nothing cost next to nothing, and often stand together.
_MIDDLE = """
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY row) FROM {plan} WHERE outcome <> 'unchanged'
"""
# An address may be suppressed by several imports: it is until the last of them is undone.
_SUPPRESS = f"""
INSERT INTO automations_suppression AS known (email_key, reason, detail, at)
SELECT DISTINCT ON (address) address,
    CASE status WHEN 'u' THEN %(unsubscribed)s ELSE %(bounced)s END, %(detail)s, now()
FROM (
    SELECT {ADDRESS} AS address, line.status, line.row
    FROM {{plan}} AS line LEFT JOIN contacts_contact AS contact ON contact.id = line.contact_id
    WHERE line.status <> '' AND line.outcome <> 'erased'
) AS line WHERE address <> '' ORDER BY address, row
ON CONFLICT (email_key) DO UPDATE SET detail = known.detail || ', ' || EXCLUDED.detail
    WHERE known.reason IN (%(unsubscribed)s, %(bounced)s)
    AND known.detail ~ '^Import [0-9]+(, Import [0-9]+)*$'
    AND EXCLUDED.detail <> ALL(string_to_array(known.detail, ', '))
"""  # noqa: S608
_LIFT = """
WITH of_import AS (
    SELECT id, array_remove(string_to_array(detail, ', '), %(detail)s) AS others
    FROM automations_suppression
    WHERE reason IN (%(unsubscribed)s, %(bounced)s)
    AND detail ~ '^Import [0-9]+(, Import [0-9]+)*$'
    AND %(detail)s = ANY(string_to_array(detail, ', '))
    FOR UPDATE
), kept AS (
    UPDATE automations_suppression AS known SET detail = array_to_string(others, ', ')
    FROM of_import WHERE known.id = of_import.id AND others <> '{}'
)
DELETE FROM automations_suppression AS known USING of_import
WHERE known.id = of_import.id AND others = '{}'
"""


class _Again(Exception):
    """Somebody else made or changed one of the contacts in this moment."""


class Portion:
    """Some lines of a plan, which are brought in within one transaction.

    The caller has opened it, and holds off erasures.
    """

    def __init__(self, import_: Import, staged: Staged, half: Half, *, most: int):
        self._import, self._staged = import_, staged
        self._erased = problems_as_text([ERASED])
        self._at: datetime = timezone.now()
        self._has_moved = False
        after, end = _ends(import_, half)
        self._params: dict[str, Any] = {"after": after, "end": end, "most": most, **staged.params}
        self._params["until"] = self._ask(_UNTIL)[0][0]

    @property
    def until(self) -> int | None:
        """The last row of the portion; None if there is none."""
        return self._params["until"]

    def bring_in(self) -> dict[str, int]:
        """Bring it in, and return how many rows had which outcome."""
        for _ in range(5):
            try:
                with transaction.atomic():
                    return self._bring_in()
            except _Again:
                continue
        raise RuntimeError("Other writers are at the same contacts all the time.")

    def _bring_in(self) -> dict[str, int]:
        self._find_who()
        self._refuse_erased()
        answers = answers_of(self._staged)
        counted = self._ask(_COUNT, differs=differs(self._staged), answers=answers)[0]
        rows, rejected, created, updated, unchanged, new = map(int, counted)
        if new:
            self._create(new)
        self._change()
        if self._staged.has_more:
            self._run(_OWNED)  # new contacts, too
        for consent in Consent.objects.filter(pk__in=self._staged.consents):
            self._answer(consent)
        self._ask_for_merges()
        self._tag()
        self._identify()
        self._list()
        return {
            "create": created,
            "update": updated,
            "merge": rows - rejected - created - updated - unchanged,
            "unchanged": unchanged,
            "reject": rejected,
        }

    def _find_who(self) -> None:
        """Find the contacts of the lines as they are now, and lock those that will be changed."""
        self._follow()
        asked: dict[str, Any] = {
            "differs": differs(self._staged),
            "answers": answers_of(self._staged),
        }
        wanted = {contact_id for (contact_id,) in self._ask(_TO_LOCK, **asked)}
        if wanted and (lock_many(wanted) != wanted or self._follow()):
            # Let go before looking again: to hold one while waiting for another that comes before
            # it could wait for ever.
            raise _Again

    def _follow(self) -> bool:
        """Have lines be about who their contacts have become; whether any has."""
        moved = [contact_id for (contact_id,) in self._ask(_MOVED)]
        if moved:
            (live,) = ask(live_of(moved))
            for contact_id in moved:
                self._run(_FOLLOW, moved=contact_id, live=live.get(contact_id))
        has_moved = bool(self._run(_OWNED)) or bool(moved)
        self._has_moved |= has_moved
        return has_moved

    def _refuse_erased(self) -> None:
        """Refuse the lines of persons who were erased, by name or since the check."""
        sql, params = _GONE, {}
        condition = erased_condition(
            key="line.key",
            guid="line.guid" if "guid" in self._staged.names else "",
            of="line",
            identifiers=self._staged.identifiers,
        )
        if condition is not None:
            sql, params = f"{_GONE} OR ({condition[0]})", condition[1]
        refused = self._ask(_ERASED, params, erased=sql)
        if refused:
            named: dict[str, Any] = {
                "rows": [row for row, _ in refused],
                "keys": [key for _, key in refused if key],
                "problem": self._erased,
            }
            with connection.cursor() as cursor:
                cursor.execute(_REFUSE.format(rows=self._staged.table("rows")), named)

    def _create(self, expected: int) -> None:
        given = self._sql(
            _NEW,
            guid=_FREE_GUID if "guid" in self._staged.names else "NULL::uuid",
            fields=", ".join(_of_new(self._staged)),
        )
        made = create_many(given, self._params, self._staged.fields, **self._origin)
        if made != expected:
            raise _Again

    def _change(self) -> None:
        became = values(self._staged)
        fields = ", ".join(f"{sql} AS {name}" for name, sql in became.items())
        most = (self._ask(_OF_ONE)[0][0] or 0) if self._has_moved else 1
        for place in range(1, most + 1):
            lines = self._sql(_PLACED, place=str(place)) if most > 1 else "{plan}"
            given = self._sql(self._sql(_CHANGED, lines=lines, fields=fields))
            change_many(given, self._params, became, **self._origin)

    def _answer(self, consent: Consent) -> None:
        names = self._staged.names
        given = self._sql(
            _ANSWERED,
            consent=str(consent.pk),
            said_at=self._staged.said_at,
            place="line.agreed_ip" if "agreed_ip" in names else "''",
            answers=answers_of(self._staged),
            news=NEWS.format(consent=consent.pk, said_at=self._staged.said_at),
        )
        record_many(given, self._params, consent, import_id=self._import.pk)

    def _tag(self) -> None:
        if "tags" in self._staged.names:
            given = self._sql(tags.GIVEN.format(part=_PART))
            tag_many(given, self._params, **self._origin)

    def _list(self) -> None:
        if "lists" in self._staged.names:
            given = lists.GIVEN.format(part=_PART)
            groups = self._ask(f"SELECT DISTINCT group_id FROM ({given}) AS one")  # noqa: S608
            if groups:
                enter_many(
                    self._sql(given),
                    self._params,
                    [group_id for (group_id,) in groups],
                    import_id=self._import.pk,
                    by_id=self._import.by_id,
                )

    def _identify(self) -> None:
        for name, (site_id, kind) in self._staged.identifiers.items():
            given = self._sql(identifiers.given(name, kind, _PART))
            named = {"site_id": site_id, "kind": kind}
            keep_many(given, self._params, **named, import_id=self._import.pk, at=self._at)

    def _ask_for_merges(self) -> None:
        pairs = self._ask(_CONTRADICTING)
        if pairs:
            ask_for_merges(pairs, import_id=self._import.pk, by=self._import.by)

    @property
    def _origin(self) -> dict[str, Any]:
        return {"import_id": self._import.pk, "at": self._at, "by_id": self._import.by_id}

    def _sql(self, sql: str, **parts: str) -> str:
        return sql.format(plan=self._staged.table("plan"), **parts)

    def _ask(self, sql: str, params: Mapping[str, Any] | None = None, **parts: str) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(self._sql(sql, **parts), {**self._params, **(params or {})})
            return cursor.fetchall()

    def _run(self, sql: str, **params: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute(self._sql(sql), {**self._params, **params})
            return cursor.rowcount


def middle_of(staged: Staged) -> int:
    """The row up to which half of what a plan changes is done, or 1 if it changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_MIDDLE.format(plan=staged.table("plan")))
        return cursor.fetchone()[0] or 1


def move(import_: Import, half: Half, row: int) -> None:
    """Say that all rows of this half up to this one are done; it is not saved yet."""
    if half is Half.FIRST:
        import_.cursor = row
    else:
        import_.cursor_behind = row


def is_done(import_: Import, staged: Staged) -> bool:
    """Whether both halves are brought in."""
    (first, middle), (second, last) = (_ends(import_, half) for half in Half)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT FROM {staged.table('plan')}"  # noqa: S608
            " WHERE (row > %s AND row <= %s) OR (row > %s AND row <= %s))",
            [first, middle, second, last],
        )
        return not cursor.fetchone()[0]


def suppress_unsubscribed(import_: Import, staged: Staged) -> int:
    """Have no more emails go to addresses whose rows say so; before any row is brought in."""
    if "status" not in staged.names:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_SUPPRESS.format(plan=staged.table("plan")), _suppressing(import_))
        return cursor.rowcount


def lift_suppressions(import_: Import) -> None:
    """Have emails go again to the addresses that this import has suppressed, and nothing else."""
    with connection.cursor() as cursor:
        cursor.execute(_LIFT, _suppressing(import_))


def _suppressing(import_: Import) -> dict[str, str]:
    return {
        "unsubscribed": Suppression.Reason.UNSUBSCRIBED.value,
        "bounced": Suppression.Reason.BOUNCED.value,
        "detail": suppressed_by(import_.pk),
    }


def make_new_tags(import_: Import, staged: Staged) -> int:
    """Make the tags that rows have and the hub has not; before any row is brought in.

    Both halves give them, so neither makes them while the other waits.
    """
    if "tags" not in staged.names:
        return 0
    given = tags.NAMES.format(plan=staged.table("plan"))
    return make_tags(given, {}, import_id=import_.pk)


def _ends(import_: Import, half: Half) -> tuple[int, int]:
    """The last row of this half that is done, and its last one."""
    if half is Half.FIRST:
        return import_.cursor, import_.middle
    return import_.cursor_behind, _LAST_ROW


def _of_new(staged: Staged) -> Collection[str]:
    """SQL for the fields of lines of new contacts."""
    found = {name: f"line.field_{name}" for name in staged.fields}
    if "birthday" in found:
        found["birthday"] = "NULLIF(line.field_birthday, '')::date"
    if {"country", "state"} <= found.keys():
        # As `fit_state`: only contacts in the USA have one.
        found["state"] = (
            f"CASE WHEN {found['country']} IN ('', 'USA') THEN {found['state']} ELSE '' END"
        )
    return [f"{sql} AS {name}" for name, sql in found.items()] or ["1 AS nothing"]
