"""Examples for the form: what each kind of message would tell, with names as the hub has them."""

from dataclasses import replace
from typing import Any

from activities.models import Activity, ActivityType, PropertyRule
from database.letter_case import fold
from destinations.examples import example_message
from destinations.messages import Message
from destinations.models import Delivery, Destination

# Of an activity type so many properties are shown.
_MOST_PROPERTIES = 30
_CHANGED = ("city", "job_title", "company_name")
_VALUES: dict[str, Any] = {"string": "text", "number": 19.9, "boolean": True, "object": {}}

# What an example may tell, in the order in which a destination is asked what it wants.
KINDS = (
    Delivery.Kind.ACTIVITY,
    Delivery.Kind.ENTERED,
    Delivery.Kind.CONSENT,
    Delivery.Kind.CONTACT,
)


def example_of(destination: Destination, kind: str = Delivery.Kind.ACTIVITY) -> Message:
    """A message of this kind as the destination would get it, in three queries at most.

    An activity is of the first type that the destination gets, with the properties that the event
    specification or its latest activity has; their values are made up.
    """
    message = example_message(destination, kind=kind)
    return replace(message, data=_DATA[Delivery.Kind(kind)](message, destination))


def _activity(message: Message, destination: Destination) -> dict[str, Any]:
    code_name = next(iter(destination.activities), "purchase")
    found = ActivityType.objects.with_code_name(code_name).first()
    name = found.name if found else code_name
    told = {"type": found.code_name if found else code_name, "name": name, "title": name}
    properties = _properties(found, destination) or message.data["properties"]
    return {**message.data, **told, "properties": properties}


def _properties(found: ActivityType | None, destination: Destination) -> dict[str, Any]:
    """The properties that activities of a type have, with values that are made up."""
    if found is None:
        return {}
    rules = list(PropertyRule.objects.filter(activity_type=found).order_by("name"))
    latest = Activity.objects.filter(type=found).order_by("-occurred_at", "-id")
    seen = latest.values_list("properties", flat=True).first() or {}
    properties: dict[str, Any] = {
        name: _made_up(value) for name, value in list(seen.items())[:_MOST_PROPERTIES]
    }
    for rule in rules[:_MOST_PROPERTIES]:
        _put(properties, rule.path, _of_rule(rule))
    if destination.email != Destination.Email.PLAIN:
        personal = {fold(rule.path[0]) for rule in rules if rule.is_personal}
        properties = {
            name: value for name, value in properties.items() if fold(name) not in personal
        }
    return properties


def _put(properties: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *outer, last = path
    for name in outer:
        inner = properties.setdefault(name, {})
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            inner = inner[0]
        if not isinstance(inner, dict):
            return
        properties = inner
    properties.setdefault(last, value)


def _of_rule(rule: PropertyRule) -> Any:
    value = _VALUES[rule.kind]
    value = dict(value) if isinstance(value, dict) else value
    return value if rule.structure == PropertyRule.Structure.SINGLE else [value]


def _made_up(value: Any) -> Any:
    """A value of the same shape that tells nothing of the contact whose activity it was."""
    if isinstance(value, dict):
        return {name: _made_up(one) for name, one in list(value.items())[:_MOST_PROPERTIES]}
    if isinstance(value, list):
        return [_made_up(one) for one in value[:1]]
    if isinstance(value, bool) or value is None:
        return value
    return _VALUES["string" if isinstance(value, str) else "number"]


def _entry(message: Message, destination: Destination) -> dict[str, Any]:
    group = next(iter(destination.groups), "newsletter")
    return {"group": group, "name": group.capitalize(), "cause": "rule"}


def _consent(message: Message, destination: Destination) -> dict[str, Any]:
    consent = next(iter(destination.consents), "NewsletterConsent")
    return {
        "consent": consent,
        "name": consent,
        "agreed": True,
        "language": "en",
        "version": 1,
        "channel": "main-site",
        "tracked_site": None,
    }


def _change(message: Message, destination: Destination) -> dict[str, Any]:
    told = message.contact
    name = next((one for one in (*_CHANGED, *told) if one in told and one != "guid"), "")
    after = {name: told[name]} if name else {}
    return {"source": "input", "before": dict.fromkeys(after, ""), "after": after}


_DATA = {
    Delivery.Kind.ACTIVITY: _activity,
    Delivery.Kind.ENTERED: _entry,
    Delivery.Kind.CONSENT: _consent,
    Delivery.Kind.CONTACT: _change,
}
