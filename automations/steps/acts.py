"""Steps that do something: send an email, log an activity, change the contact, tell, end."""

from collections.abc import Mapping
from typing import Any

from automations.steps.base import StepKind, register
from automations.steps.waiting import read_duration
from contacts.profile import FIELDS
from groups.conditions.members import Members
from groups.conditions.wording import quoted
from groups.trees import InvalidRule

# What to do with a step that comes much later than planned, after an outage.
LATE = ("do", "skip", "ask")
_LONGEST_VALUE = 10_000


def read_late(members: Members) -> dict[str, Any]:
    """`late` as a part of the normal form: `after` which time to `do`, `skip` or `ask`.

    :raises InvalidRule: if it is wrong
    """
    if not members.has("late"):
        return {}
    late = Members(members.required("late"), members.path_of("late"), what="a rule for late steps")
    read = {"after": read_duration(late, "after"), "then": late.choice("then", LATE, default="do")}
    late.done()
    return {"late": read} if read["then"] != "do" else {}


class SendEmail(StepKind):
    """Sends an email of a `template`."""

    type = "email"
    title = "Send email"

    def read(self, members: Members) -> dict[str, Any]:
        return {"template": members.text("template", most=200), **read_late(members)}

    def phrase(self, members: Mapping[str, Any]) -> str:
        return f"Send {quoted(members['template'])}"


class LogActivity(StepKind):
    """Logs a custom `activity` of the contact, with a `value` that may have places."""

    type = "log_activity"
    title = "Log activity"

    def read(self, members: Members) -> dict[str, Any]:
        read = {"activity": members.text("activity", most=250)}
        if members.has("value"):
            read["value"] = members.text("value", most=_LONGEST_VALUE)
        return read | read_late(members)

    def phrase(self, members: Mapping[str, Any]) -> str:
        return f"Log {quoted(members['activity'])}"


class SetField(StepKind):
    """Sets a `field` of the contact to a `value`, which may have places; "" empties it."""

    type = "set_field"
    title = "Set field"

    def read(self, members: Members) -> dict[str, Any]:
        field = members.choice("field", [name for name in FIELDS if name != "email"])
        value = members.required("value")
        if not isinstance(value, str) or len(value) > _LONGEST_VALUE or "\0" in value:
            raise InvalidRule(members.path_of("value"), "Must be a text.")
        return {"field": field, "value": value, **read_late(members)}

    def phrase(self, members: Mapping[str, Any]) -> str:
        return f"Set {members['field'].replace('_', ' ')} to {quoted(members['value'])}"


class ChangeGroup(StepKind):
    """Adds the contact to a static group (`add`), or takes it out (`remove`)."""

    type = "group"
    title = "Add to group"

    def read(self, members: Members) -> dict[str, Any]:
        given = [name for name in ("add", "remove") if members.has(name)]
        if len(given) != 1:
            raise InvalidRule(members.path_of("add"), "Give a group to add to, or to remove from.")
        return {given[0]: members.text(given[0], most=200), **read_late(members)}

    def phrase(self, members: Mapping[str, Any]) -> str:
        if "add" in members:
            return f"Add to {quoted(members['add'])}"
        return f"Remove from {quoted(members['remove'])}"


class TellDestination(StepKind):
    """Tells a `destination` that the contact came to this step."""

    type = "destination"
    title = "Send to destination"

    def read(self, members: Members) -> dict[str, Any]:
        return {"destination": members.text("destination", most=200), **read_late(members)}

    def phrase(self, members: Mapping[str, Any]) -> str:
        return f"Send to {quoted(members['destination'])}"


class Stop(StepKind):
    """Ends the run."""

    type = "stop"
    title = "Stop"

    def read(self, members: Members) -> dict[str, Any]:
        return {}

    def phrase(self, members: Mapping[str, Any]) -> str:
        return "Stop"


for _kind in (
    *(SendEmail(), LogActivity(), SetField(), ChangeGroup()),
    *(TellDestination(), Stop()),
):
    register(_kind)
