"""What other systems know contacts by: identifiers in cells, and what becomes of them, in SQL."""

from collections.abc import Mapping

from contacts.codes import as_code
from contacts.junk import is_junk
from contacts.models import ContactIdentifier
from exchange.importing.suppressed import erased_identifier
from exchange.importing.tags import JOINT

KINDS = (ContactIdentifier.Kind.USER_ID.value, ContactIdentifier.Kind.ANONYMOUS_ID.value)
LONGEST_SITE = ContactIdentifier._meta.get_field("site_id").max_length or 0
_EACH = "unnest(string_to_array(line.{name}, E'\\x1f')) AS given (value)"
_IS_NEWS = f"""
(line.{{name}} <> '' AND EXISTS (
    SELECT FROM {_EACH} WHERE {{allowed}} NOT EXISTS (
        SELECT FROM contacts_contactidentifier AS known WHERE known.value = given.value
            AND known.site_id = %({{name}}_site)s AND known.kind = %({{name}}_kind)s
    )
))
"""  # noqa: S608 -- of names of our own, as all statements here
# For `keep_many`, of a part of the plan.
_GIVEN = f"""
SELECT line.contact_id, given.value, line.row AS place FROM {{{{plan}}}} AS line, {_EACH}
WHERE line.{{name}} <> '' AND line.outcome <> 'erased' AND line.contact_id IS NOT NULL
    AND {{allowed}} {{part}}
"""  # noqa: S608
# Rows of two new contacts cannot have one user: the first keeps it. Somebody who is known already
# is named by it, and the two are suggested to be merged.
_REFUSE_SHARED = """
WITH shared AS (
    SELECT row FROM (
        SELECT staged.row, who.grouped,
            first_value(who.grouped) OVER (PARTITION BY staged.{name} ORDER BY staged.row) AS first
        FROM {{rows}} AS staged JOIN {{who}} AS who USING (row)
        WHERE staged.{name} <> '' AND who.grouped <> '' AND NOT EXISTS (
            SELECT FROM contacts_contactidentifier AS known WHERE known.value = staged.{name}
                AND known.site_id = %({name}_site)s AND known.kind = %({name}_kind)s
        )
    ) AS given WHERE grouped <> first
), refused AS (
    UPDATE {{rows}} AS staged SET problem = %(problem)s FROM shared
    WHERE shared.row = staged.row
)
DELETE FROM {{who}} AS who USING shared WHERE shared.row = who.row
"""


def read_identifier(value: str) -> str:
    """The identifier in a cell, or "" if it is junk, which names nobody."""
    code = as_code(value)
    return "" if is_junk(code) or JOINT in code else code


def is_news(name: str, site: str, kind: str) -> str:
    """SQL: whether a `line` of the plan has an identifier in the column `name` that nobody has."""
    return _IS_NEWS.format(name=name, allowed=_allowed(name, kind))


def given(name: str, kind: str, part: str) -> str:
    """SQL: the identifiers of a part of the plan, for `keep_many`."""
    return _GIVEN.format(name=name, allowed=_allowed(name, kind), part=part)


def refusing_shared(identifiers: Mapping[str, tuple[str, str]]) -> list[str]:
    """Statements that refuse rows of new contacts with the user of another row's contact.

    Browsers and apps may be of several people.
    """
    return [
        _REFUSE_SHARED.format(name=name)
        for name, (_, kind) in identifiers.items()
        if kind == ContactIdentifier.Kind.USER_ID
    ]


def _allowed(name: str, kind: str) -> str:
    """SQL that leaves out browsers of erased persons, which somebody else may use now."""
    if kind != ContactIdentifier.Kind.ANONYMOUS_ID:
        return ""
    condition = erased_identifier(name, "given.value")
    return f"NOT {condition} AND" if condition else ""
