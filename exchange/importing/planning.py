"""What would become of the rows of a file: set-wise, in SQL, by what contacts are like now.

All rows of one contact become one line of the plan: in the order of the file, later values win, and
empty cells change nothing. A row whose GUID or identifier names one contact, and whose email
another, is a line of the one with the email, and asks for the two to be merged.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.db import Error, connection

from consents.permission import SAYS
from contacts.erased_names import hash_params
from contacts.profile import FIELDS
from exchange.importing import identifiers, lists, tags
from exchange.importing.staging import table
from exchange.importing.suppressed import erased_condition

# The live contacts that GUIDs, or identifiers, of rows lead to, following merges.
_NAMED = """
WITH RECURSIVE named (row, place, id, merged_into_id) AS (
    {sources}
    UNION SELECT named.row, named.place, next.id, next.merged_into_id FROM named
    JOIN contacts_contact AS next ON next.id = named.merged_into_id
)
SELECT DISTINCT ON (row) row, id FROM named WHERE merged_into_id IS NULL ORDER BY row, place
"""
_BY_GUID = """
SELECT staged.row, 0, contact.id, contact.merged_into_id FROM {rows} AS staged
JOIN contacts_contact AS contact ON contact.guid = staged.guid::uuid
WHERE staged.problem = '' AND staged.guid <> ''
"""
_BY_IDENTIFIER = """
SELECT staged.row, {place}, contact.id, contact.merged_into_id FROM {rows} AS staged
JOIN contacts_contactidentifier AS known ON known.value = staged.{name}
    AND known.site_id = %({name}_site)s AND known.kind = %({name}_kind)s
JOIN contacts_contact AS contact ON contact.id = known.contact_id
WHERE staged.problem = '' AND staged.{name} <> ''
"""
_LIVE = "contact.merged_into_id IS NULL AND NOT contact.email_key = ''"
# Whom each row is about: `contact_id`, unless it is a new one; `named_id` is whom its GUID or
# identifier names, if that is somebody.
_WHO = f"""
CREATE UNLOGGED TABLE {{who}} AS
SELECT row, key, contact_id, named_id,
    CASE WHEN contact_id IS NULL THEN key ELSE '#' || contact_id END AS grouped
FROM (
    SELECT row, key, named_id, {{target}} AS contact_id FROM (
        SELECT staged.row, lower(staged.mailbox) AS key, contact.id AS owner_id,
            {{named}} AS named_id
        FROM {{rows}} AS staged
        LEFT JOIN contacts_contact AS contact
            ON contact.email_key = lower(staged.mailbox) AND {_LIVE}
        {{join_named}}
        WHERE staged.problem = ''
    ) AS found
) AS decided
"""  # noqa: S608 -- of names of our own, as all statements here
# Who has the email; else the first who is named together with it, and gets it.
_OWNER = """
COALESCE(owner_id, CASE WHEN key <> '' THEN
    first_value(named_id) OVER (PARTITION BY key ORDER BY named_id IS NULL, row) END, named_id)
