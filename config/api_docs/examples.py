"""Example values for what the OpenAPI document describes; `{channel}` and such are filled in."""

from collections.abc import Mapping
from typing import Any

_GUID = "0b5b5f0e-52a0-4d58-9f43-5f3b1d2d4c11"
_TIME = "2026-08-01T09:30:00Z"
# By the name of a parameter or member. In braces: what the reader of the page has entered.
_BY_NAME: Mapping[str, Any] = {
    "channel": "{channel}",
    "contact": "{contact}",
    "contact_guid": "{contact}",
    "actid": "{actid}",
    "key": "{event_key}",
    "site_id": "{site_id}",
    "tc_s": "{site_id}",
    "token": "{source_key}",
    "source_id": "{channel}",
    "consent_name": "TrackingConsent",
    "code_name": "newsletter",
    "languageName": "en",
    "email": "ada@example.com",
    "e": "ada@example.com",
    "u": "https://www.example.com/",
    "url": "https://www.example.com/",
    "type": "pagevisit",
    "value": "Home",
    "event": "brochure_opened",
    "event_name": "page_view",
    "visit": '{"email": "ada@example.com"}',
    "name": "brochure_opened",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "Idempotency-Key": "",
    "timestamp": _TIME,
}
_BY_FORMAT = {"uuid": _GUID, "date-time": _TIME, "email": "ada@example.com"}
_DEEPEST = 6


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any], name: str = "") -> Any:
    """A value that fits `schema`: of an object what is required, or all if nothing is."""
    return _example(schema, components, name, 0)


def _example(schema: Mapping[str, Any], components: Mapping[str, Any], name: str, deep: int) -> Any:
    schema = resolved(schema, components)
    if "example" in schema:
        return schema["example"]
    kind = _kind_of(schema)
    if deep > _DEEPEST:
        return None
    if kind == "object":
        return _object(schema, components, deep)
    if kind == "array":
        return [_example(schema.get("items", {}), components, name, deep + 1)]
    if name in _BY_NAME:
        return _BY_NAME[name]
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    plain = {"integer": 1, "number": 1, "boolean": True, "null": None}
    return plain.get(kind, _BY_FORMAT.get(schema.get("format", ""), ""))


def _object(schema: Mapping[str, Any], components: Mapping[str, Any], deep: int) -> dict[str, Any]:
    members = schema.get("properties", {})
    # `value` and `url` are required of some types only, and an example without them is none.
    wanted = set(schema.get("required", members)) | ({"value", "url"} & set(members))
    return {
        member: _example(inner, components, member, deep + 1)
        for member, inner in members.items()
        if member in wanted
    }


def with_places(example: Any) -> Any:
    """An example of the document, with what the reader enters in the place of identifiers."""
    if isinstance(example, list):
        return [with_places(one) for one in example]
    if not isinstance(example, dict):
        return example
    return {
        name: _BY_NAME[name] if _is_place(name) else with_places(value)
        for name, value in example.items()
    }


def _is_place(name: str) -> bool:
    place = _BY_NAME.get(name)
    return (
        isinstance(place, str)
        and place.startswith("{")
        and place.endswith("}")
        and '"' not in place
    )


def resolved(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema`, or what it refers to; of several that it may be the first."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return resolved(components.get("schemas", {}).get(name, {}), components)
    for several in ("oneOf", "anyOf", "allOf"):
        if schema.get(several):
            return resolved(schema[several][0], components)
    return schema


def type_of(schema: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    """What a value of `schema` is, in a word or two."""
    schema = resolved(schema, components)
    kind = _kind_of(schema)
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}), components)}"
    known = {"uuid": "GUID", "date-time": "time", "date": "date"}
    return known.get(schema.get("format", ""), "text" if kind == "string" else kind)


def _kind_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return str(kind)
