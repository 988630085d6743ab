"""Runs move on: what the job `runs` does, and what wakes a run that waits for a rule."""

from collections.abc import Collection, Mapping
from itertools import batched

from django.db import connection, transaction
from django.db.models.functions import Now

from automations.flow import Flow, flow_of
from automations.models import Run
from automations.moving import Moves
from automations.pausing import State, hold_states
from automations.steps import InvalidAutomation
from database.cursors import array_of
from database.lookups import Among
from groups.caring import cares_of
from groups.facts import Topic
from groups.locks import lock_groups
from groups.looking import clock
from groups.models import ContactGroup
from groups.rules import parse
from jobs.tasks import ring
from jobs.working import stopping

# So many runs move in one transaction. Readers of logs wait for it, and emails take their time.
_AT_ONCE, _EMAILS_AT_ONCE = 1_000, 200
# The transaction has its id before it knows of whom the runs are, so a merge that it misses waits
# for it before it settles.
_FIND = """
WITH own AS MATERIALIZED (SELECT pg_current_xact_id() AS id)
SELECT run.id, run.version_id, run.contact_id, run.automation_id, own.id
FROM own, automations_run AS run
WHERE run.id = ANY(%s::bigint[]) AND run.status = 'running'
"""
_LOCK_CONTACTS = """
SELECT id, merged_into_id FROM contacts_contact WHERE id = ANY(%s::bigint[])
ORDER BY id FOR {strength}
"""
# A run that a worker moves just now may come to a step that waits for what the worker cannot see
# yet: where it is is known when the worker is done.
_LOCK_RUNNING = """
SELECT id, version_id, step FROM automations_run
WHERE contact_id = ANY(%s::bigint[]) AND status = 'running' ORDER BY id FOR NO KEY UPDATE
"""


def move_on(keys: Collection[int]) -> None:
    """Have those of these runs that are running do their steps until each has to wait, or is over.

    What a step does and that it was passed is one transaction. Runs that another worker has, or
    whose contact is being merged, stay as they are; so do the rest if the worker is told to end.
    """
    rows = Run.objects.filter(Among("pk", keys), status=Run.Status.RUNNING).order_by("pk")
    versions = dict(rows.values_list("pk", "version_id"))
    flows = _flows_of(set(versions.values()))
    writing = {flow.version_id for flow in flows if flow.sends_emails}
    for at_once, with_emails in (_AT_ONCE, False), (_EMAILS_AT_ONCE, True):
        runs = [run for run, version in versions.items() if (version in writing) == with_emails]
        for part in batched(runs, at_once):
            if stopping.is_set():
                return
            _move_on(part)


@transaction.atomic
def _move_on(keys: Collection[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [array_of(keys)])
        rows = cursor.fetchall()
    if not rows:
        return
    states = hold_states(automation_id for _, _, _, automation_id, _ in rows)
    versions = {run_id: version_id for run_id, version_id, *_ in rows}
    flows = _flows_of(set(versions.values()))
    contacts = _lock_contacts({contact_id for _, _, contact_id, *_ in rows}, flows)
    runs = _lock_runs(versions, contacts, states)
    if runs:
        Moves(clock()).make(runs)


@transaction.atomic
def wake(contact_ids: Collection[int], topics: Collection[Topic] | None = None) -> None:
    """Have runs of these contacts that wait until a rule holds looked at again.

    :param topics: what happened; rules that do not care about any of it stay asleep
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_RUNNING, [array_of(contact_ids)])
        runs = cursor.fetchall()
    cares: dict[tuple[int, str], bool] = {}
    woken = []
    for run_id, version_id, step in runs:
        place = version_id, step
        if place not in cares:
            cares[place] = _waits_for(*place, topics)
        if cares[place]:
            woken.append(run_id)
    if woken:
        Run.objects.filter(Among("pk", woken), due_at__gt=Now()).update(due_at=Now())
        ring("runs")


def _waits_for(version_id: int, key: str, topics: Collection[Topic] | None) -> bool:
    """Whether the step waits for a rule that cares about one of these topics."""
    try:
        step = flow_of(version_id).step(key)
    except InvalidAutomation:
        return False
    if step is None or step.type != "wait" or "rule" not in step.members:
        return False
    if topics is None:
        return True
    cares = cares_of(parse(step.members["rule"], of_run=True))
    return any(topic.matters_to(cares) for topic in topics)


def _flows_of(version_ids: Collection[int]) -> list[Flow]:
    """The flows of these versions, of those that can be read."""
    flows = []
    for version_id in sorted(version_ids):
        try:
            flows.append(flow_of(version_id))
        except InvalidAutomation:  # its runs fail with that
            continue
    return flows


def _lock_contacts(contact_ids: Collection[int], flows: Collection[Flow]) -> set[int]:
    """Lock these contacts and return which are live; then the groups that steps may change.

    An erasure waits for the contacts, and a merge too if steps may change them. All locks are taken
    in one order before anything is done: steps that took them one by one could wait in a circle.
    """
    changes = any(flow.changes_contacts for flow in flows)
    strength = "NO KEY UPDATE" if changes else "KEY SHARE"
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_CONTACTS.format(strength=strength), [array_of(sorted(contact_ids))])
        live = {contact_id for contact_id, merged_into in cursor.fetchall() if merged_into is None}
    if names := {name for flow in flows for name in flow.groups}:
        groups = ContactGroup.objects.filter(code_name__fold__in=names)
        lock_groups(list(groups.values_list("pk", flat=True)))
    return live


def _lock_runs(
    versions: Mapping[int, int], contacts: Collection[int], states: Mapping[int, State]
) -> list[Run]:
    """Lock the runs that no other transaction has; those of automations that halt are paused.

    :param versions: of each run, the version for whose steps everything is locked; a run that was
        moved to another one meanwhile is left out
    """
    rows = Run.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    rows = rows.filter(Among("pk", versions), status=Run.Status.RUNNING).order_by("pk")
    runs = [
        run for run in rows if run.contact_id in contacts and run.version_id == versions[run.pk]
    ]
    asleep = [run.pk for run in runs if states[run.automation_id] is not State.GOES_ON]
    if asleep:
        Run.objects.filter(Among("pk", asleep)).update(status=Run.Status.PAUSED)
    return [run for run in runs if states[run.automation_id] is State.GOES_ON]
