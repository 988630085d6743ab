"""The table of doors: each wire format says here what the rest of the hub has to know of it.

`settings.DOORS` names one module for each door, which has a `DOOR`. They are imported when the
table is first read, so no room below a door imports it.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from adminsite.permissions import May
    from web.exchanges import Exchange

# A channel: the model is in a room above this one.
Channel = Any

_SLASHES = re.compile(r"/{2,}")
# What stands in a documented path for a segment that may be anything.
_VARIABLE = re.compile(r"\{\w+\}")


def spell_below(root: str, fixed: Collection[int], path: str) -> str:
    """`path`, which is below `root` in whatever letter case, as the table of a door has it.

    :param fixed: which of its further segments are words of the door; the others are values
    """
    segments = with_single_slashes(path).split("/")[root.count("/") + 1 :]
    for index in fixed:
        if index < len(segments):
            segments[index] = segments[index].lower()
    return "/".join([root, *segments])


def with_single_slashes(path: str) -> str:
    """`path` as it is meant: a base URL that ends with a slash makes two of one."""
    return _SLASHES.sub("/", path) if "//" in path else path


@dataclass(frozen=True, kw_only=True)
class AccessType:
    """What API keys of a door open: keys have `value`, people read `label`.

    `place` is the path that they open; in braces, it may have a field such as {channel.guid}.
    `example` makes lines for a terminal from the address of the hub, a key and its channel.
    """

    value: str
    label: str
    place: str
    example: Callable[[str, str, Channel], str] | None = None
    example_note: str = ""


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Code to copy that reports an activity; `title` says in which language, and for whom it is."""

    title: str
    code: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What a door answered to a test, and the id under which the hub keeps what came of it."""

    sent: str
    status: int
    answer: str
    request_id: UUID
    contact_guid: str

    @property
    def is_refused(self) -> bool:
        """Whether the answer says by its status that nothing was taken."""
        return self.status >= 400


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A key that senders show, and that can be replaced by a new one.

    `field` leads to it from the channel, with dots if a model of the door has it.
    """

    slug: str
    name: str
    field: str
    parameter: str
    rotate: Callable[[Channel], None]
    stops: str
    stays: str

    def read(self, channel: Channel) -> str:
        """The key that `channel` has now."""
        return attrgetter(self.field)(channel)


@dataclass(frozen=True, kw_only=True)
class Switch:
    """What is on or off on a channel; `field` leads to it as that of a `Secret` does."""

    slug: str
    name: str
    field: str
    turn: Callable[..., None]
    when_on: str
    when_off: str

    def is_on(self, channel: Channel) -> bool:
        """Whether it is on for `channel`."""
        return attrgetter(self.field)(channel)

    def explain(self, channel: Channel) -> str:
        """What it means for `channel` that this is on or off."""
        return self.when_on if self.is_on(channel) else self.when_off


@dataclass(frozen=True, kw_only=True)
class Card:
    """What “Settings, Tracking” says about a door for each channel.

    `addresses` are paths, with what they take. `identifier` leads to what senders name the channel
    by. `example` makes a line for a terminal from the address of the hub, the identifier, the
    secret and the email of a contact. `pages` are lists of the admin for this format alone: their
    titles, addresses, and which users may see each.
    """

    addresses: Sequence[tuple[str, str]]
    identifier: str
    identifier_name: str
    secret: Secret
    switch: Switch
    example: Callable[[str, str, str, str], str]
    example_note: str
    pages: Sequence[tuple[str, str, "May"]] = ()

    def read_identifier(self, channel: Channel) -> str:
        """What senders name `channel` by."""
        return attrgetter(self.identifier)(channel)


def _nobody(request: HttpRequest) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Door:
    """One wire format, as the rest of the hub knows it. A door leaves out what it does not have."""

    # What the code, the inspector and activity types call it, for good; and what people call it.
    name: str
    title: str
    # Its other names, each with what people call it, such as that of an API beside its events.
    other_titles: Mapping[str, str] = field(default_factory=dict)
    # Its modules of URLs.
    urls: Sequence[str] = ()
    # Where it answers, in lower case; everything below these paths belongs to it as well.
    paths: Sequence[str] = ()
    # Gives a path, which has no slash at its end, the documented spelling. Several slashes are one.
    spell: Callable[[str], str] = with_single_slashes
    # What is answered in the event loop, such as requests that record, by method and documented
    # path: with threads for what needs the ORM. In a path, {name} stands for any one segment.
    exchanges: Mapping[tuple[str, str], "type[Exchange]"] = field(default_factory=dict)
    # Whether the page that sends this request, or asks whether it may, can read the answer.
    may_read: Callable[[HttpRequest], bool] = _nobody
    # Which of its paths any web page may read, and from which of these browsers send cookies.
    open_paths: Sequence[str] = ()
    cookie_paths: Sequence[str] = ()
    # What its API keys open.
    access_types: Sequence[AccessType] = ()
    # What people call the activity type that a new event name becomes. Without it, none is made.
    name_type: Callable[[str], str] | None = None
    # Reads what the inspector has kept of a request of it, for a replay: see
    # `activities.reading_again`.
    read_again: Callable[..., Sequence[Any]] | None = None
    # Code that reports an activity: from the address of the hub, a channel and the code name of a
    # type. Nothing if the format does not report from this channel, or not this type.
    lines: Callable[[str, Channel, str], Sequence[Lines]] | None = None
    # Sends an activity of this type through the door, marked as a test, as an application would:
    # from the host of the hub, a channel, the code name, and the GUID of a contact, or "".
    send_test: Callable[[str, Channel, str, str], Tested] | None = None
    card: Card | None = None


