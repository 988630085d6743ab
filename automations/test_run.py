"""A test run: one contact's way through an automation, with the time skipped. It writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection

from automations.emails.addresses import BadAddress, ascii_address
from automations.emails.links import links_for
from automations.emails.permission import obstacles
from automations.emails.preparing import look_at
from automations.emails.rendering import Rendered, event_names_in, fill, render
from automations.emails.values import CannotRender, Missing, Values, values_of
from automations.entering import contacts_of
from automations.models import Automation, Template
from automations.saying import known_by, say_step, say_trigger
from automations.steps import Step, all_steps, read_steps
from automations.steps.doing.emails import who_revoked
from automations.steps.waiting import ZONE_OF_CONTACT, duration_of
from automations.triggers import read_trigger
from automations.zones import end_of_wait, zones_of
from contacts.models import Contact
from destinations.finding import find_destination
from destinations.meaning import NOT_MEANT, meant_by
from destinations.permission import obstacles as obstacles_to_telling
from groups.compiling import of_entries
from groups.entries import Entry
from groups.looking import clock
from groups.names import Known
from groups.rules import parse

_HOLDING = "SELECT contact_id FROM ({}) AS looked WHERE holds"


@dataclass(frozen=True)
class Stop:
    """One step on the way of the contact.

    :ivar key: of the step; "" of the trigger
    :ivar at: when the contact would come to it
    :ivar said: what it does, in a few words
    :ivar outcome: what would come of it for this contact, in a sentence
    :ivar email: of a step that sends one, the email as this contact would get it
    """

    key: str
    at: datetime
    said: str
    outcome: str = ""
    email: Rendered | None = None


def walk(automation: Automation, contact: Contact) -> list[Stop]:
    """The steps that the contact would come to if they entered now, in order.

    Rules, agreements and fields are as they are now; waits are skipped, and what a step would
    change is not changed.

    :raises InvalidAutomation: if the trigger or a step cannot be
    :raises InvalidRule: if one of its rules cannot be
    """
    trigger, steps = read_trigger(automation.trigger), read_steps(automation.steps)
    now = clock()
    outcome = "The contact enters."
    if trigger.rule is not None and not contacts_of(parse(trigger.rule), [contact.pk]):
        outcome = "The rule does not hold: the contact would not enter. The test goes on."
    known = known_by(all_steps(steps), trigger)
    said = say_trigger(trigger, known)
    test = _Test(contact, now, now, known, [Stop("", now, said, outcome)])
    test.go_through(steps)
    return test.stops


@dataclass
class _Test:
    contact: Contact
    entered_at: datetime
    at: datetime
    known: Known
    stops: list[Stop] = field(default_factory=list)
    is_over: bool = False

    def go_through(self, steps: Sequence[Step]) -> bool:
        """Come to these steps; tell whether the contact comes out behind them."""
        for step in steps:
            at, said = self.at, say_step(step, self.known)
            outcome, email, way = self._do(step)
            self.stops.append(Stop(step.key, at, said, outcome, email))
            if step.type == "stop" or self.is_over:
                return False
            if way is not None and not self.go_through(step.branches[way]):
                return False
        return True

    def _do(self, step: Step) -> tuple[str, Rendered | None, int | None]:
        """What comes of the step, the email that it sends, and the branch that is taken."""
        match step.type:
            case "wait":
                return self._wait(step.members), None, None
            case "if":
                holds = self._holds(step.members["rule"])
                said = "The rule holds." if holds else "The rule does not hold."
                return said, None, 0 if holds else 1
            case "split":
                full = [number for number, branch in enumerate(step.branches) if branch]
                way = full[0] if full else 0
                said = "the first with steps" if full else "which has no steps"
                return f"Chance decides; this test takes branch {way + 1}, {said}.", None, way
            case "email":
                return *self._email(step.members["template"]), None
            case "destination":
                return self._destination(step.members["destination"]), None, None
            case "log_activity" | "set_field":
                return self._text(step.members.get("value", "")), None, None
        return "", None, None

    def _wait(self, members: Mapping[str, Any]) -> str:
        if "for" in members:
            self.at += duration_of(members["for"])
            return "Skipped."
        if "until" in members:
            zone = members.get("zone", settings.TIME_ZONE)
            if zone == ZONE_OF_CONTACT:
                zone = zones_of([self.contact.pk]).get(self.contact.pk, settings.TIME_ZONE)
            days = members.get("weekdays", ())
            self.at = end_of_wait(self.at, members["until"], days, zone)
            return "Skipped."
        if self._holds(members["rule"]):
            return "The rule holds already."
        if "at_most" in members:
            self.at += duration_of(members["at_most"])
            return "The rule does not hold; the longest time is skipped."
        return "The rule does not hold yet. The test goes on as if it did."

    def _holds(self, rule: object) -> bool:
        tree = parse(rule, of_run=True)
        if not any("since" in leaf.members for leaf in tree.leaves()):
            return bool(contacts_of(tree, [self.contact.pk]))
        entries = {self.contact.pk: Entry(self.entered_at)}
        found = of_entries(tree, entries, now=self.entered_at + timedelta(seconds=1))
        with connection.cursor() as cursor:
            cursor.execute(_HOLDING.format(found.sql), list(found.params))
            return cursor.fetchone() is not None

    def _email(self, name: str) -> tuple[str, Rendered | None]:
        template = Template.objects.filter(code_name__fold=name).first()
        if template is None:
            return f"There is no template “{name}”.", None
        _, events, reason = look_at(template)
        reason = reason or self._obstacle(template)
        email = None
        try:
            links = links_for(f"{uuid4().hex}@localhost", template, False, False)
            email = render(template, self._values(events), links)
        except (Missing, CannotRender) as error:
            reason = reason or error.reason
        if not reason:
            return f"It would be sent to {self.contact.email}.", email
        self.is_over = bool(who_revoked(template, [self.contact.pk]))
        end = " The contact would leave the automation here." if self.is_over else ""
        return f"It would be held back: {reason}{end}", email

    def _obstacle(self, template: Template) -> str:
        """Why the contact may not get the email; asked in the order of what sends it."""
        refused = obstacles(
            [self.contact.pk],
            consent_id=template.consent_id,
            check_cap=not template.is_transactional,
        )
        if refused:
            return refused[self.contact.pk]
        try:
            ascii_address(self.contact.email)
        except BadAddress as error:
            return str(error)
        return ""

    def _destination(self, name: str) -> str:
        destination = find_destination(name)
        if destination is None:
            return f"There is no destination “{name}”."
        if not destination.enabled:
            return "The destination is switched off: it would be told nothing."
        reason = obstacles_to_telling(destination, [self.contact.pk]).get(self.contact.pk)
        if not reason and not meant_by(destination, [self.contact.pk]):
            reason = NOT_MEANT
        if reason:
            return f"It would be told nothing: {reason}"
        if destination.dry:
            return f"“{destination}” is in dry mode: it would be told nothing."
        return f"“{destination}” would be told."

    def _text(self, text: str) -> str:
        try:
            filled = fill(text, self._values(event_names_in(text)))
        except (Missing, CannotRender) as error:
            return f"It would not work: {error.reason}"
        return f"The value would be “{filled}”." if filled else "Without a value."

    def _values(self, names: Collection[str]) -> Values:
        return values_of([self.contact], names, {})[self.contact.pk]
