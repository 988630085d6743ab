"""The rule of a group as one English sentence."""

from groups.compiling import known_of
from groups.conditions import condition_of
from groups.names import Known
from groups.trees import Leaf, Tree


def sentence(tree: Tree) -> str:
    """What a rule says, such as “Every contact who is from Austria, and has no email.”"""
    tree = _without_brackets(tree)
    if not tree.conditions:
        return "All contacts." if tree.match == "all" else "No contact."
    return f"Every contact who {_joined(tree, known_of(tree))}."


def predicate(tree: Tree, known: Known) -> str:
    """What a rule says of one contact, such as “is from Austria, and has no email”."""
    tree = _without_brackets(tree)
    return _joined(tree, known) if tree.conditions else _said(tree, known)


def _without_brackets(tree: Tree) -> Tree:
    while len(tree.conditions) == 1 and isinstance(tree.conditions[0], Tree):
        tree = tree.conditions[0]
    return tree


def phrase(leaf: Leaf, known: Known | None = None) -> str:
    """What one condition says of a contact, such as “is not from Austria”."""
    known = known if known is not None else known_of(Tree("all", (leaf,)))
    return condition_of(leaf.type).phrase(leaf.members, leaf.negate, known)


def _said(node: Tree | Leaf, known: Known) -> str:
    if isinstance(node, Leaf):
        return phrase(node, known)
    if not node.conditions:
        return "is any contact" if node.match == "all" else "is no contact"
    if len(node.conditions) == 1:
        return _said(node.conditions[0], known)
    return f"({_joined(node, known)})"


def _joined(tree: Tree, known: Known) -> str:
    word = "and" if tree.match == "all" else "or"
    return f", {word} ".join(_said(node, known) for node in tree.conditions)