def all_doors() -> Sequence[Door]:
    """Every door, in the order of the table."""
    return _load(tuple(settings.DOORS))


def door_at(path: str) -> Door | None:
    """The door that answers at `path`, in any letter case, or None."""
    path = with_single_slashes(f"{path.lower()}/")
    for place, door in _places(tuple(settings.DOORS)):
        if path.startswith(place):
            return door
    return None


def exchange_at(method: str, path: str) -> "type[Exchange] | None":
    """How the event loop answers requests for `path`; None leaves them to Django."""
    exchanges = _exchanges(tuple(settings.DOORS))
    if exchange := exchanges.get((method, path)):
        return exchange
    door = door_at(path)
    if door is None:
        return None
    path = door.spell(path.rstrip("/"))
    return exchanges.get((method, path)) or _exchange_like(method, path)


def is_open(path: str) -> bool:
    """Whether any web page may read what is answered at `path`."""
    door = door_at(path)
    return door is not None and _is_below(door.spell(path.rstrip("/")), door.open_paths)


def takes_cookies(path: str) -> bool:
    """Whether browsers send the cookies of the hub from other websites to `path`."""
    door = door_at(path)
    return door is not None and _is_below(door.spell(path.rstrip("/")), door.cookie_paths)


def door_named(name: str) -> Door | None:
    """The door with this name, or None; its other names are none of the door as a whole."""
    return next((door for door in all_doors() if door.name == name), None)


def title_of(name: str) -> str:
    """What people call the door, or the part of one, with this name."""
    for door in all_doors():
        if name == door.name:
            return door.title
        if name in door.other_titles:
            return door.other_titles[name]
    return name


def access_type(value: str) -> AccessType | None:
    """What keys with this access type open, or None if no door has it any more."""
    return next((access for access in access_types() if access.value == value), None)


def access_types() -> list[AccessType]:
    """What API keys may open."""
    return [access for door in all_doors() for access in door.access_types]


def access_choices() -> list[tuple[str, str]]:
    """The access types of API keys, as models and forms offer them."""
    return [(access.value, access.label) for access in access_types()]


def default_access() -> str:
    """The access type of a key for which none was chosen: that of the first door with keys."""
    return access_types()[0].value


def lines_for(hub: str, channel: Channel, type_code_name: str) -> list[Lines]:
    """Code that reports activities of this type from `channel`, in the order of the doors."""
    return [
        lines
        for door in all_doors()
        if door.lines
        for lines in door.lines(hub, channel, type_code_name)
    ]


def door_with_test() -> Door | None:
    """The first door that can send a test."""
    return next((door for door in all_doors() if door.send_test), None)


def naming_choices() -> list[tuple[str, str]]:
    """The doors whose event names become activity types, as models offer them."""
    return [(door.name, door.title) for door in all_doors() if door.name_type]


# The table of a process stays as it is; tests have others.
@lru_cache(maxsize=10)
def _load(modules: tuple[str, ...]) -> tuple[Door, ...]:
    return tuple(import_module(module).DOOR for module in modules)


@lru_cache(maxsize=10)
def _exchanges(modules: tuple[str, ...]) -> dict[tuple[str, str], "type[Exchange]"]:
    return {key: value for door in _load(modules) for key, value in door.exchanges.items()}


@lru_cache(maxsize=10)
def _patterns(modules: tuple[str, ...]) -> "list[tuple[str, re.Pattern[str], type[Exchange]]]":
    return [
        (method, re.compile("[^/]+".join(map(re.escape, _VARIABLE.split(path)))), exchange)
        for (method, path), exchange in _exchanges(modules).items()
        if _VARIABLE.search(path)
    ]


def _exchange_like(method: str, path: str) -> "type[Exchange] | None":
    for of_method, pattern, exchange in _patterns(tuple(settings.DOORS)):
        if of_method == method and pattern.fullmatch(path):
            return exchange
    return None


@lru_cache(maxsize=10)
def _places(modules: tuple[str, ...]) -> tuple[tuple[str, Door], ...]:
    return tuple((f"{path}/", door) for door in _load(modules) for path in door.paths)


def _is_below(path: str, places: Sequence[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)
