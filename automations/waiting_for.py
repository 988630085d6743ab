"""Runs that wait for a rule: which of them what happened may concern."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import connection

from automations.flow import flow_of
from automations.running import wake
from automations.steps import InvalidAutomation, all_steps
from groups.caring import Cares, cares_of
from groups.facts import LOGS, Facts, facts_in
from groups.followed import what_names_stand_for
from groups.rules import parse
from groups.trees import InvalidRule
from readers.logs import Log

_INHABITED = """
SELECT version.id FROM automations_version AS version WHERE EXISTS (
    SELECT FROM automations_run AS run
    WHERE run.automation_id = version.automation_id AND run.status IN ('running', 'paused')
)
"""


@dataclass(frozen=True)
class _Waits:
    """What the rules that a version waits for care about."""

    cares: tuple[Cares, ...]

    def concerned(self, facts: Facts) -> set[int]:
        """The contacts whom one of the rules may see differently."""
        return {
            contact_id
            for topic, rows in facts.items()
            if any(topic.matters_to(cares) for cares in self.cares)
            for contact_id in rows
        }


# What this process knows: the rules of versions, which are never edited, and what they care about,
# by what the names in rules stand for.
_rules: dict[int, tuple[dict[str, Any], ...]] = {}
_known: dict[tuple[str, int], _Waits] = {}


def wake_those_who_wait(log: Log, ids: list[int]) -> None:
    """Let a worker look again at runs that wait for a rule, if rows of a log may concern it."""
    waits = _versions_that_wait()
    if not waits or log not in LOGS:
        return
    facts = facts_in(log, ids)
    if concerned := {contact_id for one in waits for contact_id in one.concerned(facts)}:
        wake(concerned, list(facts))


def any_run_waits_for_groups() -> bool:
    """Whether a run may wait for a rule that names contact groups."""
    return any(cares.groups for one in _versions_that_wait() for cares in one.cares)


def _versions_that_wait() -> list[_Waits]:
    """The versions with steps that wait for a rule, of automations that contacts are inside of."""
    global _known
    with connection.cursor() as cursor:
        cursor.execute(_INHABITED)
        inhabited = [key for (key,) in cursor.fetchall()]
    for key in inhabited:
        if key not in _rules:
            _rules[key] = tuple(_rules_in(key))
    waiting = [key for key in inhabited if _rules[key]]
    if not waiting:
        return []
    names = what_names_stand_for()
    _known = {
        (names, key): _known.get((names, key)) or _Waits(tuple(_cares_of(_rules[key])))
        for key in waiting
    }
    return list(_known.values())


def _rules_in(version_id: int) -> Iterator[dict[str, Any]]:
    with suppress(InvalidAutomation):
        for step in all_steps(flow_of(version_id).steps):
            if step.type == "wait" and "rule" in step.members:
                yield step.members["rule"]


def _cares_of(rules: Iterable[dict[str, Any]]) -> Iterator[Cares]:
    for rule in rules:
        with suppress(InvalidRule):
            yield cares_of(parse(rule, of_run=True))
