"""The rule of a group: read from JSON, checked, and written in its normal form."""

import hashlib
import json
from typing import Any

from groups.conditions import condition_of, condition_types
from groups.conditions.members import Members
from groups.trees import InvalidRule, Leaf, Tree

__all__ = ["InvalidRule", "Leaf", "Tree", "digest", "leaf_to_json", "parse", "to_json"]

MOST_DEEP = 8
MOST_LEAVES = 100
# Each is a column of the statement, of which PostgreSQL takes 1,664, and costs time to plan.
MOST_LOOKS = 400
_MOST_TREES = 500


def parse(rule: object, *, of_run: bool = False) -> Tree:
    """The rule that JSON or YAML has, checked.

    What it names, such as activity types or groups, need not exist: `problems_of` says what does
    not.

    :param of_run: whether it is asked of runs of an automation, and so may count since their entry
    :raises InvalidRule: if it is none, with the place of the first mistake
    """
    tree = _Reading(of_run).tree(rule, "", 1)
    looks = sum(condition_of(leaf.type).looks(leaf.members) for leaf in tree.leaves())
    if looks > MOST_LOOKS:
        raise InvalidRule(
            "",
            f"This rule looks at {looks:,} things; a rule looks at {MOST_LOOKS} at most. A "
            "condition that asks for all of its types or groups looks at each of them.",
        )
    return tree


def to_json(tree: Tree) -> dict[str, Any]:
    """The normal form of a rule, as JSON has it; members that have their default are left out."""
    return {
        "match": tree.match,
        "conditions": [
            to_json(one) if isinstance(one, Tree) else leaf_to_json(one) for one in tree.conditions
        ],
    }


def digest(leaf: Leaf) -> str:
    """A hash of what `leaf` asks for, the same for conditions that differ in `negate` alone."""
    asked = {"type": leaf.type, **leaf.members}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def leaf_to_json(leaf: Leaf) -> dict[str, Any]:
    """The normal form of one condition, as JSON has it."""
    negate = {"negate": True} if leaf.negate else {}
    return {"type": leaf.type, **negate, **leaf.members}


class _Reading:
    """The reading of one rule, which ends as soon as it has more parts than a rule may have."""

    def __init__(self, of_run: bool) -> None:
        self._leaves = self._trees = 0
        self._of_run = of_run

    def tree(self, node: object, path: str, depth: int) -> Tree:
        if depth > MOST_DEEP:
            raise InvalidRule(path, f"A rule is at most {MOST_DEEP} levels deep.")
        self._trees += 1
        if self._trees > _MOST_TREES:
            raise InvalidRule("", f"A rule has at most {_MOST_TREES} nested rules.")
        members = Members(node, path, what="a rule")
        match = members.choice("match", ("all", "any"))
        conditions = members.list_of("conditions")
        members.done()
        place = members.path_of("conditions")
        return Tree(
            "all" if match == "all" else "any",
            tuple(
                self._node(one, f"{place}[{number}]", depth)
                for number, one in enumerate(conditions)
            ),
        )

    def _node(self, node: object, path: str, depth: int) -> Tree | Leaf:
        if not isinstance(node, dict):
            raise InvalidRule(path, "Must be an object: a condition with a type, or a nested rule.")
        if "type" in node:
            return self._leaf(node, path)
        if "match" in node or "conditions" in node:
            return self.tree(node, path, depth + 1)
        raise InvalidRule(path, "Needs a type, or match and conditions if it is a nested rule.")

    def _leaf(self, node: dict[str, Any], path: str) -> Leaf:
        self._leaves += 1
        if self._leaves > MOST_LEAVES:
            raise InvalidRule("", f"A rule has at most {MOST_LEAVES} conditions.")
        members = Members(node, path, what="a condition", of_run=self._of_run)
        condition = condition_of(members.choice("type", condition_types()))
        members.what = f"a condition of type {condition.type}"
        negate = members.flag("negate")
        read = condition.read(members)
        members.done()
        return Leaf(condition.type, read, negate)