"""
_MANY = """
CREATE UNLOGGED TABLE {many} AS
SELECT grouped, min(row) AS leader FROM {who} GROUP BY grouped HAVING count(*) > 1
"""
_NOBODY = """
UPDATE {rows} AS staged SET problem = %(problem)s FROM {who} AS who
WHERE who.row = staged.row AND who.grouped = ''
"""
_ERASED = """
UPDATE {rows} AS staged SET problem = %(problem)s WHERE staged.problem = '' AND ({erased})
"""
_PLAN = """
CREATE UNLOGGED TABLE {plan} AS
SELECT line.*, {outcome} AS outcome FROM (
    SELECT who.row, 1 AS rows,
        COALESCE(who.named_id <> who.contact_id, false) AS is_contradiction,
        who.contact_id, who.key, ARRAY[who.named_id] AS named, {columns}
    FROM {who} AS who JOIN {rows} AS staged USING (row)
    LEFT JOIN {many} AS many USING (grouped) WHERE many.leader IS NULL AND who.grouped <> ''
    UNION ALL
    SELECT many.leader, count(*)::int,
        COALESCE(bool_or(who.named_id <> who.contact_id) FILTER (WHERE who.row = many.leader),
            false),
        max(who.contact_id), {last_key}, array_agg(DISTINCT who.named_id), {folded}
    FROM {many} AS many JOIN {who} AS who USING (grouped) JOIN {rows} AS staged USING (row)
    WHERE many.grouped <> ''
    GROUP BY many.leader
) AS line
{joins}
ORDER BY line.row
"""
_OUTCOME = """
CASE WHEN line.contact_id IS NULL THEN 'create' WHEN {differs} THEN 'update' ELSE 'unchanged' END
"""
_ANSWER = f"""
LEFT JOIN LATERAL (
    SELECT {SAYS} AS says, answer.at FROM consents_currentanswer AS answer
    WHERE answer.contact_id = line.contact_id AND answer.consent_id = {{consent}}
) AS answer_{{consent}} ON true
"""  # noqa: S608
# A yes without a time never counts more than a no, and neither does one from before it.
NEWS = """
CASE line.consent_{consent}
    WHEN 'y' THEN answer_{consent}.says IS DISTINCT FROM true
        AND (answer_{consent}.says IS NULL OR {said_at} > answer_{consent}.at)
    WHEN 'n' THEN answer_{consent}.at IS NOT NULL
        AND answer_{consent}.says IS DISTINCT FROM false
        AND COALESCE({said_at} > answer_{consent}.at, true)
    ELSE false
END
"""
# Whether the contact of a line gets its email: who is named by something else does. Another
# spelling of a mailbox is no change, and neither is the email of a contact who was merged since.
GIVES_EMAIL = (
    "(line.key <> '' AND line.key <> contact.email_key"
    " AND COALESCE(contact.id = ANY(line.named), false))"
)
# The address of a line of the plan; of a row without an email, that of its `contact`.
ADDRESS = "COALESCE(NULLIF(line.key, ''), contact.email_key)"
_TELL = """
SELECT count(*) FILTER (WHERE line.consent_{consent} = 'y'),
    count(*) FILTER (WHERE line.consent_{consent} = 'n')
FROM {plan} AS line {joins} WHERE {news}
"""
_COUNT = """
SELECT COALESCE(sum(rows), 0), COALESCE(sum(is_leading) FILTER (WHERE outcome = 'create'), 0),
    COALESCE(sum(is_leading) FILTER (WHERE outcome = 'update'), 0),
    COALESCE(sum(is_leading) FILTER (WHERE outcome = 'unchanged'), 0)
