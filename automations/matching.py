"""Which rows of a log let contacts into which automations."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from automations.entering import Entry
from automations.models import Automation, Run
from automations.steps import InvalidAutomation
from automations.triggers import Trigger, kind_of, read_trigger
from database.cursors import array_of
from groups.conditions.base import Scene
from groups.formulas import Statement, joined, put
from groups.names import Kind, Known, look_up
from groups.planner import for_driver
from readers.logs import Log

# Of each row that lets in: the automation, and how long the chain of runs is that led to it. What
# a run does is recorded in the transaction in which it passes the step.
_FOUND = """
WITH a AS MATERIALIZED (SELECT * FROM {table} WHERE id = ANY({{}}::bigint[])),
found AS ({{}})
SELECT automation_id, id, contact_id, event_name, event_data, 1 + coalesce((
    SELECT max(run.depth) FROM automations_run AS run
    JOIN automations_passage AS passage ON passage.run_id = run.id
    WHERE passage.recorded_in = found.transaction AND run.contact_id = ANY(ARRAY[
        found.contact_id,
        (SELECT merged_into_id FROM contacts_contact WHERE id = found.contact_id)
    ])
), 0)
FROM found ORDER BY automation_id, id
"""
_ROWS = """
SELECT {{}}::bigint AS automation_id, a.id, a.contact_id, {transaction} AS transaction,
    {event_name} AS event_name, {event_data} AS event_data
FROM a WHERE a.recorded_in >= {{}}::xid8 AND ({{}})
"""
# A dump may have been restored into another cluster, where the transaction is still to come.
_FORGET_IDS_OF_OTHER_CLUSTERS = """
UPDATE automations_automation SET enabled_in = '0'
WHERE enabled AND enabled_in >= pg_snapshot_xmax(pg_current_snapshot())
"""


@dataclass(frozen=True)
class Listener:
    """An automation that is switched on, its trigger, and since which transaction it is entered."""

    automation_id: int
    trigger: Trigger
    enabled_in: str


def listeners() -> list[Listener]:
    """The automations that are switched on; those whose trigger cannot be read are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_IDS_OF_OTHER_CLUSTERS)
    found = []
    rows = Automation.objects.filter(enabled=True).order_by("pk")
    for key, trigger, enabled_in in rows.values_list("pk", "trigger", "enabled_in"):
        try:
            found.append(Listener(key, read_trigger(trigger), str(enabled_in)))
        except InvalidAutomation:
            continue
    return found


def listeners_to(log: Log) -> list[Listener]:
    """The automations that rows of this log let contacts into."""
    return [one for one in listeners() if kind_of(one.trigger.type).log == log]


def names_of(triggers: Iterable[Trigger]) -> Known:
    """What the names in these triggers, not in their rules, stand for."""
    names: dict[Kind, set[str]] = defaultdict(set)
    for trigger in triggers:
        for kind, code_names in kind_of(trigger.type).names(trigger.members).items():
            names[kind].update(code_names)
    return look_up(names)


def entries_by(
    log: Log, ids: Sequence[int], asked: Sequence[Listener]
) -> Mapping[int, Sequence[Entry]]:
    """By automation, the entries that these rows of the log are, in the order of the log."""
    scene = Scene(timezone.now(), names_of(one.trigger for one in asked))
    selects = [select for one in asked if (select := _rows_for(one, scene))]
    if not selects:
        return {}
    with connection.cursor() as cursor:
        rows_of_log = put(
            _FOUND.format(table=log.table), array_of(ids), joined(" UNION ALL ", selects)
        )
        found = for_driver(rows_of_log)
        cursor.execute(found.sql, found.params)
        rows = cursor.fetchall()
    causes = {one.automation_id: Run.Cause(one.trigger.type) for one in asked}
    entries: dict[int, list[Entry]] = defaultdict(list)
    for automation_id, cause_id, contact_id, event_name, event_data, depth in rows:
        entries[automation_id].append(
            Entry(contact_id, causes[automation_id], cause_id, event_name, event_data, depth)
        )
    return entries


def _rows_for(listener: Listener, scene: Scene) -> Statement | None:
    kind = kind_of(listener.trigger.type)
    criterion = kind.criterion(listener.trigger.members, scene)
    if criterion is None:
        return None
    sql = _ROWS.format(
        transaction=kind.transaction, event_name=kind.event_name, event_data=kind.event_data
    )
    return put(sql, listener.automation_id, listener.enabled_in, criterion)
