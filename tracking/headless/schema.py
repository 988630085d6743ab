"""What the OpenAPI document says of the headless tracking API."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
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

from activities.contact_fields import WIRE_NAMES

_TAGS = ["Headless tracking"]


class BearerKeyScheme(OpenApiAuthenticationExtension):
    target_class = "tracking.headless.authentication.BearerKeyAuthentication"
    name = "apiKey"
    opens = "the tracking API"

    def get_security_definition(self, auto_schema):
        return {
            "type": "http",
            "scheme": "bearer",
            "description": f"An enabled API key of a channel, with access to {self.opens}.",
        }


class GroupsKeyScheme(BearerKeyScheme):
    target_class = "tracking.headless.authentication.GroupsKeyAuthentication"
    name = "groupsKey"
    opens = "contact groups"


class AutomationKeyScheme(BearerKeyScheme):
    target_class = "tracking.headless.authentication.AutomationKeyAuthentication"
    name = "automationKey"
    opens = "automations"


class ProblemSerializer(serializers.Serializer):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    field = serializers.CharField(required=False)
    requestId = serializers.UUIDField(required=False)


def problems(*statuses: int) -> dict:
    """The answers of these statuses, as `extend_schema` wants them."""
    return {
        (status, "application/problem+json"): OpenApiResponse(
            ProblemSerializer, description=_MEANINGS[status]
        )
        for status in statuses
    }


_MEANINGS = {
    400: "The request cannot be understood.",
    401: "The API key is missing, unknown, disabled, expired or of another access type.",
    403: "The API key belongs to another channel.",
    404: "The contact, the consent or the automation is unknown, or the tracking API is switched "
    "off.",
    408: "The body did not come in time.",
    409: "The contact may not enter the automation, or nobody may.",
    413: "The body is too large.",
    415: "The body is encoded in another way than by gzip.",
    503: "The hub is read-only or busy for the moment; see Retry-After.",
}

# What may be wrong with any request that has a body, or with the hub that is to write it.
WITH_BODY = (400, 408, 413, 415, 503)

_CONTACT_GUID = OpenApiParameter("contact_guid", OpenApiTypes.UUID, OpenApiParameter.PATH)
_CONSENT_NAME = OpenApiParameter(
    "consent_name",
    str,
    OpenApiParameter.PATH,
    description="The code name of a consent.",
    examples=[OpenApiExample("consent", "TrackingConsent")],
)

ANSWER_HEADERS = [
    OpenApiParameter(
        "Request-Id",
        OpenApiTypes.UUID,
        OpenApiParameter.HEADER,
        required=True,
        response=True,
        description="The id of this request; the inspector finds by it what was refused and why.",
    ),
    OpenApiParameter(
        "WWW-Authenticate",
        str,
        OpenApiParameter.HEADER,
        required=True,
        response=[401],
        description="Bearer",
    ),
]
RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    int,
    OpenApiParameter.HEADER,
    required=True,
    response=[503],
    description="How many seconds to wait before the next try.",
)

consent_text = extend_schema(
    operation_id="getConsentText",
    tags=_TAGS,
    parameters=[
        *ANSWER_HEADERS,
        _CONSENT_NAME,
        OpenApiParameter(
            "languageName",
            str,
            description="A language code; without a text in it, the nearest is returned.",
        ),
    ],
    responses={
        200: inline_serializer(
            "ConsentText",
            {
                "shortText": serializers.CharField(help_text="HTML"),
                "fullText": serializers.CharField(help_text="HTML, may be empty"),
            },
        ),
        **problems(401, 404),
    },
)


def _idempotency_key(description: str) -> OpenApiParameter:
    return OpenApiParameter(
        "Idempotency-Key",
        {"type": "string", "maxLength": 255},
        OpenApiParameter.HEADER,
        description=description,
    )


create_contact = extend_schema(
    operation_id="createContact",
    tags=_TAGS,
    request=None,
    parameters=[
        *ANSWER_HEADERS,
        RETRY_AFTER,
        _idempotency_key("The same key again within a day returns the same contact."),
    ],
    responses={
        200: inline_serializer("CreatedContact", {"contact": serializers.UUIDField()}),
        **problems(400, 401, 404, 503),
    },
)

consent_status = extend_schema(
    operation_id="getConsentStatus",
    tags=_TAGS,
    parameters=[*ANSWER_HEADERS, _CONTACT_GUID, _CONSENT_NAME],
    responses={
        200: inline_serializer("ConsentStatus", {"isAgreed": serializers.BooleanField()}),
        **problems(401, 404),
    },
)

answer_consent = extend_schema(
    operation_id="answerConsent",
    tags=_TAGS,
    parameters=[*ANSWER_HEADERS, RETRY_AFTER, _CONTACT_GUID, _CONSENT_NAME],
    request=inline_serializer(
        "ConsentAnswer",
        {
            "agree": serializers.BooleanField(help_text="true: agree, false: revoke"),
            "languageName": serializers.CharField(
                required=False, help_text="The language of the text that was shown."
            ),
        },
    ),
    responses={
        200: OpenApiResponse(description="Recorded; the answer is empty."),
        **problems(401, 404, *WITH_BODY),
    },
)

contact_groups = extend_schema(
    operation_id="getContactGroups",
    tags=_TAGS,
    parameters=[*ANSWER_HEADERS, RETRY_AFTER, _CONTACT_GUID],
    responses={
        200: inline_serializer(
            "ContactGroups",
            {"groups": serializers.ListField(child=serializers.CharField(help_text="Code name"))},
        ),
        **problems(401, 404, 503),
    },
)

start_run = extend_schema(
    operation_id="startRun",
    tags=_TAGS,
    parameters=[
        *ANSWER_HEADERS,
        RETRY_AFTER,
        OpenApiParameter(
            "code_name", str, OpenApiParameter.PATH, description="The code name of an automation."
        ),
        _idempotency_key("The same key again for the contact is the same run."),
    ],
    request=inline_serializer("RunRequest", {"contact": serializers.UUIDField()}),
    responses={
        202: inline_serializer("StartedRun", {"run": serializers.IntegerField(help_text="Its id")}),
        **problems(401, 404, 409, *WITH_BODY),
    },
)

_ACTIVITY = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {
            "type": "string",
            "description": "pagevisit, click, datainput, or the code name of a custom type.",
        },
        "value": {
            "type": ["string", "null"],
            "maxLength": 250,
            "description": "Required for click and datainput.",
        },
        "url": {"type": ["string", "null"], "description": "Required for pagevisit."},
        "referrer": {"type": ["string", "null"]},
        "contactFields": {
            "type": "object",
            "description": "For datainput: what the contact said about themselves.",
            "properties": {name: {"type": "string"} for name in WIRE_NAMES},
        },
        "id": {
            "type": "string",
            "format": "uuid",
            "description": "Chosen by the application; sent again, it counts once.",
        },
        "timestamp": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened; without it, the time of receipt.",
        },
        "properties": {"type": "object", "additionalProperties": True},
        "testCode": {
            "type": "string",
            "description": "Marks a test: the inspector has a line for it in any case.",
        },
    },
}

_RESULT = inline_serializer(
    "ActivityResult",
    {
        "status": serializers.IntegerField(
            help_text="202: recorded. 400: refused. 403: the channel asks for an agreement."
        ),
        "error": inline_serializer(
            "ActivityError",
            {
                "code": serializers.CharField(),
                "detail": serializers.CharField(),
                "field": serializers.CharField(required=False),
            },
            required=False,
        ),
    },
    many=True,
)

log_activities = extend_schema(
    operation_id="logActivities",
    tags=_TAGS,
    parameters=[
        *ANSWER_HEADERS,
        RETRY_AFTER,
        _idempotency_key("The same key again is the same request: it records nothing twice."),
    ],
    request={
        "application/json": OpenApiRequest(
            {
                "type": "object",
                "required": ["channel", "contact", "activities"],
                "properties": {
                    "channel": {
                        "type": "string",
                        "format": "uuid",
                        "description": "The “Channel identifier for Tracking API”.",
                    },
                    "contact": {"type": "string", "format": "uuid"},
                    "activities": {"type": "array", "items": _ACTIVITY},
                },
            }
        )
    },
    responses={
        207: inline_serializer("ActivityResults", {"results": _RESULT}),
        **problems(401, 403, 404, *WITH_BODY),
    },
)
