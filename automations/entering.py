"""Contacts enter automations: triggers, users and programs let them in by this module."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction

from automations.models import Automation, Refusal, Run, Version
from contacts.models import Contact
from contacts.resolving import UnknownContact, get_live_contact, live_of
from database.cursors import array_of
from database.questions import ask
from groups.compiling import of_contacts
from groups.looking import clock
from groups.rules import parse
from groups.trees import InvalidRule, Tree
from jobs.tasks import ring

LONGEST_CHAIN = 10
# So much JSON goes to the database at once.
_MOST_CHARACTERS = 4_000_000
# What a program, or the user who starts it, is told of a contact who does not enter.
SWITCHED_OFF = "The automation is switched off."
ARCHIVED = "The automation is archived."
NOT_MEANT = "The rule of the automation's trigger does not hold for the contact."
GONE = "The contact was erased."

# While they are locked an automation is neither edited, archived nor paused.
_LOCK_AUTOMATIONS = """
SELECT id FROM automations_automation WHERE id = ANY(%s::bigint[]) ORDER BY id FOR SHARE
"""
_LOCK_CONTACTS = """
SELECT id, merged_into_id FROM contacts_contact WHERE id = ANY(%s::bigint[])
ORDER BY id FOR NO KEY UPDATE
"""
# `n` is the order of the entries. Each contact's runs are read once.
_INSERT = """
WITH asked AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(entries)s) AS asked (n bigint, contact_id bigint,
        cause text, cause_id bigint, event_name text, event_data text, depth int,
        broadcast_id bigint)
), history AS MATERIALIZED (
    SELECT each.contact_id, count(run.id) AS ever,
        count(run.id) FILTER (WHERE run.entered_at > %(now)s - interval '24 hours') AS lately,
        count(run.id) FILTER (WHERE run.status IN ('running', 'paused')) AS inside
    FROM (SELECT DISTINCT contact_id FROM asked) AS each LEFT JOIN automations_run AS run
        ON run.contact_id = each.contact_id AND run.automation_id = %(automation)s
    GROUP BY each.contact_id
), fresh AS (
    SELECT asked.*, row_number() OVER (PARTITION BY contact_id ORDER BY n) AS number
    FROM asked WHERE NOT EXISTS (
        SELECT FROM automations_run AS run
        WHERE run.contact_id = asked.contact_id AND run.automation_id = %(automation)s
            AND (run.broadcast_id = asked.broadcast_id
                OR run.cause = asked.cause AND run.cause_id = asked.cause_id)
    )
), judged AS (
    SELECT fresh.*, CASE
        WHEN depth > %(longest)s THEN 'chain'
        WHEN %(runs)s = 'once' AND ever + number > 1 THEN 'once'
        WHEN %(runs)s = 'if_not_running' AND inside + number > 1 THEN 'running'
        WHEN lately + number > 10 THEN 'ten'
    END AS reason
    FROM fresh JOIN history USING (contact_id)
), entered AS (
    INSERT INTO automations_run (automation_id, version_id, contact_id, entered_as, status, step,
        step_since, entered_at, due_at, reason, cause, cause_id, event_name, event_data, once,
        depth, broadcast_id, by_id)
    SELECT %(automation)s, %(version)s, contact_id, contact_id, %(status)s, %(step)s,
        %(now)s, %(now)s, %(now)s, '', cause, cause_id, event_name, event_data, %(runs)s = 'once',
        depth, broadcast_id, %(by)s
    FROM judged WHERE reason IS NULL ORDER BY n
    ON CONFLICT DO NOTHING
    RETURNING id, contact_id
)
SELECT id, contact_id, NULL FROM entered
UNION ALL SELECT NULL, contact_id, reason FROM judged WHERE reason IS NOT NULL
"""
_HOLDING = "SELECT contact_id FROM ({}) AS looked WHERE holds"
_COUNT_REFUSALS = """
INSERT INTO automations_refusal AS known (automation_id, reason, count, last_at)
SELECT automation_id, reason, count, %s
FROM jsonb_to_recordset(%s) AS refused (automation_id bigint, reason text, count bigint)
ORDER BY automation_id, reason
ON CONFLICT (automation_id, reason)
DO UPDATE SET count = known.count + excluded.count, last_at = excluded.last_at
"""


class NotEntered(Exception):
    """A contact does not enter an automation; the message says why, to a user or a program."""


@dataclass(frozen=True, slots=True)
class Entry:
    """That a contact is to enter an automation, and by what.

    :ivar cause_id: what lets in, once: the row of a log, the year of a date, or the request of a
        program
    :ivar event_name: of an activity, its type
    :ivar event_data: of an activity, its whole event data
    :ivar depth: how many runs led to each other up to this one
    """

    contact_id: int
    cause: str
    cause_id: int | None = None
    event_name: str = ""
    event_data: str = ""
    depth: int = 1
    broadcast_id: int | None = None


@dataclass
class Entered:
    """What became of entries.

    :ivar runs: the ids of the runs that began
    :ivar refused: of a contact who was refused, why
    :ivar counts: how many entries were refused for each reason that is counted
    """

    runs: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def enter(automation: Automation, entries: Sequence[Entry], *, by_hand: bool = False) -> list[int]:
    """Let contacts into an automation; return the ids of the runs that begin.

    Those who may not enter, by the trigger's rule or because of their runs, do not. Nobody enters
    an archived automation, or one that is switched off, unless a user lets them in `by_hand`.
    """
    return enter_all({automation.pk: entries}, by_hand=by_hand)[automation.pk].runs


def start(
    automation: Automation, contact: Contact, *, cause: str, by: User | None = None
) -> int | None:
    """Let one contact in; return the id of the run, or None if the contact may not enter."""
    try:
        return start_or_say(automation, contact, cause=cause, by=by)
    except NotEntered:
        return None


def start_or_say(
    automation: Automation,
    contact: Contact,
    *,
    cause: str,
    cause_id: int | None = None,
    by: User | None = None,
) -> int:
    """Let one contact in; return the id of the run. A user may while it is switched off.

    What has let the contact in before, by its `cause_id`, does not again: it is the same run.

    :raises NotEntered: if the contact may not enter, with the reason
    """
    if cause_id is not None and (known := _run_by(automation, contact, cause, cause_id)):
        return known
    entries = {automation.pk: [Entry(contact.pk, cause, cause_id)]}
    entered = enter_all(entries, by_hand=cause == Run.Cause.USER, by=by)[automation.pk]
    if entered.runs:
        return entered.runs[0]
    if entered.refused:
        raise NotEntered(next(iter(entered.refused.values())))
    # Another transaction was quicker.
    if known := _run_by(automation, contact, cause, cause_id):
        return known
    raise NotEntered(GONE)


def _run_by(
    automation: Automation, contact: Contact, cause: str, cause_id: int | None
) -> int | None:
    """The id of the run that this cause has let the contact into, if it has.

    :raises NotEntered: if the contact was erased
    """
    try:
        live = get_live_contact(contact.pk)
    except UnknownContact:
        raise NotEntered(GONE) from None
    runs = Run.objects.filter(automation=automation, cause=cause, cause_id=cause_id)
    return runs.filter(contact=live).values_list("pk", flat=True).first()


@transaction.atomic
def enter_all(
    wanted: Mapping[int, Sequence[Entry]], *, by_hand: bool = False, by: User | None = None
) -> dict[int, Entered]:
    """Let contacts into several automations at once, by id; return what became of each.

    Automations are locked before contacts, and contacts before runs are added, each in the order
    of their ids.
    """
    automations = lock_automations(wanted)
    live = _lock_live({entry.contact_id for of_one in wanted.values() for entry in of_one})
    results = {}
    for automation_id, entries in wanted.items():
        automation = automations.get(automation_id)
        why_not = _why_nobody(automation, by_hand)
        if automation is None or why_not:
            refused = {entry.contact_id: why_not for entry in entries}
            results[automation_id] = Entered(refused=refused)
        else:
            results[automation_id] = _enter(automation, entries, live, by)
    _count_refusals(results)
    if any(entered.runs for entered in results.values()):
        ring("runs")
    return results


def lock_automations(ids: Iterable[int]) -> dict[int, Automation]:
    """These automations, which nobody edits, pauses or archives until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_AUTOMATIONS, [array_of(ids)])
    return Automation.objects.in_bulk(list(ids))


