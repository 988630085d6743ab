"""Finding the places in a text, before Liquid sees it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape

from automations.emails.errors import CannotRender

TAGS = (
    *("if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase"),
    *("for", "endfor", "break", "continue", "assign", "capture", "endcapture"),
)
# Liquid's own search for the end of a place takes a time that grows with its square.
_LONGEST_PLACE = 500
_OPENING = re.compile(r"\{\{|\{%|%[ \t]*event[ \t]*:", re.IGNORECASE)
_EVENT = re.compile(r"%[ \t]*event[ \t]*:([^%{}\r\n]{1,300})%", re.IGNORECASE)
_TAG = re.compile(r"\{%-?\s*([A-Za-z_]\w*)")
_CLOSING = {"{{": "}}", "{%": "%}"}


@dataclass(frozen=True)
class Place:
    """A place in a text, from `start` to `end`, and what Liquid has there."""

    start: int
    end: int
    liquid: str


def find_places(text: str, *, in_html: bool = False) -> list[Place]:
    """The places in `text`, in order.

    :param in_html: whether characters in places may be written as HTML has them, such as &gt;
    :raises CannotRender: if one does not end, or is a tag that texts may not use
    """
    found, at = [], 0
    while opening := _OPENING.search(text, at):
        place = _place_at(text, opening.start(), unescape if in_html else str)
        if place is not None:
            found.append(place)
        at = place.end if place else opening.end()
    return found


def with_places(text: str, replaced: Callable[[Place], str], *, in_html: bool = False) -> str:
    """`text` with something else in its places.

    :raises CannotRender: as `find_places`
    """
    parts, at = [], 0
    for place in find_places(text, in_html=in_html):
        parts += [text[at : place.start], replaced(place)]
        at = place.end
    return "".join([*parts, text[at:]])


def line_of(text: str, position: int) -> str:
    """Where `position` is, for a message: nothing in a text of one line."""
    return f"Line {text.count(chr(10), 0, position) + 1}: " if "\n" in text.strip() else ""


def _place_at(text: str, start: int, read: Callable[[str], str]) -> Place | None:
    closing = _CLOSING.get(text[start : start + 2])
    if closing is None:
        event = _EVENT.match(text, start)
        # A percent sign before the word “event” is a text like any other.
        return Place(start, event.end(), f"{{{{ {_called(event[1], read)} }}}}") if event else None
    end = text.find(closing, start + 2, start + _LONGEST_PLACE)
    if end < 0:
        raise CannotRender(
            f"{line_of(text, start)}“{text[start : start + 20]}” has no “{closing}” behind it."
        )
    whole = text[start : end + 2]
    tag = _TAG.match(whole)
    if closing == "%}" and (tag is None or tag[1] not in TAGS):
        raise CannotRender(
            f"{line_of(text, start)}“{whole[:40]}” is no tag that texts can use. Tags: "
            f"{', '.join(TAGS)}."
        )
    inner = _EVENT.sub(lambda event: _called(event[1], str), read(whole[2:-2]))
    return Place(start, end + 2, whole[:2] + inner + whole[-2:])


def _called(name: str, read: Callable[[str], str]) -> str:
    """The event's data as an expression of Liquid."""
    name = " ".join(read(name).split())
    if not name:
        raise CannotRender("%EVENT: …% needs the name of an event.")
    quote = "'" if '"' in name else '"'
    if quote in name:
        raise CannotRender(f"The name of the event {name} has quotation marks of both kinds.")
    return f"event[{quote}{name}{quote}]"
