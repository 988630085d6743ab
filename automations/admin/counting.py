"""How many contacts are at each step, and passed it: by the keys of steps, over all versions."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest

from adminsite.counting import COUNTED, count_up_to, say_count
from adminsite.formatting import changelist_url
from automations.admin.permissions import may_see_emails, may_see_runs
from automations.conversions import WINDOW_DAYS, Branch, conversions
from automations.models import Automation, Email, Passage, Run
from automations.steps import Step
from groups.formulas import Statement
from groups.planner import estimate

# Each count ends where it would take long; what is beyond is estimated by the planner.
_COUNT = """
SELECT key,
    (SELECT count(*) FROM (
        SELECT FROM automations_run WHERE automation_id = %(automation)s AND step = key
        AND status IN ('running', 'paused') LIMIT %(most)s
    ) AS rows),
    (SELECT count(*) FROM (
        SELECT FROM automations_run WHERE automation_id = %(automation)s AND step = key
        AND status IN ('running', 'paused') AND attempts > 0 LIMIT %(most)s
    ) AS rows),
    (SELECT count(*) FROM (
        SELECT FROM automations_passage WHERE automation_id = %(automation)s AND step = key
        LIMIT %(most)s
    ) AS rows),
    (SELECT count(*) FROM (
        SELECT FROM automations_passage WHERE automation_id = %(automation)s AND step = key
        AND outcome = 'skipped' LIMIT %(most)s
    ) AS rows)
