"""The fields of a message as users have drawn them, in the place of the usual body.

A mapping is a list of `{to, from}` and `{to, value}`: `to` is a path with dots into the body,
`from` one into the message. With `flatten`, what is inside of an object stands beside it, as
`price_amount`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contacts.models import Contact
from contacts.profile import FIELDS
from destinations.flattening import flatten
from destinations.messages import Message
from destinations.signing import id_of
from destinations.texts import UNSTORABLE, is_storable

if TYPE_CHECKING:
    from destinations.models import Destination

MOST_FIELDS = 100
LONGEST_PATH = 200
_DEEPEST = 10
_MEMBERS = ("to", "from", "value", "flatten")

# Whatever any kind of message says, by the names in `Message.data`, and what users call it.
_DATA = {
    "id": "Number of the activity",
    "type": "Activity type",
    "name": "Name of what it is about",
    "title": "Title of the activity",
    "value": "Value of the activity",
    "url": "Page of the activity",
    "referrer": "Page before",
    "properties": "Properties of the activity",
    "channel": "Channel",
    "tracked_site": "Tracked site",
    "recorded_at": "When the activity was recorded",
    "group": "Group",
    "cause": "Why the contact entered or left the group",
    "consent": "Consent",
    "agreed": "Whether the contact agrees to the consent",
    "language": "Language of the consent",
    "version": "Version of the consent",
    "source": "What changed the contact",
    "before": "Changed fields as they were before",
    "after": "Changed fields as they are now",
    "automation": "Automation",
    "run": "Run of the automation",
    "activity": "Activity that started the automation",
}
_TOP = {
    "id": "Message ID",
    "type": "What it tells",
    "timestamp": "Time",
    "contact": "Contact, all fields",
    "data": "Everything that is told",
}

_MISSING = object()


class InvalidMapping(ValueError):
    """A mapping that cannot be; `path` is where, such as `[2].from`."""

    def __init__(self, path: str, detail: str):
        super().__init__(f"{path}: {detail}" if path else detail)
        self.path, self.detail = path, detail


@dataclass(frozen=True)
class Source:
    """What a field can be filled from.

    :ivar path: what `from` says
    :ivar title: what users read
    :ivar is_open: whether paths may go on below it, such as to one property
    """

    path: str
    title: str
    is_open: bool = False


def sources(destination: "Destination") -> list[Source]:
    """What fields of this destination can be filled from: nothing that may not go out to it."""
    found = [Source(path, title) for path, title in _TOP.items()]
    found.append(Source("contact.guid", "GUID of the contact"))
    for name in _fields_of(destination):
        found.append(Source(f"contact.{name}", _titles()[name]))
    return found + [Source(f"data.{name}", title, True) for name, title in _DATA.items()]


def read_mapping(value: object) -> list[dict[str, Any]]:
    """A mapping in its normal form.

    :raises InvalidMapping: with the first mistake
    """
    if not isinstance(value, list | tuple):
        raise InvalidMapping("", "A mapping is a list of fields, each with `to` and `from`.")
    if not value:
        raise InvalidMapping("", "A mapping has at least one field. Without one, say null.")
    if len(value) > MOST_FIELDS:
        raise InvalidMapping("", f"A mapping has at most {MOST_FIELDS} fields.")
    fields = [_read_field(one, f"[{number}]") for number, one in enumerate(value)]
    _check_places([one["to"] for one in fields])
    return fields


def check_sources(mapping: Sequence[Mapping[str, Any]], destination: "Destination") -> None:
    """Refuse fields that could never be filled, as far as that can be known.

    Which properties an activity has is known when there is one: what it lacks is left out.

    :raises InvalidMapping: with the first of them
    """
    known = sources(destination)
    paths = {source.path for source in known}
    for number, field in enumerate(mapping):
        source = field.get("from")
        if source is None or source in paths:
            continue
        if not any(source.startswith(f"{one.path}.") for one in known if one.is_open):
            raise InvalidMapping(f"[{number}].from", _unknown(source, destination))


def apply_mapping(mapping: Sequence[Mapping[str, Any]], message: Message) -> dict[str, Any]:
    """The body that a mapping makes of a message. What the message does not have is left out."""
    whole = {"id": id_of(message.message_id), **message.as_json()}
    body: dict[str, Any] = {}
    for field in mapping:
        value = field["value"] if "value" in field else _find(whole, field["from"])
        if value is _MISSING:
            continue
        if field.get("flatten") and isinstance(value, Mapping | list):
            for name, inner in flatten({field["to"].rpartition(".")[2]: value}).items():
                _put(body, [*field["to"].split(".")[:-1], name], inner)
        else:
            _put(body, field["to"].split("."), value)
    return body


def _read_field(field: object, path: str) -> dict[str, Any]:
    if not isinstance(field, Mapping):
        raise InvalidMapping(path, "A field is an object with `to`, and `from` or `value`.")
    for name in field:
        if name not in _MEMBERS:
            if not is_storable(str(name)):
                raise InvalidMapping(path, UNSTORABLE)
            known = ", ".join(_MEMBERS)
            raise InvalidMapping(path, f"“{name}” is not known here. Known: {known}.")
    read: dict[str, Any] = {"to": _read_path(field.get("to"), f"{path}.to")}
    if ("from" in field) == ("value" in field):
        raise InvalidMapping(path, "A field is filled by `from` or by `value`: say one of them.")
    if "value" in field:
        read["value"] = _read_value(field["value"], f"{path}.value")
    else:
        read["from"] = _read_path(field["from"], f"{path}.from")
    is_flat = field.get("flatten", False)
    if not isinstance(is_flat, bool):
        raise InvalidMapping(f"{path}.flatten", "This has to be true or false.")
    return read | ({"flatten": True} if is_flat else {})


def _read_path(path: object, place: str) -> str:
    if not isinstance(path, str) or not path.strip():
        raise InvalidMapping(place, "This has to be text: names with dots between them.")
    if not is_storable(path):
        raise InvalidMapping(place, UNSTORABLE)
    path = path.strip()
    if len(path) > LONGEST_PATH or path.count(".") >= _DEEPEST:
        raise InvalidMapping(
            place, f"This has at most {LONGEST_PATH} characters and {_DEEPEST} names."
        )
    if any(not name.strip() for name in path.split(".")):
        raise InvalidMapping(place, f"“{path}” has an empty name between its dots.")
    return path


def _read_value(value: object, place: str) -> object:
    if isinstance(value, str):
        if not is_storable(value):
            raise InvalidMapping(place, UNSTORABLE)
        if len(value) > 1_000:
            raise InvalidMapping(place, "A text has at most 1,000 characters.")
    elif value is not None and not isinstance(value, bool | int | float):
        raise InvalidMapping(place, "This has to be text, a number, true, false or null.")
    elif isinstance(value, float) and value - value != 0:
        raise InvalidMapping(place, "This has to be a number that JSON can have.")
    return value


def _check_places(places: Sequence[str]) -> None:
    """Refuse two fields of one place, and a field inside of another."""
    numbers: dict[str, int] = {}
    for number, place in enumerate(places):
        if place in numbers:
            raise InvalidMapping(f"[{number}].to", f"Another field fills “{place}” already.")
        numbers[place] = number
    for place, number in numbers.items():
        for outer in _above(place):
            if outer in numbers:
                raise InvalidMapping(
                    f"[{number}].to", f"“{place}” is inside of “{outer}”, which is filled already."
                )


def _above(place: str) -> Iterator[str]:
    names = place.split(".")
    return (".".join(names[:count]) for count in range(1, len(names)))


def _titles() -> dict[str, str]:
    """What users call the fields of contacts."""
    titles = {one.name: str(one.verbose_name) for one in Contact._meta.fields}
    return {name: titles[name][:1].upper() + titles[name][1:] for name in FIELDS}


def _fields_of(destination: "Destination") -> list[str]:
    chosen = FIELDS if destination.fields is None else destination.fields
    has_email = destination.email != type(destination).Email.NONE
    return [name for name in FIELDS if (has_email if name == "email" else name in chosen)]


def _unknown(source: str, destination: "Destination") -> str:
    top, _, name = source.partition(".")
    if top == "contact" and name in FIELDS:
        how = "“email”" if name == "email" else "“fields”"
        return f"“{name}” does not go out to this destination. Change {how}, or leave it out here."
    if top == "contact":
        return f"Contacts have no “{name}”. They have: guid, {', '.join(_fields_of(destination))}."
    if top == "data":
        return f"No message has “{name}”. Messages have: {', '.join(_DATA)}."
    return f"A message has no “{source}”. It has: {', '.join(_TOP)}."


def _find(value: Any, path: str) -> Any:
    """What stands at `path`. A name may have dots itself, as those of properties do."""
    if isinstance(value, Mapping):
        if path in value:
            return value[path]
        names = path.split(".")
        for count in range(len(names) - 1, 0, -1):
            first = ".".join(names[:count])
            if first in value:
                found = _find(value[first], ".".join(names[count:]))
                if found is not _MISSING:
                    return found
    elif isinstance(value, list):
        first, _, rest = path.partition(".")
        if first.isascii() and first.isdigit() and len(first) < 5 and int(first) < len(value):
            inside = value[int(first)]
            return _find(inside, rest) if rest else inside
    return _MISSING


def _put(body: dict[str, Any], names: Sequence[str], value: Any) -> None:
    for name in names[:-1]:
        inner = body.setdefault(name, {})
        if not isinstance(inner, dict):  # what was flattened came to the same name
            return
        body = inner
    body.setdefault(names[-1], value)
