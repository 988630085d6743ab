"""Asking a rule of runs: whether it holds for their contacts, and when time alone may turn it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from activities.models import Activity
from automations.models import Run
from database.lookups import Among
from groups.compiling import WITHOUT_JIT, Statement, known_of, of_contacts, of_entries
from groups.entries import Entry
from groups.rules import parse

# Whether it holds, and when that may change by time alone (None: never).
Answer = tuple[bool, datetime | None]


def ask_rule(rule: Mapping[str, Any], runs: Sequence[Run], now: datetime) -> dict[int, Answer]:
    """What a rule of a step says of the contact of each run, by the id of the run.

    The contacts have to be live.
    """
    tree = parse(rule, of_run=True)
    if not any("since" in leaf.members for leaf in tree.leaves()):
        answers = _answers(of_contacts(tree, sorted({run.contact_id for run in runs}), now=now))
        return {run.pk: answers[run.contact_id] for run in runs}
    known = known_of(tree)
    entries = entries_of(runs)
    found: dict[int, Answer] = {}
    for part in one_of_each_contact(runs):
        of_part = {run.contact_id: entries[run.pk] for run in part}
        answers = _answers(of_entries(tree, of_part, now=now, known=known))
        found |= {run.pk: answers[run.contact_id] for run in part}
    return found


def one_of_each_contact(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """The runs in parts, so that in each part no two are of one contact."""
    waiting = list(runs)
    while waiting:
        part = {run.contact_id: run for run in reversed(waiting)}
        taken = {run.pk for run in part.values()}
        yield list(part.values())
        waiting = [run for run in waiting if run.pk not in taken]


def entries_of(runs: Sequence[Run]) -> dict[int, Entry]:
    """When each run began, by its id: with the activity that let it in, else with its entry.

    A worker lets contacts in a moment after the activity, or long after it if none was there.
    """
    causes = {run.cause_id for run in runs if run.cause == Run.Cause.ACTIVITY and run.cause_id}
    rows = Activity.objects.filter(Among("pk", causes))
    recorded: dict[int | None, datetime] = dict(rows.values_list("pk", "recorded_at"))
    return {
        run.pk: Entry(recorded[run.cause_id], run.cause_id)
        if run.cause == Run.Cause.ACTIVITY and run.cause_id in recorded
        else Entry(run.entered_at)
        for run in runs
    }


def _answers(statement: Statement) -> dict[int, Answer]:
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_JIT)
        cursor.execute(statement.sql, list(statement.params))
        return {contact_id: (holds, due_at) for contact_id, holds, due_at in cursor.fetchall()}