FROM unnest(%(keys)s::text[]) AS key
"""
_WAITING = """
SELECT FROM automations_run
WHERE automation_id = %s AND step = %s AND status IN ('running', 'paused')
"""
_PASSED = "SELECT FROM automations_passage WHERE automation_id = %s AND step = %s"
_ERRORS = """
SELECT key, one.last_error FROM unnest(%s::text[]) AS key CROSS JOIN LATERAL (
    SELECT last_error FROM automations_run WHERE automation_id = %s AND step = key
    AND status IN ('running', 'paused') AND attempts > 0 LIMIT 1
) AS one
"""
# Keys of steps are drawn at random. Only a request made by hand has one of another automation.
_NOT_SENT = """
SELECT key, kind, (
    SELECT count(*) FROM (
        SELECT run_id FROM automations_email WHERE step = key AND status = kind
        AND status IN ('held', 'failed', 'uncertain') LIMIT %(most)s
    ) AS email JOIN automations_run AS run ON run.id = email.run_id
    WHERE run.automation_id = %(automation)s
) FROM unnest(%(keys)s::text[]) AS key
CROSS JOIN unnest('{held,failed,uncertain}'::text[]) AS kind
"""
_SAID = {
    Email.Status.HELD: "held back",
    Email.Status.FAILED: "refused by the mail server",
    Email.Status.UNCERTAIN: "uncertain",
}
_LONGEST_ERROR = 200
# What the ways of a branch may take to count.
_LONGEST_SECONDS = 3
_TOO_MANY = "Too many went through this step to count now"


@dataclass(frozen=True)
class StepCounts:
    """How many runs wait at a step, fail there, and passed it; of those, how many skipped it.

    :ivar not_sent: how many emails of the step were not sent, or perhaps not, by their status
    """

    waiting: int = 0
    failing: int = 0
    passed: int = 0
    skipped: int = 0
    waiting_text: str = "0"
    passed_text: str = "0"
    error: str = ""
    not_sent: Mapping[str, int] = field(default_factory=dict)


def counts_of(automation: Automation, keys: Collection[str]) -> dict[str, StepCounts]:
    """The counts of steps, by their keys. Those above a limit are estimates, and say so."""
    if automation.pk is None or not keys:
        return {}
    params: dict[str, Any] = {"automation": automation.pk, "keys": list(keys), "most": COUNTED + 1}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, params)
        rows = cursor.fetchall()
        failing = [key for key, _, fails, *_ in rows if fails]
        errors = {}
        if failing:
            cursor.execute(_ERRORS, [failing, automation.pk])
            errors = dict(cursor.fetchall())
        cursor.execute(_NOT_SENT, params)
        not_sent: dict[str, dict[str, int]] = defaultdict(dict)
        for key, status, count in cursor.fetchall():
            not_sent[key][status] = count
    return {
        key: StepCounts(
            waiting,
            fails,
            passed,
            skipped,
            _text(waiting, _WAITING, automation, key),
            _text(passed, _PASSED, automation, key),
            errors.get(key, "")[:_LONGEST_ERROR],
            not_sent[key],
        )
        for key, waiting, fails, passed, skipped in rows
    }


def _text(count: int, sql: str, automation: Automation, key: str) -> str:
    if count <= COUNTED:
        return say_count(count, COUNTED)
    expected = round(estimate(Statement(sql, (automation.pk, key))).rows)
    # No more digits than an estimate knows.
    rounded = round(expected, 3 - len(str(expected)))
    return f"about {rounded:,}" if expected > COUNTED else say_count(count, COUNTED)


def on_cards(
    request: HttpRequest, automation: Automation, counts: Mapping[str, StepCounts]
) -> dict[str, list[dict[str, Any]]]:
    """The lines on the cards of steps, by the keys of steps."""
    links, to_emails = may_see_runs(request.user), may_see_emails(request.user)
    return {
        key: [*_lines(automation, key, one, links), *_emails(automation, key, one, to_emails)]
        for key, one in counts.items()
    }


def _lines(
    automation: Automation, key: str, counts: StepCounts, links: bool
) -> Iterator[dict[str, Any]]:
    url = changelist_url(Run, f"automation={automation.pk}&step={key}") if links else ""
    if counts.waiting:
        yield {"name": "waiting", "text": f"{counts.waiting_text} waiting", "url": url}
    if counts.passed:
        yield {"name": "passed", "text": f"{counts.passed_text} passed", "url": ""}
    if counts.skipped:
        text = f"{say_count(counts.skipped, COUNTED)} of them skipped it"
        yield {"name": "skipped", "text": text, "url": ""}
    if counts.failing:
        text = f"{say_count(counts.failing, COUNTED)} failed: {counts.error}"
        yield {
            "name": "failing",
            "text": text,
            "url": url and f"{url}&state=failing",
            "is_bad": True,
        }


def _emails(
    automation: Automation, key: str, counts: StepCounts, links: bool
) -> Iterator[dict[str, Any]]:
    """What became of emails that the step did not send; whose runs have passed it all the same."""
    for status, said in _SAID.items():
        if count := counts.not_sent.get(status, 0):
            query = urlencode({"step": f"{automation.pk}.{key}", "status__exact": status})
            yield {
                "name": status,
                "text": f"{say_count(count, COUNTED)} email{'' if count == 1 else 's'} {said}",
                "url": changelist_url(Email, query) if links else "",
                "is_bad": status != Email.Status.HELD,
            }


def on_branches(automation: Automation, steps: Sequence[Step]) -> dict[str, list[str]]:
    """What went each way of a step with branches, by its key and in the order of the branches.

    Steps that take longer than three seconds to count say that instead.
    """
    found = {}
    for step in steps:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {_LONGEST_SECONDS * 1_000}")
                found[step.key] = _ways(automation, step)
        except OperationalError:  # it took too long
            found[step.key] = [_TOO_MANY] * len(step.branches)
    return found


def _ways(automation: Automation, step: Step) -> list[str]:
    if step.type == "split":
        branches = {one.number: one for one in conversions(automation, step.key)}
        return [
            _converted(branches.get(number, Branch(number, 0, 0)))
            for number in range(len(step.branches))
        ]
    passages = Passage.objects.filter(automation=automation, step=step.key)
    outcomes = (Passage.Outcome.THEN, Passage.Outcome.ELSE)
    counts = [count_up_to(passages.filter(outcome=one), COUNTED) for one in outcomes]
    return [f"{say_count(count, COUNTED)} went this way" for count in counts]


def _converted(branch: Branch) -> str:
    if not branch.passed:
        return "Nobody went this way yet"
    share = 100 * branch.converted / branch.passed
    return (
        f"{branch.passed:,} went this way, {branch.converted:,} of them ({share:.1f} %) came to a "
        f"goal within {WINDOW_DAYS} days"
    )
