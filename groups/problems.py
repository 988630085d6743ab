"""Conditions on what is switched off, was deleted, or was never seen."""

from collections.abc import Iterator
from dataclasses import dataclass

from groups.compiling import known_of
from groups.conditions import condition_of
from groups.names import Kind, Known, names_of
from groups.trees import Leaf, Tree


@dataclass(frozen=True)
class Problem:
    """What is wrong with what a condition names; `path` is of the condition: `conditions[1]`.

    :ivar missing: whether it does not exist; else it is switched off
    """

    path: str
    text: str
    kind: Kind
    code_name: str
    missing: bool


def problems_of(tree: Tree, known: Known | None = None) -> list[Problem]:
    """Conditions that name something that is switched off, deleted or not yet there.

    :param known: what the names stand for, if the caller has looked that up
    """
    known = known if known is not None else known_of(tree)
    problems = []
    for path, leaf in paths_of(tree):
        for kind, code_names in condition_of(leaf.type).names(leaf.members).items():
            for code_name in code_names:
                named = known.get(kind, code_name)
                if named is None or not named.enabled:
                    names = names_of(kind)
                    said = names.disabled if named else names.missing
                    text = said.format(named.name if named else code_name)
                    problems.append(Problem(path, text, kind, code_name, missing=named is None))
    return problems


def paths_of(tree: Tree, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Each condition with where it stands, such as `conditions[1].conditions[0]`."""
    for number, node in enumerate(tree.conditions):
        place = f"{path}.conditions[{number}]" if path else f"conditions[{number}]"
        if isinstance(node, Leaf):
            yield place, node
        else:
            yield from paths_of(node, place)
