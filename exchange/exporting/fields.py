"""Columns of exports: what each is called, and how it is read of a row."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

_BETWEEN_CELLS = re.compile(r"<(?:br|/div|/p|/tr|/th|/td|/li)\b[^>]*>", re.IGNORECASE)


class Kind(TextChoices):
    """What values a column has; files with types have one type for each."""

    TEXT = "text"
    WHOLE = "whole", "Whole number"
    NUMBER = "number"
    BOOLEAN = "boolean", "Yes or no"
    TIME = "time"
    DATE = "date"
    JSON = "json", "JSON"
    ANY = "any", "Any value of JSON"


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column that a user may choose.

    :ivar name: what it is called where names of fields are asked for
    :ivar title: the same in words
    :ivar read: its value in a row
    :ivar is_proposed: whether it is in the file unless the user chooses otherwise
    :ivar label: what the page on which columns are chosen calls it; "" if that is the title
    """

    name: str
    title: str
    read: Callable[[Any], object]
    kind: Kind = Kind.TEXT
    is_proposed: bool = True
    label: str = ""

    def value(self, row: Any) -> object:
        """What JSON has for the value in `row`; None if it has none."""
        return as_json(self.read(row), self.kind)


def as_json(value: object, kind: Kind) -> object:
    """A value as JSON has it, of the type that `kind` says, times in UTC; None if it is none."""
    if value is None or value == "":
        return None
    if kind in (Kind.JSON, Kind.ANY):
        return value
    if isinstance(value, datetime):
        at = value.astimezone(UTC).replace(tzinfo=None)
        return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if kind in (Kind.WHOLE, Kind.NUMBER, Kind.BOOLEAN):
        return float(value) if isinstance(value, Decimal) else value
    return as_text(value)


def as_text(value: object) -> str:
    """A value in words; what pages mark up, without its marks."""
    if isinstance(value, SafeString):
        apart = _BETWEEN_CELLS.sub(" ", value)
        return " ".join(html.unescape(strip_tags(apart)).split())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode(errors="replace").replace("\0", "\ufffd")
    if isinstance(value, dict | list):
        return compact(value)
    return str(value)


def compact(value: object) -> str:
    """A value as a line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
