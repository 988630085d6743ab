"""What a question of the read API asks for: its parameters, checked."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

import msgspec
from rest_framework.request import Request

from activities.times import parse_time
from contacts.guids import parse_guid
from tracking.nested import with_plus_of_offset
from tracking.reading.cursors import read_cursor, write_cursor
from web.problems import Problem

MOST_ON_A_PAGE = 500
_USUAL_ON_A_PAGE = 100
_OF_PAGES = ("limit", "cursor")


class Question(msgspec.Struct, frozen=True):
    """The parameters of a request for a page, of which each is there once and known."""

    path: str
    given: dict[str, str]
    limit: int

    @classmethod
    def read(cls, request: Request, names: Collection[str] = ()) -> Self:
        """What `request` asks for, which may have the parameters `names`, `limit` and `cursor`.

        :raises Problem: 400, if it has others, or one twice, or a limit that is none
        """
        given = {}
        for name, values in request.query_params.lists():
            if name not in (*names, *_OF_PAGES):
                known = ", ".join((*names, *_OF_PAGES))
                detail = f"There is no parameter of this name. There are: {known}."
                raise Problem(400, "unknown_parameter", detail, field=name[:100])
            if len(values) > 1:
                raise bad_parameter(name, f"Send {name} once.")
            if "\0" in values[0] or not values[0]:
                raise bad_parameter(name, f"{name} must be a text that is not empty.")
            given[name] = values[0]
        return cls(request.path, given, _read_limit(given))

    @property
    def scope(self) -> str:
        """What a cursor is valid for: the path and all parameters but those of pages."""
        asked = {name: text for name, text in self.given.items() if name not in _OF_PAGES}
        return msgspec.json.encode([self.path, sorted(asked.items())]).decode()

    def position(self) -> list[Any] | None:
        """Where the page before this one ended; None for the first page.

        :raises Problem: 400, if the cursor is none for this question
        """
        cursor = self.given.get("cursor")
        return read_cursor(self.scope, cursor) if cursor is not None else None

    def cursor_at(self, position: list[Any]) -> str:
        """The cursor of the page that follows `position`."""
        return write_cursor(self.scope, position)

    def guid(self, name: str) -> UUID | None:
        """The GUID in this parameter, or None without one.

        :raises Problem: 400, if it is no GUID
        """
        if name not in self.given:
            return None
        try:
            return parse_guid(self.given[name])
        except ValueError:
            raise bad_parameter(name, f"{name} must be a GUID with hyphens.") from None

    def moment(self, name: str) -> datetime | None:
        """The time in this parameter, or None without one.

        :raises Problem: 400, if it is no time with its offset
        """
        if name not in self.given:
            return None
        try:
            # PostgreSQL does not take every offset that Python does.
            return parse_time(with_plus_of_offset(self.given[name]), zone=None).astimezone(UTC)
        except (ValueError, OverflowError):
            detail = f"{name} must be a time with its offset, such as 2026-08-01T12:00:00Z."
            raise bad_parameter(name, detail) from None


def bad_parameter(name: str, detail: str) -> Problem:
    """What to raise about a parameter that cannot be understood."""
    return Problem(400, "bad_parameter", detail, field=name)


def _read_limit(given: dict[str, str]) -> int:
    text = given.get("limit", str(_USUAL_ON_A_PAGE))
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    limit = int(text) if is_number else 0
    if not 1 <= limit <= MOST_ON_A_PAGE:
        raise bad_parameter("limit", f"limit must be a number from 1 to {MOST_ON_A_PAGE}.")
    return limit
