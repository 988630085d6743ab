"""Groups that name other groups: which ones, and that none names itself in the end."""

from collections.abc import Iterator
from contextlib import suppress

from django.db.models import QuerySet

from database.letter_case import fold
from groups.conditions import condition_of
from groups.models import ContactGroup
from groups.names import Kind
from groups.rules import InvalidRule, parse
from groups.trees import Tree


def referenced_groups(tree: Tree) -> set[str]:
    """The code names of the groups that a rule names, as it writes them."""
    return {
        code_name
        for leaf in tree.leaves()
        for code_name in condition_of(leaf.type).names(leaf.members).get(Kind.GROUP, ())
    }


def rules_within(tree: Tree) -> Iterator[Tree]:
    """A rule, and those of the dynamic groups that it names, directly or through others."""
    rules: dict[str, object] | None = None
    waiting, seen = [tree], set[str]()
    while waiting:
        yield (one := waiting.pop())
        for name in {fold(code_name) for code_name in referenced_groups(one)} - seen:
            if rules is None:
                rules = _rules(ContactGroup.objects.all())
            seen.add(name)
            with suppress(KeyError, InvalidRule):  # of nothing, or of what the hub has no more
                waiting.append(parse(rules[name]))


def check_cycle(group: ContactGroup, tree: Tree) -> None:
    """Refuse `tree` as the rule of `group` if it names the group itself, by way of others or not.

    :raises InvalidRule: with the way from the group back to it
    """
    rules = _rules(ContactGroup.objects.exclude(pk=group.pk))
    goal = fold(group.code_name)
    ways = [[group.code_name, name] for name in sorted(referenced_groups(tree))]
    seen = set()
    while ways:
        way = ways.pop()
        name = fold(way[-1])
        if name == goal:
            shown = " → ".join([*way[:-1], group.code_name])
            raise InvalidRule("", f"A group cannot be a condition of itself: {shown}.")
        if name in rules and name not in seen:
            seen.add(name)
            ways += ([*way, other] for other in sorted(referenced_groups(parse(rules[name]))))


def _rules(groups: QuerySet[ContactGroup]) -> dict[str, object]:
    """The rules of the dynamic ones of these groups, by their folded code names."""
    dynamic = groups.filter(static=False).values_list("code_name", "rule")
    return {fold(code_name): rule for code_name, rule in dynamic}
