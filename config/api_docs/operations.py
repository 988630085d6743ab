"""What the page says of each operation, read from the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from config.api_docs.examples import example_of, resolved, type_of, with_places

# In this order; other tags come after them.
_TAGS = (
    "Headless tracking",
    "Read API",
    "ActiveCampaign format",
    "ActiveCampaign format: API",
    "Commanders Act format",
    "Commanders Act format: Config API",
)
_METHODS = ("get", "post", "put", "patch", "delete")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a path, a query or a header."""

    name: str
    place: str
    required: bool
    type: str
    description: str
    example: str


@dataclass(frozen=True)
class Member:
    """One member of the object that a body is."""

    name: str
    required: bool
    type: str
    description: str


@dataclass(frozen=True)
class Body:
    """What a request takes; of a form `example` has a line for each field."""

    media_type: str
    members: list[Member]
    example: str

    @property
    def is_form(self) -> bool:
        return self.media_type == _FORM


@dataclass(frozen=True)
class Reply:
    """What a request is answered: the meaning of a status, and an example."""

    status: str
    description: str
    media_type: str
    example: str


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked for or sent. `header` is where its key stands, if it has one."""

    id: str
    method: str
    path: str
    description: str
    key: str
    header: str
    parameters: list[Parameter]
    body: Body | None
    replies: list[Reply]


@dataclass(frozen=True)
class Section:
    """The operations of one format."""

    title: str
    anchor: str
    operations: list[Operation] = field(default_factory=list)


@cache
def read_sections() -> list[Section]:
    """All operations by format. A process reads them once: they are those of its code."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    components = document.get("components", {})
    sections = {tag: Section(tag, _anchor(tag)) for tag in _TAGS}
    for tag, operation in _operations(document["paths"], components):
        sections.setdefault(tag, Section(tag, _anchor(tag))).operations.append(operation)
    return [section for section in sections.values() if section.operations]


def _anchor(tag: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in tag.lower())


def _operations(
    paths: Mapping[str, Any], components: Mapping[str, Any]
) -> Iterator[tuple[str, Operation]]:
    for path, methods in paths.items():
        for method in _METHODS:
            if given := methods.get(method):
                tag = (given.get("tags") or ["Other"])[0]
                yield tag, _read(path, method, given, components)


def _read(
    path: str, method: str, given: Mapping[str, Any], components: Mapping[str, Any]
) -> Operation:
    key, header = _key_of(given, components)
    return Operation(
        id=given["operationId"],
        method=method.upper(),
        path=path,
        description=given.get("description", ""),
        key=key,
        header=header,
        parameters=[_parameter(one, components) for one in given.get("parameters", ())],
        body=_body(given.get("requestBody", {}).get("content", {}), components),
        replies=[
            _reply(status, one, components) for status, one in sorted(given["responses"].items())
        ],
    )


def _key_of(given: Mapping[str, Any], components: Mapping[str, Any]) -> tuple[str, str]:
    for one in given.get("security", ()):
        for name in one:
            scheme = components["securitySchemes"][name]
            header = scheme["name"] if scheme["type"] == "apiKey" else "Authorization"
            return scheme.get("description", ""), header
    return "", ""


def _parameter(given: Mapping[str, Any], components: Mapping[str, Any]) -> Parameter:
    schema = given.get("schema", {})
    examples = list(given.get("examples", {}).values())
    is_needed = given.get("required", False)
    # Optional ones are left out unless their reader wants them, so that the first try succeeds.
    example = example_of(schema, components, given["name"]) if is_needed else ""
    if is_needed and examples and not str(example).startswith("{"):
        example = examples[0].get("value", example)
    description = given.get("description", "")
    if examples and not is_needed:
        description = f"{description} Example: {examples[0].get('value')}".strip()
    return Parameter(
        name=given["name"],
        place=given["in"],
        required=is_needed,
        type=type_of(schema, components),
        description=description,
        example=str(example),
    )


def _body(content: Mapping[str, Any], components: Mapping[str, Any]) -> Body | None:
    if not content:
        return None
    media_type, given = next(iter(content.items()))
    schema = resolved(given.get("schema", {}), components)
    example = with_places(_given_example(given))
    if example is None:
        example = example_of(schema, components)
    if media_type == _FORM:
        text = "\n".join(f"{name}={value}" for name, value in example.items())
    else:
        text = _pretty(example)
    required = schema.get("required", ())
    members = [
        Member(name, name in required, type_of(inner, components), _described(inner, components))
        for name, inner in schema.get("properties", {}).items()
    ]
    return Body(media_type, members, text)


def _described(schema: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    return schema.get("description") or resolved(schema, components).get("description", "")


def _reply(status: str, given: Mapping[str, Any], components: Mapping[str, Any]) -> Reply:
    contents: Mapping[str, Any] = given.get("content") or {"": {}}
    media_type, content = next(iter(contents.items()))
    example = _given_example(content)
    is_good = status.startswith("2")
    if example is None and is_good and media_type == "application/json":
        example = example_of(content.get("schema", {}), components)
    description = given.get("description", "")
    if not description and status.isdigit():
        description = HTTPStatus(int(status)).phrase
    text = "" if example is None else _pretty(example)
    return Reply(status, description, media_type, text)


def _given_example(content: Mapping[str, Any]) -> Any:
    examples = list(content.get("examples", {}).values())
    return examples[0].get("value") if examples else None


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