def _lock_live(contact_ids: Collection[int]) -> dict[int, int]:
    """Lock the live contacts that these have become; those that were erased are left out.

    As `lock_all_live` does, of which only the ids are needed here, of very many contacts.
    """
    while True:
        savepoint = transaction.savepoint()
        (live,) = ask(live_of(contact_ids))
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_CONTACTS, [array_of(sorted(set(live.values())))])
            merged_into = dict(cursor.fetchall())
        if all(key in merged_into and merged_into[key] is None for key in live.values()):
            transaction.savepoint_commit(savepoint)
            return live
        transaction.savepoint_rollback(savepoint)


def _why_nobody(automation: Automation | None, by_hand: bool) -> str:
    if automation is None or automation.archived_at:
        return ARCHIVED
    return "" if automation.enabled or by_hand else SWITCHED_OFF


def _enter(
    automation: Automation, entries: Sequence[Entry], live: Mapping[int, int], by: User | None
) -> Entered:
    result = Entered()
    present = {live[one.contact_id] for one in entries if one.contact_id in live}
    are_meant = meant(automation, present)
    rows = []
    for number, one in enumerate(entries):
        contact_id = live.get(one.contact_id)
        if contact_id in are_meant:
            rows.append(
                {
                    "n": number,
                    "contact_id": contact_id,
                    "cause": one.cause,
                    "cause_id": one.cause_id,
                    "event_name": one.event_name,
                    "event_data": one.event_data,
                    "depth": one.depth,
                    "broadcast_id": one.broadcast_id,
                }
            )
        else:
            result.refused[one.contact_id] = GONE if contact_id is None else NOT_MEANT
    for run, contact_id, reason in _insert(automation, rows, by) if rows else ():
        if run is not None:
            result.runs.append(run)
        if reason is not None:
            result.refused[contact_id] = Refusal.Reason(reason).label
            result.counts[reason] += 1
    return result


