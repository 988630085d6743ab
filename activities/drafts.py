"""What a door wants recorded, and the rules that one activity must keep."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from activities.contact_fields import check_contact_fields
from activities.models import ActivityType, SystemType
from activities.problems import InvalidActivity, printable
from activities.specification import apply_rules
from activities.times import parse_time
from contacts.guids import parse_guid
from database.letter_case import fold
from web.bodies import depth_of

# Longest text that a client may send as value, title or label, in characters.
MAX_TEXT = 250
# How deep properties may be nested.
MAX_DEPTH = 50
_EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
_LATEST_AHEAD = timedelta(days=1)
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_VERBS: dict[str, str] = {
    SystemType.PAGE_VISIT: "Page visit",
    SystemType.LANDING_PAGE: "Landing page",
    SystemType.CLICK: "Clicked",
    SystemType.DATA_INPUT: "Data input",
}


class Draft(msgspec.Struct, kw_only=True):
    """One activity as a door understood it, not yet checked: any member may be of any type.

    `contact_fields` are for activities of any type: a door leaves out what its format ignores.
    `amount`, such as `89.90 EUR`, ends the title that the hub makes.
    `frame` names the properties that every message of the door's format has, and that therefore
    need no rule. `moved` are properties, or members of an object among them, that are stored as
    something else, such as contact fields: rules see them, and they are not stored twice. If the
    format knows `texts_only`, numbers are texts, too.
    `payload` is what the client sent for it, as it came; the inspector keeps it if it is refused,
    or if the door has `remarks` to make about it. Of long ones, `properties` are JSON that the door
    has checked, in a Raw. `test_code` marks a test there. `problem` is set
    when the door could not even read it. `context` is what the door needs beside the payload to
    read it again.
    """

    type: object = None
    value: object = None
    title: object = None
    amount: str = ""
    url: object = None
    referrer: object = None
    contact_fields: object = None
    properties: object = None
    frame: tuple[str, ...] = ()
    moved: dict[str, Any] = {}
    texts_only: bool = False
    client_id: object = None
    occurred_at: object = None
    payload: bytes = b""
    test_code: str = ""
    remarks: tuple[InvalidActivity, ...] = ()
    problem: InvalidActivity | None = None
    context: Mapping[str, Any] = {}


class CheckedActivity(msgspec.Struct, kw_only=True):
    """One activity that can be written as it is; `properties` is JSON.

    `remarks` say what was wrong with it all the same.
    """

    type: ActivityType
    title: str
    value: str
    url: str
    referrer: str
    properties: bytes | None
    contact_fields: dict[str, str]
    client_id: UUID | None
    occurred_at: datetime
    remarks: tuple[InvalidActivity, ...] = ()


def check_draft(
    draft: Draft, types: Mapping[str, ActivityType | InvalidActivity], received_at: datetime
) -> CheckedActivity:
    """The activity that `draft` asks for.

    `types` has the known types by lower-case code name, or why a name cannot become one.

    :raises InvalidActivity: with the first rule that the draft breaks
    """
    if draft.problem:
        raise draft.problem
    activity_type = _check_type(draft.type, types)
    value = _check_text("value", draft.value, MAX_TEXT)
    title = _check_text("title", draft.title, MAX_TEXT)
    url = _check_text("url", draft.url)
    kind = activity_type.code_name
    if not value and kind in (SystemType.CLICK, SystemType.DATA_INPUT):
        raise InvalidActivity("missing_value", "value", f"A {kind} activity needs a value.")
    if not url and kind in (SystemType.PAGE_VISIT, SystemType.LANDING_PAGE):
        raise InvalidActivity("missing_url", "url", f"A {kind} activity needs a url.")
    contact_fields = {}
    if draft.contact_fields is not None:
        contact_fields = check_contact_fields(draft.contact_fields)
    occurred_at = _check_time(draft.occurred_at, received_at)
    added = {}
    if draft.occurred_at is not None and occurred_at is received_at:
        added["original_timestamp"] = str(draft.occurred_at)
    properties, remarks = apply_rules(
        activity_type,
        _encode_properties(draft.properties, added),
        frame={*draft.frame, *added},
        moved=draft.moved,
        texts_only=draft.texts_only,
    )
    return CheckedActivity(
        type=activity_type,
        title=title or make_title(activity_type, value, draft.amount),
        value=value,
        url=url,
        referrer=_check_text("referrer", draft.referrer),
        properties=None if properties == b"{}" else properties,
        contact_fields=contact_fields,
        client_id=_check_client_id(draft.client_id),
        occurred_at=occurred_at,
        remarks=(*draft.remarks, *remarks),
    )


def is_data_input(type_: object) -> bool:
    """Whether a client that gives this type sends a data input."""
    return isinstance(type_, str) and fold(type_) == SystemType.DATA_INPUT


def make_title(activity_type: ActivityType, value: str, amount: str = "") -> str:
    """The title of an activity that came without one, such as `Page visit 'Home'`."""
    words = _VERBS.get(activity_type.code_name, activity_type.name)
    return " ".join(filter(None, (words, f"'{value}'" if value else "", amount)))


def _check_type(given: object, types: Mapping[str, ActivityType | InvalidActivity]) -> ActivityType:
    if not isinstance(given, str) or not given:
        raise InvalidActivity(
            "missing_type", "type", "type must be the code name of an activity type."
        )
    activity_type = types.get(fold(given))
    if isinstance(activity_type, InvalidActivity):
        raise activity_type
    if activity_type is None:
        raise InvalidActivity(
            "unknown_type", "type", f"There is no activity type “{printable(given)}”."
        )
    if not activity_type.enabled:
        raise InvalidActivity(
            "disabled_type", "type", f"The activity type “{printable(given)}” is disabled."
        )
    return activity_type


def _check_text(name: str, given: object, max_length: int | None = None) -> str:
    if given is None:
        return ""
    if not isinstance(given, str):
        raise InvalidActivity("wrong_type", name, f"{name} must be a string.")
    if max_length is not None and len(given) > max_length:
        raise InvalidActivity("too_long", name, f"{name} may have at most {max_length} characters.")
    if not is_storable(given):
        raise InvalidActivity("bad_text", name, f"{name} contains a NUL or half a character.")
    return given


def is_credible(time: datetime, received_at: datetime) -> bool:
    """Whether something that was received then can have happened at `time`."""
    return _EARLIEST <= time <= received_at + _LATEST_AHEAD


def is_storable(text: str) -> bool:
    """Whether PostgreSQL takes `text`: no NUL, and no half of a surrogate pair."""
    try:
        return "\0" not in text and (text.isascii() or bool(text.encode()))
    except UnicodeEncodeError:
        return False


def _encode_properties(given: object, added: dict[str, str]) -> bytes:
    try:
        encoded = _encode_object(given, added)
        # Few have as many brackets as that, so few have to be looked through.
        brackets = encoded.count(b"{") + encoded.count(b"[")
        if brackets > MAX_DEPTH and depth_of(encoded) > MAX_DEPTH:
            raise RecursionError
    except RecursionError:
        raise InvalidActivity(
            "too_deep", "properties", f"properties may be nested {MAX_DEPTH} levels deep at most."
        ) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidActivity("wrong_type", "properties", f"properties: {error}") from None
    if b"u0000" in encoded and _ESCAPED_NUL.search(encoded):
        raise InvalidActivity("bad_text", "properties", "properties contain a NUL character.")
    return encoded


def _encode_object(given: object, added: dict[str, str]) -> bytes:
    if isinstance(given, msgspec.Raw):
        # A door has read it, and written it again.
        text = bytes(given)
        if text.startswith(b"{"):
            more = msgspec.json.encode(added)[1:] if added else b"}"
            return text[:-1] + b"," * (text != b"{}" and bool(added)) + more
        given = None if text == b"null" else text
    if not isinstance(given, dict | None):
        raise InvalidActivity("wrong_type", "properties", "properties must be an object.")
    return msgspec.json.encode({**(given or {}), **added})


def _check_client_id(given: object) -> UUID | None:
    if given is None or isinstance(given, UUID):
        return given
    try:
        client_id = parse_guid(given)
        if not client_id.int:
            raise ValueError
    except ValueError:
        raise InvalidActivity(
            "bad_id", "id", "id must be a UUID with hyphens, and not all zeros."
        ) from None
    return client_id


def _check_time(given: object, received_at: datetime) -> datetime:
    """When it happened; the very `received_at` if `given` is absent or cannot be true."""
    if given is None:
        return received_at
    try:
        if isinstance(given, str) and is_storable(given):
            given = parse_time(given)
        if not isinstance(given, datetime):
            raise TypeError
        time = given if given.tzinfo else given.replace(tzinfo=UTC)
        credible = is_credible(time, received_at)
    except (TypeError, ValueError, OverflowError):
        raise InvalidActivity(
            "bad_timestamp", "timestamp", "timestamp must be ISO 8601, as 2026-05-04T10:30:00Z."
        ) from None
    # In UTC, because PostgreSQL does not take every offset that there may be.
    return time.astimezone(UTC) if credible else received_at
