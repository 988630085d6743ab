"""Brings the lines of a plan into the contacts: a portion is a transaction, and is done once.

Contacts may have changed since the check: each portion looks again whom its lines are about.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from automations.models import Suppression
from consents.agreements import record_many
from consents.models import Consent
from contacts.asking import ask_for_merges
from contacts.changing_many import change_many, create_many, lock_many
from contacts.resolving import live_of
from database.questions import ask
from exchange.importing.planning import GIVES_EMAIL, NEWS, Staged, answers_of, differs, values
from exchange.importing.problems import ERASED
from exchange.importing.staging import problems_as_text
from exchange.importing.suppressed import erased_condition
from exchange.models import Import

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
        line.contact_id IS NULL AS is_new, COALESCE({{differs}}, false) AS differs
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
_MIDDLE = """
SELECT row FROM {plan} ORDER BY row OFFSET (SELECT count(*) / 2 FROM {plan}) LIMIT 1
"""
_SUPPRESS = """
INSERT INTO automations_suppression (email_key, reason, detail, at)
SELECT key, CASE status WHEN 'u' THEN %(unsubscribed)s ELSE %(bounced)s END, %(detail)s, now()
FROM {plan} WHERE status <> '' AND key <> '' AND outcome <> 'erased' ORDER BY key
ON CONFLICT (email_key) DO NOTHING
"""


class Half(IntEnum):
    """The halves of the rows of a file, which are brought in at the same time."""

    FIRST = 0
    SECOND = 1

    def of(self, import_: Import) -> tuple[int, int]:
        """The last row of it that is done, and its last one."""
        if self is Half.FIRST:
            return import_.cursor, import_.middle
        return import_.cursor_behind, _LAST_ROW

    def move(self, import_: Import, row: int) -> None:
        """Say that all up to this row is done; it is not saved yet."""
        if self is Half.FIRST:
            import_.cursor = row
        else:
            import_.cursor_behind = row


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
        after, end = half.of(import_)
        self._params: dict[str, Any] = {"after": after, "end": end, "most": most}
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
        if self._staged.consents:
            self._run(_OWNED)  # new contacts, too
            for consent in Consent.objects.filter(pk__in=self._staged.consents):
                self._answer(consent)
        self._ask_for_merges()
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
        guid = "line.guid" if "guid" in self._staged.names else ""
        sql, params = _GONE, {}
        if condition := erased_condition(key="line.key", guid=guid):
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
    """The row where the first half of a plan ends, or 1 if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_MIDDLE.format(plan=staged.table("plan")))
        return cursor.fetchone()[0] or 1


def is_done(import_: Import, staged: Staged) -> bool:
    """Whether both halves are brought in."""
    (first, middle), (second, last) = (half.of(import_) for half in Half)
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
        cursor.execute(
            _SUPPRESS.format(plan=staged.table("plan")),
            {
                "unsubscribed": Suppression.Reason.UNSUBSCRIBED.value,
                "bounced": Suppression.Reason.BOUNCED.value,
                "detail": suppressed_by(import_),
            },
        )
        return cursor.rowcount


def suppressed_by(import_: Import) -> str:
    """What the addresses that an import suppresses say of it, by which the undo finds them."""
    return f"Import {import_.pk}"


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
