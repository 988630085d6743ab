"""What clients of the ActiveCampaign-format API send: bodies, pages, ids and times."""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils import timezone

from activities.times import parse_time
from contacts.codes import as_code
from tracking.nested import with_plus_of_offset
from web.bodies import UNDECODABLE, decode_json, explain
from web.problems import Problem

_DEFAULT_LIMIT, _MAX_LIMIT = 20, 100
_NUMBER = re.compile(r"[0-9]{1,19}")
_LARGEST = 2**63 - 1
_Row = TypeVar("_Row", bound=Model)


class Page(NamedTuple):
    """Which rows of a list are asked for."""

    limit: int
    offset: int

    def of(self, rows: QuerySet[_Row]) -> list[_Row]:
        """These rows of all `rows`."""
        return list(rows[self.offset : self.offset + self.limit])


def read_page(query: QueryDict) -> Page:
    """The page that `limit` and `offset` name; what is no number there counts as absent."""
    limit, offset = read_id(query.get("limit", "")), read_id(query.get("offset", ""))
    # PostgreSQL counts no further than to the largest id.
    return Page(min(limit or _DEFAULT_LIMIT, _MAX_LIMIT), min(offset or 0, _LARGEST - _MAX_LIMIT))


def read_id(text: str) -> int | None:
    """`text` as the id of a row, or None if it cannot be one."""
    if not _NUMBER.fullmatch(text) or int(text) > _LARGEST:
        return None
    return int(text)


def read_object(body: bytes, name: str) -> dict[str, Any]:
    """The object that is the member `name` of `body`.

    :raises Problem: 400, if there is none
    """
    try:
        given = decode_json(body)
    except UNDECODABLE as error:
        raise Problem(400, "malformed_json", f"The body is no JSON: {explain(error)}.") from None
    wrapped = given.get(name) if isinstance(given, dict) else None
    if not isinstance(wrapped, dict):
        detail = f'The body must be an object with an object in it: {{"{name}": {{…}}}}.'
        raise Problem(400, "missing_object", detail, field=name)
    return wrapped


def read_text(given: dict[str, Any], name: str) -> str | None:
    """The text that is the member `name`, without spaces at its ends; None if absent or null.

    :raises Problem: 422, if it is no text
    """
    value = given.get(name)
    if not isinstance(value, str | None):
        raise Problem(422, "field_invalid", f"{name} must be a string.", field=name)
    return value if value is None else value.strip()


def read_code(given: dict[str, Any], name: str) -> str | None:
    """The member `name` if it stands for something and counts nothing, such as a phone.

    It may be a number, and lose the `.0` that it got on its way. None if absent or null.

    :raises Problem: 422, if it is neither a text nor a number
    """
    code = as_code(given.get(name))
    return code or read_text(given, name)


def read_time(query: QueryDict, name: str) -> datetime | None:
    """The time that the parameter `name` has, or None without one.

    :raises Problem: 400, if it is no time
    """
    text = query.get(name)
    if not text:
        return None
    try:
        zone = timezone.get_current_timezone()
        return parse_time(with_plus_of_offset(text), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        detail = f"{name} must be a time of ISO 8601, such as 2026-05-04T10:30:00+02:00."
        raise Problem(400, "bad_parameter", detail, field=name) from None


def read_direction(query: QueryDict, name: str) -> str | None:
    """Which way `orders[name]` sorts: "" or "-" to put before a field, None without it.

    :raises Problem: 400, if it is neither ASC nor DESC
    """
    text = query.get(f"orders[{name}]", "")
    try:
        return {"": None, "ASC": "", "DESC": "-"}[text.upper()]
    except KeyError:
        detail = f"orders[{name}] must be ASC or DESC."
        raise Problem(400, "bad_parameter", detail, field=f"orders[{name}]") from None