FROM (SELECT rows, outcome, (NOT is_contradiction)::int AS is_leading FROM {plan}) AS line
"""


@dataclass(frozen=True)
class Staged:
    """The tables of a check, and what the values of its rows are."""

    staged_as: str
    names: Sequence[str]
    # Of columns `identifier_N`: the site and the kind.
    identifiers: dict[str, tuple[str, str]]
    # What addresses that this import suppresses say of it.
    suppressed_by: str

    @property
    def fields(self) -> list[str]:
        """The fields of contacts, other than the email, that rows give."""
        given = [one.removeprefix("field_") for one in self.names if one.startswith("field_")]
        return [name for name in FIELDS if name in given]

    @property
    def consents(self) -> list[int]:
        """The numbers of the consents that rows answer."""
        return [
            int(one.removeprefix("consent_")) for one in self.names if one.startswith("consent_")
        ]

    @property
    def has_more(self) -> bool:
        """Whether rows say more of contacts than their fields."""
        return bool(self.consents or self.identifiers or {"tags", "lists"} & set(self.names))

    @property
    def said_at(self) -> str:
        """SQL: when the answers of a line of the plan were given, or null."""
        has_time = "agreed_at" in self.names
        return "NULLIF(line.agreed_at, '')::timestamptz" if has_time else "NULL::timestamptz"

    def table(self, kind: str) -> str:
        """The name of one of the tables."""
        return table(kind, self.staged_as)

    @property
    def params(self) -> dict[str, Any]:
        """What statements about lines need."""
        found: dict[str, Any] = {"suppressed_by": self.suppressed_by}
        if self.identifiers:
            found |= hash_params()
        for name, (site, kind) in self.identifiers.items():
            found |= {f"{name}_site": site, f"{name}_kind": kind}
        return found


def plan(staged: Staged, *, no_email: str, erased: str, shared: str) -> dict[str, int]:
    """Make the plan of what was read; return how many rows have which outcome.

    :param no_email: why rows are refused that name nobody, as the table of rows keeps it
    :param erased: why rows of persons who were erased are
    :param shared: why rows with the user of another row's contact are
    """
    with _more_memory():
        return _plan(staged, no_email, erased, shared)


@contextmanager
def _more_memory() -> Iterator[None]:
    """Let PostgreSQL sort and join so many rows in memory."""
    with connection.cursor() as cursor:
        cursor.execute("SET work_mem = '64MB'")
        try:
            yield
        finally:
            # If something failed within a transaction, that takes it back.
            with suppress(Error):
                cursor.execute("RESET work_mem")


def _plan(staged: Staged, no_email: str, erased: str, shared: str) -> dict[str, int]:
    _refuse_erased(staged, erased)
    run(staged, f"ANALYZE {staged.table('rows')}")
    _find_who(staged)
    for sql in identifiers.refusing_shared(staged.identifiers):
        run(staged, sql, problem=shared)
    run(staged, _MANY)
    run(staged, "ANALYZE {who}")
    run(staged, _NOBODY, problem=no_email)
    run(
        staged,
        _PLAN,
        columns=", ".join(f"staged.{name}" for name in staged.names),
        folded=", ".join(_folded(name, staged) for name in staged.names),
        last_key=_last("key", "who"),
        outcome=_OUTCOME.format(differs=differs(staged)),
        joins=" ".join(_joins(staged)),
    )
    run(staged, "CREATE UNIQUE INDEX ON {plan} (row)")
    run(staged, "CREATE UNIQUE INDEX ON {rows} (row) WHERE problem <> ''")
    run(staged, "ANALYZE {plan}")
    counts = _count(staged)
    run(staged, "DROP TABLE {who}, {many}")
    return counts


def answers_told(staged: Staged) -> list[tuple[int, int, int]]:
    """Of each consent how many contacts of a plan newly agree to it, and how many withdraw."""
    found = []
    for consent in staged.consents:
        sql = _TELL.format(
            consent=consent,
            plan=staged.table("plan"),
            joins=answers_of(staged),
            news=NEWS.format(consent=consent, said_at=staged.said_at),
        )
        with connection.cursor() as cursor:
            cursor.execute(sql)
            agree, withdraw = cursor.fetchone()
        if agree or withdraw:
            found.append((consent, agree, withdraw))
    return found


def differs(staged: Staged) -> str:
    """SQL: whether a line of the plan changes its `contact`, or says something that is news."""
    said = [f"({sql} IS DISTINCT FROM contact.{name})" for name, sql in values(staged).items()]
    said += [NEWS.format(consent=consent, said_at=staged.said_at) for consent in staged.consents]
    if "status" in staged.names:
        said.append(
            f"(line.status <> '' AND {ADDRESS} <> '' AND NOT EXISTS ("
            "SELECT FROM automations_suppression AS known"
            # They are suppressed before the first line is brought in.
            f" WHERE known.email_key = {ADDRESS} AND known.detail <> %(suppressed_by)s))"
        )
    if "tags" in staged.names:
        said.append(tags.LACKS)
    if "lists" in staged.names:
        said.append(lists.LACKS)
    said += [identifiers.is_news(name, *one) for name, one in staged.identifiers.items()]
    return " OR ".join(said)


def values(staged: Staged) -> dict[str, str]:
    """SQL for what the fields of the `contact` of a line become, by their names."""
    found = {"email": f"CASE WHEN {GIVES_EMAIL} THEN line.email ELSE contact.email END"}
    for name in staged.fields:
        given = f"NULLIF(line.field_{name}, ''){'::date' if name == 'birthday' else ''}"
        found[name] = f"COALESCE({given}, contact.{name})"
    if {"country", "state"} & set(staged.fields):
        country, state = found.get("country", "contact.country"), found.get("state")
        # As `fit_state`: only contacts in the USA have one.
        found["state"] = (
            f"CASE WHEN {country} IN ('', 'USA') THEN {state or 'contact.state'} ELSE '' END"
        )
    return found


def answers_of(staged: Staged) -> str:
    """SQL that joins what contacts of lines have answered, for `NEWS`."""
    return " ".join(_ANSWER.format(consent=consent) for consent in staged.consents)


def run(staged: Staged, sql: str, *, problem: str = "", **parts: str) -> int:
    """Carry out a statement about the tables of a check; return how many rows it was about."""
    names = {kind: staged.table(kind) for kind in ("rows", "who", "many", "plan")}
    with connection.cursor() as cursor:
        cursor.execute(sql.format(**names, **parts), {**staged.params, "problem": problem})
        return cursor.rowcount


def _joins(staged: Staged) -> list[str]:
    contact = "LEFT JOIN contacts_contact AS contact ON contact.id = line.contact_id"
    return [contact, answers_of(staged)]


def _last(name: str, of: str = "staged") -> str:
    """SQL: the last value of rows of one contact that is not empty."""
    last = f"(array_agg({of}.{name} ORDER BY who.row DESC) FILTER (WHERE {of}.{name} <> ''))[1]"
    return f"COALESCE({last}, '')"


def _folded(name: str, staged: Staged) -> str:
    """SQL: what all rows of one contact say together in a column."""
    if name in ("tags", "lists") or name in staged.identifiers:
        every = f"string_agg(staged.{name}, E'\\x1f') FILTER (WHERE staged.{name} <> '')"
        alike = "throughline_fold(one)" if name == "tags" else "one"
        once = (
            f"SELECT DISTINCT ON ({alike}) one"  # noqa: S608
            f" FROM unnest(string_to_array({every}, E'\\x1f')) AS one ORDER BY {alike}, one"
        )
        return f"array_to_string(ARRAY({once}), E'\\x1f')"
    is_answer = name.startswith("consent_")
    if "status" in staged.names and (is_answer or name in ("agreed_at", "agreed_ip")):
        # Who does not want emails agrees to nothing, whatever another row says.
        no = "CASE WHEN bool_or(staged.status = 'u') THEN 'n' ELSE '' END" if is_answer else "''"
        return f"CASE WHEN bool_or(staged.status <> '') THEN {no} ELSE {_last(name)} END"
    return _last(name)


def _find_who(staged: Staged) -> None:
    rows = staged.table("rows")
    sources = [_BY_GUID.format(rows=rows)] if "guid" in staged.names else []
    sources += [
        _BY_IDENTIFIER.format(rows=rows, name=name, place=place)
        for place, name in enumerate(staged.identifiers, start=1)
    ]
    named = _NAMED.format(sources=" UNION ".join(sources)) if sources else ""
    run(
        staged,
        _WHO,
        target=_OWNER if sources else "owner_id",
        named="named.id" if sources else "NULL::bigint",
        join_named=f"LEFT JOIN ({named}) AS named ON named.row = staged.row" if sources else "",
    )


def _refuse_erased(staged: Staged, problem: str) -> None:
    guid = "staged.guid" if "guid" in staged.names else ""
    condition = erased_condition(
        key="lower(staged.mailbox)", guid=guid, of="staged", identifiers=staged.identifiers
    )
    if condition is not None:
        sql, params = condition
        with connection.cursor() as cursor:
            statement = _ERASED.format(rows=staged.table("rows"), erased=sql)
            cursor.execute(statement, {**staged.params, **params, "problem": problem})


def _count(staged: Staged) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(plan=staged.table("plan")))
        rows, create, update, unchanged = cursor.fetchone()
    merge = rows - create - update - unchanged
    return {"create": create, "update": update, "merge": merge, "unchanged": unchanged}