def meant(automation: Automation, contact_ids: Collection[int]) -> Collection[int]:
    """Those of the contacts for whom the rule of the trigger holds; nobody if it cannot be read."""
    rule = automation.trigger.get("rule")
    if not rule or not contact_ids:
        return contact_ids
    try:
        tree = parse(rule)
    except InvalidRule:
        return ()
    return contacts_of(tree, contact_ids)


def contacts_of(tree: Tree, contact_ids: Collection[int]) -> set[int]:
    """Those of the contacts for whom a rule holds now."""
    holding = of_contacts(tree, contact_ids, now=clock())
    with connection.cursor() as cursor:
        cursor.execute(_HOLDING.format(holding.sql), holding.params)
        return {contact_id for (contact_id,) in cursor.fetchall()}


def _insert(
    automation: Automation, rows: Sequence[Mapping[str, Any]], by: User | None
) -> list[tuple[int | None, int, str | None]]:
    """Add runs: a row with its id for each, and one with the reason for each that is refused."""
    version = Version.objects.get(automation=automation, number=automation.version)
    params: dict[str, Any] = {
        "automation": automation.pk,
        "version": version.pk,
        "runs": automation.runs,
        "status": Run.Status.PAUSED if automation.paused_at else Run.Status.RUNNING,
        "step": version.steps[0]["key"] if version.steps else "",
        "longest": LONGEST_CHAIN,
        "now": clock(),
        "by": by and by.pk,
    }
    found: list[tuple[int | None, int, str | None]] = []
    with connection.cursor() as cursor:
        for part in _parts(rows):
            cursor.execute(_INSERT, {**params, "entries": part})
            found += cursor.fetchall()
    return found


def _parts(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The rows as JSON, in as few texts as have no more than so many characters.

    What comes with an event may be long.
    """
    part: list[str] = []
    size = 0
    for text in map(json.dumps, rows):
        if part and size + len(text) > _MOST_CHARACTERS:
            yield f"[{','.join(part)}]"
            part, size = [], 0
        part.append(text)
        size += len(text)
    yield f"[{','.join(part)}]"


def _count_refusals(results: Mapping[int, Entered]) -> None:
    rows = [
        {"automation_id": automation_id, "reason": reason, "count": count}
        for automation_id, entered in results.items()
        for reason, count in entered.counts.items()
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT_REFUSALS, [clock(), json.dumps(rows)])
