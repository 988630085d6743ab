"""Which groups a contact is in, as websites and applications are told: by code names."""

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from database.questions import Question
from groups.models import ContactGroup

# In any letter case no two are the same, so the order is the same everywhere.
_CODE_NAMES = """
SELECT coalesce(
    array_agg(named.code_name::text ORDER BY lower(named.code_name) COLLATE "C"), '{{}}'
)
FROM groups_membership AS membership
JOIN groups_contactgroup AS named ON named.id = membership.group_id
WHERE named.id IN ({with_members})
"""
_OF_CONTACT = (
    _CODE_NAMES + "AND membership.contact_id = %s AND (named.visible_to_websites OR NOT %s)"
)
_OF_GUID = f"""
WITH RECURSIVE line (id, merged_into_id) AS (
    SELECT id, merged_into_id FROM contacts_contact WHERE guid = %s::uuid
    UNION
    SELECT next.id, next.merged_into_id
    FROM line JOIN contacts_contact AS next ON next.id = line.merged_into_id
)
SELECT ({_CODE_NAMES} AND membership.contact_id = line.id)
FROM line WHERE line.merged_into_id IS NULL
"""  # noqa: S608 -- both are constants


def groups_of(contact_id: int, *, only_visible: bool = False) -> Question[list[str]]:
    """Asks for the code names of the groups that this contact is in, sorted.

    `only_visible` leaves out those that scripts of websites must not learn of.
    """
    sql, params = _with_members(_OF_CONTACT)
    return Question(sql, [*params, contact_id, only_visible], lambda rows: rows[0][0])


def groups_of_guid(guid: UUID) -> Question[list[str] | None]:
    """The same about the live contact that `guid` leads to; None if there is none."""
    sql, params = _with_members(_OF_GUID)
    return Question(sql, [guid.hex, *params], lambda rows: rows[0][0] if rows else None)


@cache
def _with_members(template: str) -> tuple[str, Sequence[object]]:
    """The statement, and the parameters for the groups that have members."""
    sql, params = ContactGroup.objects.with_members().values("pk").query.sql_with_params()
    return template.format(with_members=sql), params
