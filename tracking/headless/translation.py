"""The headless wire format: from JSON, in any spelling of its names, to drafts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from uuid import UUID, uuid5

import msgspec

from activities.drafts import Draft, is_data_input
from activities.problems import InvalidActivity
from activities.recording import Outcome
from contacts.guids import parse_guid
from web.bodies import (
    SHORT,
    UNDECODABLE,
    compact,
    decode_json,
    decode_members,
    explain,
    items_of,
)
from web.problems import Problem

_SMALLEST_ACTIVITY = len('{"type":"a"}')
_MEMBERS = {
    *("type", "value", "url", "referrer", "contactfields", "properties", "id", "timestamp"),
    "testcode",
}
_LONGEST_TEST_CODE = 100
_LONGEST_IDEMPOTENCY_KEY = 255
# Makes the ids of activities that have none, of the key of their request.
_IDS_OF_KEYS = UUID("b4e0a6c7-5f5b-4c0c-9c59-0d9f8f6f3a52")


class ActivitiesRequest(msgspec.Struct):
    """What a request with activities says."""

    channel_guid: UUID
    contact_guid: UUID
    drafts: Iterator[Draft]


def read_request(body: bytes) -> ActivitiesRequest:
    """What the body of a request with activities says.

    :raises Problem: 400, if it cannot be understood
    """
    members = read_members(body)
    return ActivitiesRequest(
        read_guid(members, "channel"), read_guid(members, "contact"), read_activities(members)
    )


def read_idempotency_key(headers: Mapping[str, str]) -> str:
    """The key by which a client marks a request that it may repeat, or "".

    :raises Problem: 400, if it is too long
    """
    key = headers.get("idempotency-key", "")
    if len(key) > _LONGEST_IDEMPOTENCY_KEY or "\0" in key:
        raise Problem(
            400,
            "bad_idempotency_key",
            f"Idempotency-Key may have at most {_LONGEST_IDEMPOTENCY_KEY} characters.",
            field="Idempotency-Key",
        )
    return key


def with_ids(drafts: Iterable[Draft], api_key_id: int, idempotency_key: str) -> Iterator[Draft]:
    """`drafts`, of which those without an id get one that is the same when the request is repeated.

    So what comes again counts once, as with ids that clients choose.
    """
    for position, draft in enumerate(drafts):
        if draft.client_id is None:
            name = f"{api_key_id} {position} {idempotency_key}"
            draft.client_id = uuid5(_IDS_OF_KEYS, name)
        yield draft


def encode_outcomes(outcomes: Sequence[Outcome]) -> bytes:
    """The answer: what became of each activity, in their order."""
    # One object for each outcome, however often it is there.
    made: dict[int, dict] = {}
    for outcome in outcomes:
        if id(outcome) not in made:
            made[id(outcome)] = _result(outcome.problem)
    return msgspec.json.encode({"results": [made[id(outcome)] for outcome in outcomes]})


def _result(problem: InvalidActivity | None) -> dict:
    if problem is None:
        return {"status": 202}
    error = {"code": problem.code, "detail": problem.detail}
    if problem.field:
        error["field"] = problem.field
    return {"status": 403 if problem.code in ("consent", "erased") else 400, "error": error}


def read_members(body: bytes) -> dict[str, msgspec.Raw]:
    """The members of the JSON object in `body`, by their names in lower case.

    :raises Problem: 400, if it is no JSON object
    """
    try:
        members = decode_members(body, apart="activities")
    except UNDECODABLE as error:
        raise Problem(
            400, "malformed_json", f"The body must be a JSON object: {explain(error)}."
        ) from None
    return {name.lower(): value for name, value in members.items()}


def read_guid(members: dict[str, msgspec.Raw], name: str) -> UUID:
    """The GUID in the member `name`.

    :raises Problem: 400, if it is missing or no GUID
    """
    try:
        return parse_guid(_read(members, name))
    except ValueError:
        raise Problem(400, "bad_guid", f"{name} must be a GUID with hyphens.", field=name) from None


def read_agree(members: dict[str, msgspec.Raw]) -> bool:
    """The answer in the member `agree`.

    :raises Problem: 400, if it is missing or neither true nor false
    """
    agree = _read(members, "agree")
    if not isinstance(agree, bool):
        raise Problem(400, "wrong_type", "agree must be true or false.", field="agree")
    return agree


def read_language(members: dict[str, msgspec.Raw]) -> str:
    """The optional member `languageName`: whose text the person was shown."""
    given = _read(members, "languagename", required=False)
    if not isinstance(given, str | None):
        raise Problem(400, "wrong_type", "languageName must be a string.", field="languageName")
    return given or ""


def read_activities(members: dict[str, msgspec.Raw]) -> Iterator[Draft]:
    """The activities of a request as drafts, each with its own part of the body as payload.

    :raises Problem: 400, if there is no array of them
    """
    if "activities" not in members:
        raise _missing("activities")
    array = members["activities"]
    try:
        if len(memoryview(array)) <= SHORT:
            items = iter(msgspec.json.decode(array, type=list[msgspec.Raw]))
            return (_draft(bytes(item), decode_json) for item in items)
        # What has more items than objects would have room for would only cost memory.
        count = sum(1 for _ in items_of(array))
    except msgspec.DecodeError:
        raise _no_array("activities must be an array.") from None
    if count > len(memoryview(array)) / _SMALLEST_ACTIVITY:
        raise _no_array("activities must be an array of objects.")
    return (_draft(item, _read_sparingly) for item in items_of(array))


def _no_array(detail: str) -> Problem:
    return Problem(400, "wrong_type", detail, field="activities")


def _read_sparingly(payload: bytes) -> object:
    """The activity in `payload`, with its properties as text: objects take many times as much."""
    if not payload.startswith(b"{"):
        return None
    return {
        name: msgspec.Raw(compact(value))
        if name.lower() == "properties"
        else decode_json(bytes(value))
        for name, value in decode_members(payload, apart="properties").items()
        if name.lower() in _MEMBERS
    }


def read_activity(payload: bytes) -> Draft:
    """The activity that this part of a body describes, as a draft."""
    return _draft(payload, decode_json)


def _draft(payload: bytes, read: Callable[[bytes], object]) -> Draft:
    try:
        item = read(payload)
    except UNDECODABLE as error:
        return Draft(
            problem=InvalidActivity(
                "malformed_json", "", f"The activity cannot be read: {explain(error)}."
            ),
            payload=payload,
        )
    if not isinstance(item, dict):
        return Draft(
            problem=InvalidActivity("wrong_type", "", "The activity must be an object."),
            payload=payload,
        )
    members = {name.lower(): value for name, value in item.items()}
    return Draft(
        type=members.get("type"),
        value=members.get("value"),
        url=members.get("url"),
        referrer=members.get("referrer"),
        contact_fields=members.get("contactfields") if is_data_input(members.get("type")) else None,
        properties=members.get("properties"),
        client_id=members.get("id"),
        occurred_at=members.get("timestamp"),
        payload=payload,
        test_code=_read_test_code(members.get("testcode")),
    )


def _read_test_code(given: object) -> str:
    """The mark of a test. What is no text marks nothing: it refuses no activity."""
    return given[:_LONGEST_TEST_CODE].replace("\0", " ") if isinstance(given, str) else ""


def _read(members: dict[str, msgspec.Raw], name: str, *, required: bool = True) -> object:
    if name not in members:
        if required:
            raise _missing(name)
        return None
    try:
        return decode_json(bytes(members[name]))
    except UNDECODABLE as error:
        raise Problem(400, "malformed_json", f"{name}: {explain(error)}.", field=name) from None


def _missing(name: str) -> Problem:
    return Problem(400, "missing_member", f"The body has no member {name}.", field=name)
