"""Email templates and automations in files."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from activities.models import ActivityType
from automations import steps as flow
from automations import triggers
from automations.emails.blocks import InvalidTemplate, read_blocks
from automations.emails.rendering import Compiled
from automations.emails.saving import save_template
from automations.models import Automation, Template
from automations.naming import Naming, named_by_steps, named_by_trigger
from automations.saving import save_automation, without_keys
from automations.steps import InvalidAutomation
from consents.models import Consent
from exchange.kinds import Kind
from exchange.members import Column, Reference
from exchange.problems import InvalidMember


def _below(name: str, error: InvalidAutomation | InvalidTemplate) -> InvalidMember:
    """The same error, of the member `name` in which it stands."""
    return InvalidMember(error.detail, error.path.removeprefix(name).removeprefix("."))


def _references(name: str, named: Iterator[Naming]) -> Iterator[Reference]:
    for one in named:
        # An activity type may be one that an event has yet to bring.
        if one.model is not ActivityType:
            path = one.path.removeprefix(name).removeprefix(".")
            yield Reference(one.model, one.code_name, path)


class Blocks(Column):
    """The blocks of a template, in their normal form."""

    def check(self, value: object) -> list[dict[str, Any]]:
        try:
            return read_blocks(value)
        except InvalidTemplate as error:
            raise _below(self.name, error) from error

    def references(self, value: list[dict[str, Any]]) -> Iterator[Reference]:
        # Those that contacts confirm by a link.
        for code_name in sorted(Compiled(Template(blocks=value)).consents):
            yield Reference(Consent, code_name)


class Trigger(Column):
    """The trigger of an automation, in its normal form."""

    def check(self, value: object) -> dict[str, Any]:
        try:
            return triggers.to_json(triggers.read_trigger(value))
        except InvalidAutomation as error:
            raise _below(self.name, error) from error

    def references(self, value: dict[str, Any]) -> Iterator[Reference]:
        return _references(self.name, named_by_trigger(value))

    def dump(self, row: Automation) -> dict[str, Any]:
        return _in_order(self, row)


class Steps(Column):
    """The steps of an automation, in their normal form and without keys.

    The hub knows a step by its place among the others.
    """

    def check(self, value: object) -> list[dict[str, Any]]:
        try:
            steps = flow.read_steps(value)
        except InvalidAutomation as error:
            raise _below(self.name, error) from error
        if without_keys(value) != value:
            raise InvalidMember("Steps have no `key` in files. Leave it out.")
        return flow.to_json(steps, with_keys=False)

    def references(self, value: Sequence[dict[str, Any]]) -> Iterator[Reference]:
        return _references(self.name, named_by_steps(value))

    def get(self, row: Automation) -> list[dict[str, Any]]:
        return without_keys(row.steps)

    def dump(self, row: Automation) -> dict[str, Any]:
        return _in_order(self, row)


def _in_order(column: Column, row: Automation) -> dict[str, Any]:
    """What a file says of the column, with the members in the order in which people read them."""
    try:
        return {column.name: column.check(column.get(row))}
    except InvalidMember:  # it has a step or a condition that the hub has no more
        return {column.name: column.get(row)}


def _save_automation(automation: Automation, changed: Collection[str]) -> None:
    try:
        save_automation(automation)
    except InvalidAutomation as error:
        name = "trigger" if error.path.startswith("trigger") else "steps"
        raise ValidationError({name: error.detail}) from error


def _save_template(template: Template, changed: Collection[str]) -> None:
    save_template(template)


TEMPLATE = Kind(name="template", model=Template, special={"blocks": Blocks}, save=_save_template)
AUTOMATION = Kind(
    name="automation",
    model=Automation,
    special={"trigger": Trigger, "steps": Steps},
    save=_save_automation,
)
