"""Static groups in cells: the lists of other systems, and what becomes of them, in SQL.

Which groups there are is looked up once for a file. What the file calls otherwise says nothing, and
neither does a dynamic group: its rule decides who is in it.
"""

from typing import Any

from django.db import connection

from database.letter_case import fold
from exchange.importing.tags import JOINT, names_in
from groups.models import ContactGroup

# So many are told by name.
_TOLD = 50
_EACH = "unnest(string_to_array(line.lists, E'\\x1f')) AS given (id)"
_IS_OPEN = "named.id = given.id::bigint AND named.static AND named.enabled"
# Whether the `contact` of a `line` of the plan is to come into a group.
LACKS = f"""
(line.lists <> '' AND EXISTS (
    SELECT FROM {_EACH} JOIN groups_contactgroup AS named ON {_IS_OPEN}
    WHERE contact.id IS NULL OR NOT EXISTS (
        SELECT FROM groups_membership AS known
        WHERE known.contact_id = contact.id AND known.group_id = named.id
    )
))
"""  # noqa: S608 -- of names of our own, as all statements here
# For `enter_many`, of a part of the plan.
GIVEN = f"""
SELECT line.contact_id, given.id::bigint AS group_id FROM {{{{plan}}}} AS line, {_EACH}
WHERE line.lists <> '' AND line.outcome <> 'erased' AND line.contact_id IS NOT NULL AND {{part}}
"""  # noqa: S608
_TELL = f"""
SELECT named.name, count(*) FROM {{plan}} AS line, {_EACH}, groups_contactgroup AS named
WHERE line.lists <> '' AND {_IS_OPEN} AND NOT EXISTS (
    SELECT FROM groups_membership AS known
    WHERE known.group_id = named.id AND known.contact_id = line.contact_id
)
GROUP BY named.id, named.name ORDER BY 2 DESC, 1 LIMIT %s
"""  # noqa: S608


class Lists:
    """Reads cells with the names or code names of static groups, as the groups are called now.

    They are asked for at once: while rows are copied, the connection answers nothing else.
    """

    def __init__(self) -> None:
        groups = list(ContactGroup.objects.order_by("pk"))
        # The ids; "" of those that nobody is put into.
        keys = [str(one.pk) if one.static and one.enabled else "" for one in groups]
        names = [fold(one.name) for one in groups]
        code_names = [fold(one.code_name) for one in groups]
        # Two groups may have one name; a code name is one group's, and counts before all.
        self._known = dict(zip([*names, *code_names], [*keys, *keys], strict=True))

    def read(self, text: str, separator: str) -> tuple[str, list[str]]:
        """The ids of the groups in a cell, as a plan keeps them, and the names that are none."""
        found: dict[str, None] = {}
        unknown = []
        for name in names_in(text, separator):
            group = self._known.get(fold(name))
            if group is None:
                unknown.append(name)
            elif group:
                found[group] = None
        return JOINT.join(found), unknown


def told_of(plan: str) -> list[list[Any]]:
    """The groups that contacts of a plan would come into: the name, and how many contacts."""
    with connection.cursor() as cursor:
        cursor.execute(_TELL.format(plan=plan), [_TOLD])
        return [list(row) for row in cursor.fetchall()]
