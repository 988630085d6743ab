"""The bodies of the tracker's commands: long ones are read with little memory."""

from itertools import islice
from typing import Any

import msgspec

from web.bodies import SHORT, decode_json, decode_members, items_of

# The most activities that a page sends in one request, when it is being left.
MOST_ACTIVITIES = 100
_MEMBERS = {"type", "value", "title", "url", "referrer", "contactFields", "id"}


def read_command(body: bytes) -> dict[str, Any]:
    """The members of the JSON object in `body`, by their names in lower case.

    Of a long body, activities have only what the hub knows, and those beyond one too many are left
    out.

    :raises msgspec.DecodeError, UnicodeDecodeError, RecursionError: see `web.bodies`
    """
    if len(body) <= SHORT:
        members = decode_json(body, dict[str, Any])
    else:
        members = {
            name: _read_activities(value)
            if name.lower() == "activities"
            else decode_json(bytes(value))
            for name, value in decode_members(body).items()
        }
    return {name.lower(): value for name, value in members.items()}


def _read_activities(value: msgspec.Raw) -> list[object]:
    items = islice(items_of(value), MOST_ACTIVITIES + 1)
    return [_read_activity(item) for item in items]


def _read_activity(item: bytes) -> object:
    if not item.startswith(b"{"):
        return decode_json(item)
    return {
        name: decode_json(bytes(value))
        for name, value in decode_members(item).items()
        if name in _MEMBERS
    }
