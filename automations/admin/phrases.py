"""What triggers and steps say, in the words of the editor."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from automations import steps as flow
from automations import triggers
from automations.saying import known_by, say_trigger
from automations.steps import InvalidAutomation, Step
from groups.conditions.members import Members
from groups.names import Known
from groups.rules import InvalidRule, parse
from groups.sentences import sentence


def phrase_of_trigger(given: object, known: Known | None = None) -> str:
    """What lets contacts in, with the rule of the trigger as a sentence.

    :param known: what its names stand for; None looks that up
    """
    try:
        trigger = triggers.read_trigger(given)
    except InvalidAutomation as error:
        return str(error)
    said = say_trigger(trigger, known_by([], trigger) if known is None else known)
    return f"{said}. {sentence_of(trigger.rule, of_run=False)}" if trigger.rule else said


def phrase_of_steps(given: object) -> str:
    """All steps in one line."""
    try:
        found = flow.read_steps(given)
    except InvalidAutomation as error:
        return str(error)
    return "; ".join(phrase_of_step(step) for step in flow.all_steps(found)) or "No steps"


def short_phrase(step: Step) -> str:
    """What a step does, in a few words; of one that is not complete, what kind it is."""
    kind = flow.kind_of(step.type)
    return kind.phrase(step.members) if step.members or step.type == "stop" else kind.title


def phrase_of_step(step: Step) -> str:
    """What a step does, with its rule as a sentence."""
    said = short_phrase(step)
    rule = step.members.get("rule")
    return f"{said}: {sentence_of(rule)}" if rule else said


def sentence_of(rule: object, *, of_run: bool = True) -> str:
    """A rule as a sentence; of one that cannot be any more, why."""
    try:
        return sentence(parse(rule, of_run=of_run))
    except InvalidRule as error:
        return str(error)


def branch_names(step: Step) -> list[str]:
    """What the branches of a step are called."""
    if step.type == "if":
        return ["Then", "Else"][: len(step.branches)]
    shares: Sequence[int] = step.members.get("shares", [])
    return [
        f"{share} %" if branch else f"{share} %, a control group"
        for share, branch in zip_longest(shares, step.branches, fillvalue="?")
    ][: len(step.branches)]


def rules_in(steps: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, object]]:
    """The rules of steps in their normal form, each with the key of its step."""
    for step in steps:
        if "rule" in step and "key" in step:
            yield step["key"], step["rule"]
        for branch in branches_of(step):
            yield from rules_in(branch)


def read_loosely(given: Any) -> tuple[Step, ...]:
    """Steps that are still being drawn: those that are not complete have no members."""
    steps = []
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict) and one.get("type") in flow.step_types():
            branches = tuple(map(read_loosely, branches_of(one)))
            members = _members_of(one)
            if one["type"] == "split" and not members:
                members = {"shares": ["?"] * len(branches)}
            steps.append(Step(str(one.get("key", "")), one["type"], members, branches))
    return tuple(steps)


def _members_of(given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return flow.kind_of(given["type"]).read(Members(given, "", what="a step", of_run=True))
    except InvalidRule:
        return {}


def branches_of(step: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """The branches of a step in its normal form, in order."""
    if "branches" in step:
        return list(step["branches"])
    return [step[name] for name in ("then", "else") if name in step]
