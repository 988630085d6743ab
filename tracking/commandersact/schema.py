"""What the OpenAPI document says of Commanders Act-format tracking, and of the Config API."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from activities.problems import Status
from tracking.headless.schema import (
    ANSWER_HEADERS,
    RETRY_AFTER,
    WITH_BODY,
    BearerKeyScheme,
    problems,
)

_TAGS = ["Commanders Act format"]
_CONFIG_TAGS = ["Commanders Act format: Config API"]


class ConfigKeyScheme(BearerKeyScheme):
    target_class = "tracking.commandersact.authentication.ConfigKeyAuthentication"
    name = "configKey"
    opens = "the Config API"


_SITE_ID = OpenApiParameter(
    "tc_s", str, required=True, description="The site ID of the source.", examples=[]
)
_TOKEN = OpenApiParameter(
    "token",
    str,
    description="The source key; or send it as Authorization: Bearer, or as tc_skey.",
)
_DO_NOT_TRACK = OpenApiParameter(
    "tc_do_not_track",
    str,
    description="true: set no cookie, and look at none; the event is recorded.",
    enum=["true", "false"],
)

_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["event_name"],
    "additionalProperties": True,
    "description": "The properties of the event are at the root, beside user and context.",
    "properties": {
        "event_name": {"type": "string", "examples": ["purchase"]},
        "user": {
            "type": "object",
            "additionalProperties": True,
            "properties": {
                "consistent_anonymous_id": {"type": "string"},
                "id": {"type": "string"},
                "email": {"type": "string"},
                "email_sha256": {"type": "string"},
                "email_md5": {"type": "string"},
                "consent_categories": {"type": "array", "items": {"type": ["string", "integer"]}},
            },
        },
        "context": {
            "type": "object",
            "additionalProperties": True,
            "properties": {
                "event_id": {
                    "type": "string",
                    "description": "The same one again on the same source counts once.",
                },
                "event_timestamp": {
                    "type": ["string", "integer"],
                    "description": "Milliseconds since 1970, or ISO 8601.",
                },
                "page": {"type": "object", "additionalProperties": True},
                "test_code": {
                    "type": "string",
                    "description": "Any mark by which the inspector finds this event.",
                },
            },
        },
    },
}
_EXAMPLE = OpenApiExample(
    "purchase",
    {
        "event_name": "purchase",
        "id": "A-1042",
        "value": 89.9,
        "currency": "EUR",
        "user": {"consistent_anonymous_id": "20261105101500123456789012", "id": "1234"},
        "context": {"event_id": "202611051015001", "event_timestamp": "1793873700000"},
    },
    request_only=True,
)
_TAKEN = OpenApiResponse(
    description="Taken. The answer is empty, also to what the inspector shows as refused."
)

send_event = extend_schema(
    operation_id="sendEvent",
    tags=_TAGS,
    auth=[],
    parameters=[*ANSWER_HEADERS, RETRY_AFTER, _SITE_ID, _TOKEN, _DO_NOT_TRACK],
    request={"application/json": OpenApiRequest(_EVENT, examples=[_EXAMPLE])},
    responses={200: _TAKEN, **problems(404, *WITH_BODY)},
)

send_pixel = extend_schema(
    operation_id="sendEventByPixel",
    tags=_TAGS,
    auth=[],
    parameters=[
        *ANSWER_HEADERS,
        RETRY_AFTER,
        _SITE_ID,
        _TOKEN,
        _DO_NOT_TRACK,
        OpenApiParameter("event_name", str, required=True),
        OpenApiParameter(
            "user[consistent_anonymous_id]",
            str,
            description="Nested members have their names in brackets: items[0][product][name].",
        ),
        OpenApiParameter("ts_override", str, description="Its time, in seconds since 1970."),
    ],
    responses={(200, "image/gif"): OpenApiTypes.BINARY, **problems(400, 404, 503)},
)

send_batch = extend_schema(
    operation_id="sendEventBatch",
    tags=_TAGS,
    auth=[],
    parameters=[*ANSWER_HEADERS, RETRY_AFTER, _SITE_ID, _TOKEN, _DO_NOT_TRACK],
    request={
        "application/json": OpenApiRequest(
            {
                "type": "object",
                "required": ["batch"],
                "properties": {"batch": {"type": "array", "items": _EVENT}},
            }
        )
    },
    responses={200: _TAKEN, **problems(404, *WITH_BODY)},
)

_SITE = OpenApiParameter(
    "site_id", str, OpenApiParameter.PATH, description="The site ID of the key's channel."
)
_JSON_API = "application/vnd.api+json"


def _data(name: str, type_: str, attributes: dict, *, many: bool = True) -> dict:
    """The answer with resources of one type, in the format of JSON:API."""
    resource = inline_serializer(
        name,
        {
            "type": serializers.CharField(help_text=f"Always “{type_}”."),
            "id": serializers.CharField(),
            "attributes": inline_serializer(f"{name}Attributes", attributes),
        },
        many=many,
    )
    return {(200, _JSON_API): inline_serializer(f"{name}Answer", {"data": resource})}


_ERRORS = inline_serializer(
    "ConfigErrors",
    {
        "errors": inline_serializer(
            "ConfigError",
            {
                "status": serializers.CharField(),
                "title": serializers.CharField(help_text="A code for programs."),
                "detail": serializers.CharField(),
            },
            many=True,
        )
    },
)
_CONFIG_MEANINGS = {
    400: "A parameter has a wrong value.",
    401: "The API key is missing, unknown, disabled, expired or of another access type.",
    403: "The API key belongs to a channel of another site.",
    404: "The source is unknown, or the tracking API is switched off.",
}


def _errors(*statuses: int) -> dict:
    return {
        (status, _JSON_API): OpenApiResponse(_ERRORS, description=_CONFIG_MEANINGS[status])
        for status in statuses
    }


_SOURCE = {
    "name": serializers.CharField(),
    "active": serializers.BooleanField(),
    "integration_key": serializers.CharField(help_text="The source key."),
}

list_sources = extend_schema(
    operation_id="listSources",
    tags=_CONFIG_TAGS,
    parameters=[*ANSWER_HEADERS, _SITE],
    responses={**_data("Sources", "sources", _SOURCE), **_errors(401, 403, 404)},
)

get_source = extend_schema(
    operation_id="getSource",
    tags=_CONFIG_TAGS,
    parameters=[*ANSWER_HEADERS, _SITE, OpenApiParameter("source_id", str, OpenApiParameter.PATH)],
    responses={
        **_data("Source", "sources", _SOURCE, many=False),
        **_errors(401, 403, 404),
    },
)

get_quality = extend_schema(
    operation_id="getSourcesDataQuality",
    tags=_CONFIG_TAGS,
    parameters=[
        *ANSWER_HEADERS,
        _SITE,
        OpenApiParameter(
            "days", {"type": "integer", "minimum": 1, "maximum": 30}, description="7 if left out."
        ),
    ],
    responses={
        **_data(
            "SourcesDataQuality",
            "sources-data-quality",
            {
                "name": serializers.CharField(),
                "quality": serializers.FloatField(
                    allow_null=True, help_text="Valid events of all, in percent; null without any."
                ),
                "weather": serializers.CharField(
                    help_text="sunny: 100, cloudy: 95 and more, rainy: 90 and more, stormy: less."
                ),
                "events": inline_serializer(
                    "EventCounts", {status.value: serializers.IntegerField() for status in Status}
                ),
                "since": serializers.DateTimeField(),
                "until": serializers.DateTimeField(),
            },
        ),
        **_errors(400, 401, 403, 404),
    },
)

inspect_events = extend_schema(
    operation_id="inspectEvents",
    tags=_CONFIG_TAGS,
    parameters=[
        *ANSWER_HEADERS,
        _SITE,
        OpenApiParameter("test_code", str, description="Only events with this mark."),
        OpenApiParameter("status", str, enum=Status.values),
        OpenApiParameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": 100},
            description="20 if left out.",
        ),
    ],
    responses={
        **_data(
            "InspectedEvents",
            "inspected-events",
            {
                "status": serializers.ChoiceField(Status.values),
                "reason": serializers.CharField(help_text="A code for programs."),
                "field": serializers.CharField(),
                "detail": serializers.CharField(),
                "time": serializers.DateTimeField(),
                "source": serializers.UUIDField(),
                "test_code": serializers.CharField(),
                "request_id": serializers.UUIDField(),
                "event": serializers.CharField(help_text="What was sent, as text."),
            },
        ),
        **_errors(400, 401, 403, 404),
    },
)
