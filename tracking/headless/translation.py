"""The headless wire format: from JSON, in any spelling of its names, to drafts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID, uuid5

import msgspec

from activities.drafts import Draft, is_data_input
from activities.problems import InvalidActivity
from activities.recording import Outcome
from contacts.guids import parse_guid
from web.bodies import UNDECODABLE, decode_json, decode_members, explain
from web.problems import Problem

_SMALLEST_ACTIVITY = len('{"type":"a"}')
_FEW = 1_000
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
    return {"status": 403 if problem.code == "consent" else 400, "error": error}


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
        items = msgspec.json.decode(array, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        raise Problem(
            400, "wrong_type", "activities must be an array.", field="activities"
        ) from None
    # What has more items than objects would have room for would only cost memory.
    if len(items) > _FEW and len(items) > len(memoryview(array)) / _SMALLEST_ACTIVITY:
        raise Problem(
            400, "wrong_type", "activities must be an array of objects.", field="activities"
        )
    return map(_draft, items)


def _draft(item_as_sent: msgspec.Raw) -> Draft:
    payload = bytes(item_as_sent)
    try:
        item = decode_json(payload)
    except UNDECODABLE as error:
        return Draft(
            problem=InvalidActivity(
                "malformed_json", "", f"The activity is no JSON: {explain(error)}."
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
    )


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
