"""A dry run: what an automation would have done, had it been switched on a while ago."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from automations.emails.errors import CannotRender
from automations.emails.permission import obstacles
from automations.emails.rendering import compiled
from automations.models import Automation, Template
from automations.replaying import Replayed, replay
from automations.steps import Step, read_steps
from automations.steps.doing.branching import draw
from automations.triggers import read_trigger
from contacts.models import Contact
from database.lookups import Among
from destinations.finding import find_destination
from destinations.meaning import meant_by
from destinations.permission import obstacles as obstacles_to_telling
from groups.compiling import WITHOUT_JIT, Statement, members, of_contacts, of_entries
from groups.entries import Entry
from groups.looking import clock
from groups.rules import parse
from groups.trees import Tree

# What the figures assume, as the page says beside them.
ASSUMPTIONS = (
    "Rules, agreements and addresses are as they are now.",
    "Contacts come to every step on their way: nobody leaves meanwhile, and waits for a rule end.",
    "What the automation would have logged or changed lets nobody else in.",
    "Emails count that would be held back because a value in a condition or of an event is "
    "missing, because no mail server takes the address, or because the contact has got the most "
    "emails of a week.",
)
_HOLDING = "SELECT contact_id FROM ({}) AS looked WHERE holds"
# For one statement; PostgreSQL stops it then.
_LONGEST_STATEMENT = "20s"
# Sorting the activities of a month on the disk would take longer.
_MEMORY = "64MB"
# Of more contacts than that, a rule is asked of all at once.
_FEW = 20_000


@dataclass
class DryRun:
    """What would have happened within the last `days`.

    :ivar entered: how many entries there would have been, of how many `people`
    :ivar refused: entries that `runs` would have refused
    :ivar emails: how many emails the contacts could get
    :ivar messages: how many messages destinations could be told
    :ivar without_consent: how many more of both would be held back: the contact has not agreed, has
        no address, or it does not work
    :ivar without_value: how many more emails would be held back: a field of the contact is empty
    :ivar by_step: how many runs would have come to each step, by its key
    """

    days: int
    entered: int = 0
    people: int = 0
    refused: int = 0
    emails: int = 0
    messages: int = 0
    without_consent: int = 0
    without_value: int = 0
    by_step: dict[str, int] = field(default_factory=dict)


@transaction.atomic
def dry_run(automation: Automation, days: int = 30) -> DryRun:
    """What the automation, saved or not, would have done within the last days.

    :raises InvalidAutomation: if its trigger or a step cannot be
    :raises InvalidRule: if one of its rules cannot be
    :raises django.db.OperationalError: if the database takes too long
    """
    trigger, steps = read_trigger(automation.trigger), read_steps(automation.steps)
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_JIT)
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [_LONGEST_STATEMENT])
        cursor.execute("SELECT set_config('work_mem', %s, true)", [_MEMORY])
    now = clock()
    replayed = replay(automation, trigger, now - timedelta(days=days), now)
    if trigger.rule is not None:
        meant = _holding(parse(trigger.rule), replayed, now)
        replayed = {key: one for key, one in replayed.items() if key in meant}
    result = DryRun(
        days,
        entered=sum(one.entered for one in replayed.values()),
        people=len(replayed),
        refused=sum(one.refused for one in replayed.values()),
    )
    _Walk(result, replayed, now).through(steps, list(replayed))
    return result


class _Walk:
    """The way of many contacts through the steps, all at once."""

    def __init__(self, result: DryRun, replayed: Mapping[int, Replayed], now: datetime):
        self._result, self._replayed, self._now = result, replayed, now

    def through(self, steps: Sequence[Step], contact_ids: Sequence[int]) -> Sequence[int]:
        """Those who come out behind the steps."""
        for step in steps:
            self._result.by_step[step.key] = self._runs_of(contact_ids)
            match step.type:
                case "stop":
                    return self._nobody_at(steps[steps.index(step) + 1 :])
                case "email":
                    self._send(step.members["template"], contact_ids)
                case "destination":
                    self._tell(step.members["destination"], contact_ids)
                case "if" | "split":
                    ways = self._ways(step, contact_ids)
                    came = zip(step.branches, ways, strict=True)
                    contact_ids = [one for branch, way in came for one in self.through(branch, way)]
        return contact_ids

    def _runs_of(self, contact_ids: Collection[int]) -> int:
        return sum(self._replayed[contact_id].entered for contact_id in contact_ids)

    def _nobody_at(self, steps: Sequence[Step]) -> Sequence[int]:
        for step in steps:
            self._result.by_step[step.key] = 0
            for branch in step.branches:
                self._nobody_at(branch)
        return ()

    def _send(self, name: str, contact_ids: Sequence[int]) -> None:
        template = Template.objects.filter(code_name__fold=name).first()
        if template is None:
            return
        refused = obstacles(contact_ids, consent_id=template.consent_id)
        held = self._runs_of([one for one in contact_ids if one in refused])
        lacking = _without_a_value(template, [one for one in contact_ids if one not in refused])
        empty = self._runs_of(lacking)
        self._result.without_consent += held
        self._result.without_value += empty
        self._result.emails += self._runs_of(contact_ids) - held - empty

    def _tell(self, name: str, contact_ids: Sequence[int]) -> None:
        destination = find_destination(name)
        if destination is None or not destination.enabled:
            return
        meant = meant_by(destination, contact_ids)
        refused = obstacles_to_telling(destination, meant)
        held = self._runs_of(refused)
        self._result.without_consent += held
        self._result.messages += self._runs_of(meant) - held

    def _ways(self, step: Step, contact_ids: Sequence[int]) -> list[list[int]]:
        ways: list[list[int]] = [[] for _ in step.branches]
        if step.type == "split":
            for one in contact_ids:
                ways[draw(one, step.key, step.members["shares"])].append(one)
            return ways
        tree = parse(step.members["rule"], of_run=True)
        if any("since" in leaf.members for leaf in tree.leaves()):
            entries = {one: Entry(self._replayed[one].last_at) for one in contact_ids}
            holding = _fetch(of_entries(tree, entries, now=self._now)) if entries else set()
        else:
            holding = _holding(tree, contact_ids, self._now)
        for one in contact_ids:
            ways[0 if one in holding else 1].append(one)
        return ways


def _without_a_value(template: Template, contact_ids: Collection[int]) -> Collection[int]:
    """Those who have not all fields that the email shows whatever else it says."""
    try:
        fields = compiled(template).fields
    except CannotRender:  # an earlier version of the hub could read it
        return contact_ids
    if not fields or not contact_ids:
        return ()
    empty = Q()
    for name in fields:
        empty |= Q(birthday=None) if name == "birthday" else Q(**{name: ""})
    rows = Contact.objects.filter(Among("pk", contact_ids)).filter(empty)
    return list(rows.values_list("pk", flat=True))


def _holding(tree: Tree, contact_ids: Collection[int], now: datetime) -> set[int]:
    """Those for whom a rule holds; of very many contacts, all of the hub."""
    if not contact_ids:
        return set()
    if len(contact_ids) > _FEW:
        return _fetch(members(tree, now=now))
    return _fetch(of_contacts(tree, contact_ids, now=now))


def _fetch(statement: Statement) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDING.format(statement.sql), list(statement.params))
        return {contact_id for (contact_id,) in cursor.fetchall()}
