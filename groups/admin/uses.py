"""Which contact groups name activity types."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from activities.admin.uses import Use, register_uses
from adminsite.formatting import change_url
from database.letter_case import fold
from groups.admin.permissions import may_see_groups
from groups.conditions import condition_of
from groups.models import ContactGroup
from groups.names import Kind
from groups.rules import parse
from groups.trees import InvalidRule, Leaf


def types_in(rule: object) -> Mapping[str, tuple[str, ...]]:
    """The code names of types that a rule names, and the properties that it asks for of each.

    A rule that cannot be read any more names nothing.
    """
    try:
        return types_of_leaves(parse(rule).leaves())
    except InvalidRule:
        return {}


def types_of_leaves(leaves: Iterable[Leaf]) -> Mapping[str, tuple[str, ...]]:
    """The same of conditions."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    spelled: dict[str, str] = {}
    for leaf in leaves:
        names = condition_of(leaf.type).names(leaf.members).get(Kind.ACTIVITY_TYPE, ())
        for code_name in names:
            spelled.setdefault(fold(code_name), code_name)
            found[fold(code_name)] |= dict.fromkeys(properties_in(leaf.members))
    return {spelled[key]: tuple(properties) for key, properties in found.items()}


def properties_in(members: Mapping) -> list[str]:
    """The properties of activities that a condition, or a trigger, asks for."""
    return [one["name"] for one in members.get("properties") or ()]


def _find() -> Iterator[tuple[str, Use]]:
    for group in ContactGroup.objects.filter(static=False).order_by("name", "pk"):
        for code_name, properties in types_in(group.rule).items():
            yield (
                code_name,
                Use(
                    kind="Contact group",
                    name=group.name,
                    effect=(
                        "Counts no new activities of this type; members leave as windows end."
                        if group.enabled
                        else "Is switched off."
                    ),
                    url=change_url(group),
                    properties=properties,
                ),
            )


register_uses(may_see=may_see_groups, find=_find)
