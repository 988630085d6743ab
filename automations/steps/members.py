"""Members that several kinds of steps and triggers have."""

from typing import Any

from groups.conditions.members import Members
from groups.rules import parse, to_json
from groups.trees import InvalidRule


def read_rule(members: Members, name: str, *, of_run: bool = False) -> dict[str, Any]:
    """A rule over contacts, as groups have it, in its normal form.

    :param of_run: whether it is asked of runs, and so may count since their entry
    :raises InvalidRule: if it cannot be
    """
    try:
        return to_json(parse(members.required(name), of_run=of_run))
    except InvalidRule as error:
        place = members.path_of(name)
        inner = f"{place}.{error.path}" if error.path else place
        raise InvalidRule(inner, error.detail) from error
