"""What the OpenAPI document says of ActiveCampaign-format events and page visits."""

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

from tracking.headless.schema import ANSWER_HEADERS

TAGS = ["ActiveCampaign format"]

RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    int,
    OpenApiParameter.HEADER,
    required=True,
    response=[429, 503],
    description="How many seconds to wait before the next try.",
)

_ACCOUNT_ID = "The account ID of the channel."
_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["actid", "key", "event"],
    "properties": {
        "actid": {"type": "string", "description": _ACCOUNT_ID},
        "key": {"type": "string", "description": "The event key of the channel."},
        "event": {
            "type": "string",
            "maxLength": 250,
            "description": "The name of the event; a new one becomes an activity type.",
        },
        "eventdata": {
            "type": "string",
            "description": "The value of the event; it is cut at 250 characters.",
        },
        "visit": {
            "type": "string",
            "description": "JSON with the email of a contact; or send visit[email].",
        },
    },
}
_EXAMPLE = OpenApiExample(
    "download",
    {
        "actid": "123456789",
        "key": "baf2815c4c1d1cc1fa4fbf2b715005282bb3b2e7",
        "event": "file download request",
        "eventdata": "https://www.example.com/downloads/file.pdf",
        "visit": '{"email":"ada@example.com"}',
    },
    request_only=True,
)
_ANSWER = inline_serializer(
    "EventAnswer",
    {"success": serializers.ChoiceField([0, 1]), "message": serializers.CharField()},
)
_MEANINGS = {
    200: "With success 1 the event was taken, with 0 it was refused for the reason in message. "
    "Also an event that is taken may be in the inspector, as one of an unknown contact.",
    400: "The request is larger than 1 MiB, or ended before it was complete.",
    404: "The tracking API is switched off.",
    408: "The body did not come in time.",
    413: "The body is larger than the operator allows.",
    415: "The body is encoded in another way than by gzip.",
    429: "More requests in a second than the operator allows; see Retry-After.",
    503: "The hub is read-only for the moment; see Retry-After.",
}

log_event = extend_schema(
    operation_id="logEvent",
    tags=TAGS,
    auth=[],
    parameters=[
        *ANSWER_HEADERS,
        RETRY_AFTER,
        OpenApiParameter(
            "actid", str, description=f"{_ACCOUNT_ID} Every field may be in the query instead."
        ),
        OpenApiParameter("key", str, description="The event key of the channel."),
    ],
    request={
        media_type: OpenApiRequest(_FORM, examples=[_EXAMPLE])
        for media_type in ("application/x-www-form-urlencoded", "multipart/form-data")
    },
    responses={
        status: OpenApiResponse(_ANSWER, description=meaning)
        for status, meaning in _MEANINGS.items()
    },
)

log_visit = extend_schema(
    operation_id="logVisitByPixel",
    tags=TAGS,
    auth=[],
    parameters=[
        *ANSWER_HEADERS,
        RETRY_AFTER,
        OpenApiParameter("actid", str, required=True, description=_ACCOUNT_ID),
        OpenApiParameter("e", str, required=True, description="The email of the contact."),
        OpenApiParameter("u", str, required=True, description="The URL of the page."),
        OpenApiParameter("r", str, description="The URL of the page before."),
    ],
    responses={
        (status, "image/gif"): OpenApiResponse(OpenApiTypes.BINARY, description=_MEANINGS[status])
        for status in (404, 503)
    }
    | {(200, "image/gif"): OpenApiTypes.BINARY},
)
