"""Messages as events with a name and properties, which is how analytics systems have them."""

from typing import Any

from destinations.messages import Message

# What is no activity, which has the code name of its type.
_NAMES = {
    "group.entered": "Group Entered",
    "group.left": "Group Left",
    "consent": "Consent Answered",
    "contact": "Contact Changed",
    "automation": "Automation Step Reached",
    "test": "Test",
}
# Of an activity's members, those that tell something beside its properties.
_MEMBERS = ("title", "value", "url", "referrer", "channel", "tracked_site")


def is_activity(message: Message) -> bool:
    """Whether an activity is told, or the example of one that a test has."""
    return message.type in ("activity", "test") and "properties" in message.data


def name_of(message: Message) -> str:
    """The name of the event: of an activity the code name of its type, `Group Entered` and such."""
    if message.type == "activity":
        return str(message.data.get("type") or "activity")
    return _NAMES.get(message.type, message.type)


def properties_of(message: Message) -> dict[str, Any]:
    """What is told of the event: properties of an activity first, its members where none has their
    name.
    """
    if not is_activity(message):
        return {name: value for name, value in message.data.items() if _says(value)}
    members = {name: message.data.get(name) for name in _MEMBERS}
    own = message.data.get("properties") or {}
    return {name: value for name, value in {**members, **own}.items() if _says(value)}


def fields_of(message: Message) -> dict[str, Any]:
    """The fields of the contact that say something, the GUID and the email aside."""
    return {
        name: value
        for name, value in message.contact.items()
        if name not in ("guid", "email") and _says(value)
    }


def _says(value: Any) -> bool:
    return value is not None and value != ""
