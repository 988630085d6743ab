"""The conditions of a group as Kentico stores them: rules in a tree, inside of a macro.

A macro is `{%Rule("<expression>", "<rules>")|(identity)…|(hash)…%}`. The expression says the same
as the rules, in a language of its own, and is never looked at.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from exchange.kentico.files import Unreadable, parse_xml

_TEXT = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_MACRO = re.compile(rf"\{{%\s*Rule\(\s*{_TEXT}\s*,\s*{_TEXT}\s*\)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_MOST_DEEP = 20
_OPERATORS: Mapping[str, Literal["all", "any"]] = {"and": "all", "or": "any"}


@dataclass(frozen=True)
class Rule:
    """One rule by its name, with its parameters as text."""

    name: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Branch:
    """Rules and branches of which all have to hold, or any."""

    match: Literal["all", "any"]
    nodes: Sequence["Rule | Branch"]


@dataclass(frozen=True)
class _Node:
    place: tuple[str, ...]
    operator: Literal["all", "any"]
    rule: Rule | None


def read_condition(text: str) -> Branch:
    """The rules in the macro `text`.

    :raises Unreadable: if they are not there as they have to be
    """
    rules = _rules_in(text)
    try:
        root = parse_xml(rules)
    except Unreadable as error:
        raise Unreadable(f"Its rules cannot be read. {error}") from error
    if root.tag != "rules":
        raise Unreadable("Its condition has no rules.")
    nodes: dict[tuple[str, ...], list[_Node]] = defaultdict(list)
    for element in root:
        node = _read_node(element)
        nodes[node.place[:-1]].append(node)
    places = {node.place for siblings in nodes.values() for node in siblings}
    if lost := nodes.keys() - places - {()}:
        raise Unreadable(f"A rule belongs to the group {'.'.join(min(lost))}, which is not there.")
    return _branch((), nodes)


def _rules_in(macro: str) -> str:
    """The XML of the rules: the second text of the macro, or what stands there without quotes."""
    if found := _MACRO.match(macro):
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), found[2])
    # In the rules themselves, what users typed has no sign that begins a tag.
    begin, end = macro.rfind("<rules"), macro.rfind("</rules>")
    if not 0 <= begin < end:
        raise Unreadable("Its condition is no list of rules, but a macro that was written by hand.")
    return macro[begin : end + len("</rules>")]


def _read_node(element) -> _Node:
    if element.tag != "r":
        raise Unreadable(f"Its rules have “{element.tag}” among them.")
    parent = tuple(re.findall(r"[0-9]+", element.get("par", "")))
    position, operator = element.get("pos", ""), element.get("op", "and").lower()
    if not re.fullmatch(r"[0-9]{1,9}", position) or operator not in _OPERATORS:
        raise Unreadable("The order of its rules cannot be read.")
    if len(parent) > _MOST_DEEP:
        raise Unreadable("Its rules are inside of one another too many times.")
    rule = None
    if name := element.get("n", "").strip():
        given = {one.get("n", ""): one.findtext("v") or "" for one in element.iterfind("p")}
        rule = Rule(name, given)
    return _Node((*parent, position), _OPERATORS[operator], rule)


def _branch(place: tuple[str, ...], nodes: Mapping[tuple[str, ...], list[_Node]]) -> Branch:
    """What is below `place`. Each node says how it goes together with the one before it."""
    runs: list[list[Rule | Branch]] = []
    for node in sorted(nodes.get(place, ()), key=lambda node: int(node.place[-1])):
        below = node.rule or _branch(node.place, nodes)
        if isinstance(below, Branch) and not below.nodes:
            continue  # a group that nothing was put into
        # As everywhere, “and” comes before “or”.
        if runs and node.operator == "all":
            runs[-1].append(below)
        else:
            runs.append([below])
    if len(runs) == 1:
        return Branch("all", runs[0])
    return Branch("any", [run[0] if len(run) == 1 else Branch("all", run) for run in runs])
