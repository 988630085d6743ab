"""The condition on being in other contact groups."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from groups.conditions.base import Condition, Scene, register
from groups.conditions.members import Members
from groups.conditions.wording import all_of, any_of, quoted
from groups.formulas import NOBODY, Fact, Formula, Looked, Statement, of, put
from groups.names import Kind, Known


class Group(Condition):
    """The contact is in other groups, as they are stored: in any of them, or in all."""

    type = "group"
    title = "In contact groups"

    def read(self, members: Members) -> dict[str, Any]:
        read: dict[str, Any] = {"groups": members.names("groups")}
        if members.choice("match", ("any", "all"), default="any") == "all":
            read["match"] = "all"
        return read

    def formula(self, members: Mapping[str, Any], scene: Scene) -> Formula:
        names = members["groups"]
        if members.get("match") == "all":
            return of("all", [_in_any([name], scene) for name in names])
        return _in_any(names, scene)

    def evidence(self, members: Mapping[str, Any], scene: Scene) -> Sequence[Statement]:
        event = put(
            "SELECT 'membership', event.id, event.at,"
            " CASE WHEN event.entered THEN 'Entered “' ELSE 'Left “' END || one.name || '”', 1"
            " FROM groups_membershipevent AS event"
            " JOIN groups_contactgroup AS one ON one.id = event.group_id"
            " WHERE event.contact_id = s.contact_id AND event.group_id = ANY({}::bigint[])"
            " ORDER BY event.at DESC, event.id DESC LIMIT 1",
            tuple(scene.known.ids(Kind.GROUP, members["groups"])),
        )
        return (event,)

    def looks(self, members: Mapping[str, Any]) -> int:
        return len(members["groups"]) if members.get("match") == "all" else 1

    def names(self, members: Mapping[str, Any]) -> Mapping[Kind, Collection[str]]:
        return {Kind.GROUP: members["groups"]}

    def phrase(self, members: Mapping[str, Any], negate: bool, known: Known) -> str:
        titles = [quoted(known.title(Kind.GROUP, name)) for name in members["groups"]]
        said = all_of(titles) if members.get("match") == "all" else any_of(titles)
        return f"is {'not ' if negate else ''}in {said}"


def _in_any(names: Sequence[str], scene: Scene) -> Formula:
    found = (scene.known.get(Kind.GROUP, name) for name in names)
    ids = tuple(sorted({group.id for group in found if group and group.has_members}))
    if not ids:
        return NOBODY
    inside = put("membership.group_id = ANY({}::bigint[])", ids)
    table = "groups_membership AS membership"
    one = put(
        f"SELECT true FROM {table} WHERE membership.contact_id = s.contact_id AND {{}} LIMIT 1",
        inside,
    )
    all_ = put(
        f"SELECT DISTINCT membership.contact_id, true AS found FROM {table} WHERE {{}}", inside
    )
    return Fact(Looked(one, all_))


register(Group())
