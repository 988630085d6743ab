"""Python code, as the table of doors has it: it records without a wire format."""

from typing import Any

import msgspec

from activities.drafts import Draft
from activities.reading_again import Again, CannotReplay, asks_of, guid_of, payload_of
from activities.rejections import RejectedActivity
from web.doors import Door


def _read_again(line: RejectedActivity, *, is_dry: bool) -> list[Again]:
    """The activity of a line, as `log_custom_activity` was called.

    :raises CannotReplay: if it cannot be read again
    """
    try:
        given = msgspec.json.decode(payload_of(line), type=dict[str, Any])
        draft = Draft(**given, payload=payload_of(line))
    except (msgspec.DecodeError, TypeError):
        raise CannotReplay("What was kept is no activity.") from None
    return [Again(draft=draft, contact_guid=guid_of(line), asks=asks_of(line))]


DOOR = Door(name="python", title="Python", read_again=_read_again)
