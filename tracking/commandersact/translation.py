"""The Commanders Act wire format: from every shape that events have had, to one, and to drafts.

Version 2 has the properties of the event at the root, beside `user` and `context`. Version 1 had
them in `properties`, the user among them, and what is now in the context at the root; version 0
called the name of the event `event`. Browsers that send version 2 have `eventId` and `created` in
the context.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec

from activities.contact_fields import check_contact_fields
from activities.drafts import MAX_TEXT, Draft, is_credible
from activities.event_names import code_name_for
from activities.problems import InvalidActivity
from activities.times import parse_time
from contacts.codes import as_code
from contacts.identifying import Identity
from contacts.junk import is_junk
from contacts.places import country_code
from contacts.profile import may_have_state
from tracking.commandersact.titles import amount_of, as_text, subject_of
from tracking.nested import read_nested, with_plus
from web.bodies import (
    SHORT,
    UNDECODABLE,
    decode_json,
    decode_members,
    explain,
    fold,
    items_of,
    unfold,
)
from web.problems import Problem

# The format's limits: of a request with one event, or of one event in a batch; and of a batch.
MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
# Parameters of a query that are none of the event.
SITE_ID = "tc_s"
SOURCE_KEYS = ("token", "tc_skey")
DO_NOT_TRACK = "tc_do_not_track"
_OF_THE_REQUEST = (SITE_ID, *SOURCE_KEYS, DO_NOT_TRACK, "tc_firsttime")
_LONGEST_TEST_CODE = 100
_SMALLEST_EVENT = len('{"event":"a"}')
# Events of a batch are in an array in an object.
_LEVEL_OF_ITEMS = 3
# What version 1 had at the root and version 2 has in the context; the names of browsers below.
_CONTEXT = ("event_id", "event_timestamp", "page", "device", "app", "test_code")
_BROWSER_CONTEXT = ("eventId", "created", "generatorVersion", "containerVersion", "version")
_CODES = ("ContactZIP", "ContactMobilePhone", "ContactBusinessPhone")
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_SECONDS = re.compile(r"-?[0-9]{1,15}(\.[0-9]*)?")
# Makes UUIDs of event ids that are none.
_EVENT_IDS = UUID("6f1c9a52-2f0b-4a54-9f0e-3d5f5a1f7c11")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = "event_timestamp"

Remarks = tuple[InvalidActivity, ...]


class Event(msgspec.Struct, kw_only=True):
    """One event in the shape of version 2, or the `problem` for which it is refused.

    All its values are texts if it came in a query: `texts_only`.
    """

    name: object = None
    properties: dict[str, Any] = {}
    user: dict[str, Any] = {}
    context: dict[str, Any] = {}
    payload: bytes = b""
    texts_only: bool = False
    problem: InvalidActivity | None = None

    @property
    def test_code(self) -> str:
        """The mark by which its sender wants to find it, or ""."""
        # PostgreSQL takes no text with NUL in it.
        return as_code(self.context.get("test_code"))[:_LONGEST_TEST_CODE].replace("\0", " ")

    @property
    def consent_categories(self) -> set[str] | None:
        """The categories that the user agreed to, or None if the event says nothing of them."""
        given = self.user.get("consent_categories")
        if isinstance(given, str):
            given = given.split(",")
        if not isinstance(given, list):
            return None
        return {as_code(category) for category in given}


def read_event(payload: bytes) -> Event:
    """The event in the body of a request.

    :raises Problem: 400, if the body is no JSON
    """
    try:
        members = decode_json(payload)
    except (RecursionError, msgspec.ValidationError) as error:  # JSON, but beyond us
        return _undecodable(payload, error)
    except UNDECODABLE as error:
        raise _malformed(error) from None
    return make_event(members, payload)


def read_batch(body: bytes) -> Iterator[Event]:
    """The events in the body of a batch, in order, each with its own part of it as payload.

    They are read one by one: all at once may take many times the size of the body.

    :raises Problem: 400, if the body is no JSON
    """
    try:
        return map(_read_item, _split(body))
    except (KeyError, msgspec.ValidationError):
        event = read_event(body)
        detail = "The body must be an object whose member batch is an array of events."
        event.problem = InvalidActivity("no_batch", "batch", detail)
        return iter([event])
    except UNDECODABLE as error:
        raise _malformed(error) from None


def read_query(query: str, payload: bytes) -> Event:
    """The event that the query of a picture describes."""
    event = make_event(read_pixel(read_nested(query), _OF_THE_REQUEST), payload)
    event.texts_only = True
    return event


def make_event(members: object, payload: bytes) -> Event:
    """The event that these members describe, in whatever version of the format."""
    if not isinstance(members, dict):
        detail = "An event must be an object."
        return Event(problem=InvalidActivity("no_event", "", detail), payload=payload)
    properties = dict(members)
    context = _take_object(properties, "context")
    is_old = "context" not in members and isinstance(members.get("properties"), dict)
    if is_old:
        properties |= properties.pop("properties")
    user = _take_object(properties, "user")
    name = properties.pop("event_name", None) or properties.pop("event", None)
    moving = (*_CONTEXT, *_BROWSER_CONTEXT) if is_old else ("event_id", "event_timestamp")
    for member in (*moving, "test_code"):
        if member in properties:
            context.setdefault(member, properties.pop(member))
    event = Event(name=name, properties=properties, user=user, context=context, payload=payload)
    event.name = name = name.strip() if isinstance(name, str) else name
    if not isinstance(name, str) or not name:
        detail = "event_name must be the name of the event."
        event.problem = InvalidActivity("missing_event_name", "event_name", detail)
    return event


def read_identity(event: Event, *, site_id: str, cookie: str) -> Identity:
    """What `event` says about who did it; `cookie` is the CAID of its browser, or ""."""
    user = event.user
    anonymous_ids = (as_code(user.get("consistent_anonymous_id")), cookie)
    email = as_text(user.get("email"))
    return Identity(
        site_id=site_id,
        anonymous_ids=tuple(value for value in anonymous_ids if value),
        user_id=as_code(user.get("id")) or as_code(user.get("ID")),
        email=email if _is_email(email) else "",
        email_sha256=_hash(user.get("email_sha256"), 64),
        email_md5=_hash(user.get("email_md5"), 32),
    )


def make_draft(event: Event, mapping: Mapping[str, str], received_at: datetime) -> Draft:
    """The draft of `event`; `mapping` says which contact fields its user properties belong to.

    What is wrong with a user property or a time is a remark: the event counts all the same.
    """
    contact_fields, rest, remarks = _read_contact_fields(event, mapping)
    occurred_at, time_remarks = read_time(event, received_at)
    moved = {name: value for name, value in event.user.items() if name not in rest}
    properties = event.properties
    extra = {"user": rest, "context": event.context}
    return Draft(
        type=code_name_for(event.name) if isinstance(event.name, str) else event.name,
        value=subject_of(properties)[:MAX_TEXT],
        amount=amount_of(properties),
        url=_first_text(
            _page(event).get("url"), _page(event).get("location"), properties.get("url")
        ),
        referrer=_first_text(_page(event).get("referrer"), properties.get("referrer")),
        contact_fields=contact_fields,
        properties=properties | {name: value for name, value in extra.items() if value},
        frame=tuple(extra),
        moved={"user": moved} if moved else {},
        texts_only=event.texts_only,
        client_id=_client_id(event.context),
        occurred_at=occurred_at,
        payload=event.payload,
        test_code=event.test_code,
        remarks=(*remarks, *time_remarks),
        problem=event.problem,
    )


def read_time(event: Event, received_at: datetime) -> tuple[object, Remarks]:
    """When `event` happened, as a draft has it, and what is wrong with that."""
    name = "event_timestamp" if "event_timestamp" in event.context else "created"
    return _read_time(event.context.get(name), received_at)


def _split(body: bytes) -> Iterator[bytes]:
    """The items of the batch in `body`, each as it came."""
    parts: list[bytes] = []
    try:
        members = decode_members(body, apart="batch")
    except RecursionError:  # one that is too deep costs no other one
        body, parts = fold(body, level=_LEVEL_OF_ITEMS)
        members = decode_members(body, apart="batch")
    if len(body) > SHORT:
        # What has more items than events would have room for is something else.
        if sum(1 for _ in items_of(members["batch"])) > len(body) / _SMALLEST_EVENT:
            raise msgspec.ValidationError("The batch holds something else than events.")
        return (unfold(item, parts) for item in items_of(members["batch"]))
    items = msgspec.json.decode(members["batch"], type=list[msgspec.Raw])
    return (unfold(bytes(item), parts) for item in items)


def _read_item(payload: bytes) -> Event:
    if len(payload) > MAX_EVENT_BYTES:
        detail = f"The event has {len(payload):,} bytes; {MAX_EVENT_BYTES:,} are the most."
        return Event(problem=InvalidActivity("oversize_event", "", detail), payload=payload)
    try:
        return make_event(decode_json(payload), payload)
    except UNDECODABLE as error:
        return _undecodable(payload, error)


def _undecodable(payload: bytes, error: Exception) -> Event:
    detail = f"The event cannot be understood: {explain(error)}."
    return Event(problem=InvalidActivity("undecodable_event", "", detail), payload=payload)


def _malformed(error: Exception) -> Problem:
    return Problem(400, "malformed_json", f"The body must be JSON: {explain(error)}.")


def _take_object(members: dict[str, Any], name: str) -> dict[str, Any]:
    """The object of this name, taken out of `members`; what is none stays there."""
    return dict(members.pop(name)) if isinstance(members.get(name), dict) else {}


def _page(event: Event) -> dict[str, Any]:
    page = event.context.get("page")
    return page if isinstance(page, dict) else {}


def _first_text(*values: object) -> str | None:
    return next((value for value in values if isinstance(value, str) and value), None)


def _hash(value: object, length: int) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if len(text) == length and _HASH.fullmatch(text) else ""


def _is_email(text: str) -> bool:
    try:
        return bool(check_contact_fields({"ContactEmail": text}))
    except InvalidActivity:
        return False


def _read_contact_fields(
    event: Event, mapping: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Any], Remarks]:
    """The contact fields in the user of `event`, what is left of it, and what is wrong with it."""
    fields: dict[str, str] = {}
    user, rest = event.user, dict(event.user)
    remarks = []
    for name, wire_name in mapping.items():
        if name not in user:
            continue
        text = as_code(user[name]) if wire_name in _CODES else as_text(user[name])
        if wire_name == "ContactEmail" and event.texts_only:
            text = with_plus(text)
        if wire_name == "ContactCountry":
            text = country_code(text) or text
        try:
            if not text and user[name] not in (None, ""):
                raise InvalidActivity("wrong_type", "", f"{wire_name} must be a text.")
            checked = check_contact_fields({wire_name: text})
        except InvalidActivity as problem:
            # Most countries have states that are none of the USA's: they stay with the activity.
            if wire_name != "ContactState":
                detail = f"user.{name} was left out. {problem.detail}"
                remarks.append(InvalidActivity("bad_user_property", f"user.{name}", detail))
            continue
        if checked:
            fields[wire_name] = text
            del rest[name]
    if "ContactState" in fields and not may_have_state(fields.get("ContactCountry", "")):
        del fields["ContactState"]
        rest |= {name: user[name] for name, to in mapping.items() if to == "ContactState"}
    return fields, rest, tuple(remarks)


def _read_time(given: object, received_at: datetime) -> tuple[object, Remarks]:
    """When it happened, as a draft has it, and what is wrong with that.

    Milliseconds since 1970, as a number or a text, or ISO 8601.
    """
    if given is None:
        return None, ()
    try:
        time = _parse_time(given)
    except (TypeError, ValueError, OverflowError):
        detail = "event_timestamp must be milliseconds since 1970, or ISO 8601."
        return None, (InvalidActivity("bad_timestamp", _TIME, detail),)
    if is_credible(time, received_at):
        return time, ()
    detail = f"event_timestamp says {time:%d %b %Y}: the time of receipt counts."
    return time, (InvalidActivity("improbable_timestamp", _TIME, detail),)


def _parse_time(given: object) -> datetime:
    text = as_text(given)
    if re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]*)?", text):
        return _EPOCH + timedelta(milliseconds=float(text))
    return parse_time(text)


def _client_id(context: dict[str, Any]) -> UUID | None:
    given = as_code(context.get("event_id")) or as_code(context.get("eventId"))
    if is_junk(given):
        return None
    try:
        return UUID(given)
    except ValueError:
        return uuid5(_EVENT_IDS, given)


def read_pixel(fields: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The members of the event that a pixel's query describes, without the parameters `names`.

    `ts_override` is its time in seconds since 1970.
    """
    members = {name: value for name, value in fields.items() if name not in names}
    for place in (members, members.get("properties")):
        user = place.get("user") if isinstance(place, dict) else None
        if isinstance(user, dict) and isinstance(user.get("email"), str):
            user["email"] = with_plus(user["email"])
    seconds = members.pop("ts_override", None)
    if isinstance(seconds, str) and seconds:
        is_number = _SECONDS.fullmatch(seconds)
        members["event_timestamp"] = str(round(float(seconds) * 1000)) if is_number else seconds
    return members
