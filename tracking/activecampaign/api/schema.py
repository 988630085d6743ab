"""What the OpenAPI document says of the ActiveCampaign-format API."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from tracking.activecampaign.schema import RETRY_AFTER
from tracking.headless.schema import ANSWER_HEADERS

_Fields = dict[str, serializers.Field]
_TAGS = ["ActiveCampaign format: API"]
_HEADERS = [*ANSWER_HEADERS, RETRY_AFTER]


class ApiTokenScheme(OpenApiAuthenticationExtension):
    target_class = "tracking.activecampaign.api.authentication.ApiTokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema):
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Api-Token",
            "description": "An enabled API key of a channel, with access to this API.",
        }


_MEANINGS = {
    400: "The request cannot be understood, or not be carried out.",
    403: "The API key is missing, unknown, disabled, expired or of another access type.",
    404: "There is nothing with this id, or the tracking API is switched off.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The body is encoded in another way than by gzip.",
    422: "A member is missing or wrong, or the email is another contact's.",
    429: "More requests in a second than the operator allows; see Retry-After.",
    503: "The hub is read-only for the moment; see Retry-After.",
}


_MESSAGE = inline_serializer("ApiMessage", {"message": serializers.CharField()})
_ERROR = inline_serializer(
    "ApiError",
    {
        "title": serializers.CharField(),
        "detail": serializers.CharField(allow_blank=True),
        "code": serializers.ChoiceField(["duplicate", "field_missing", "field_invalid"]),
        "source": inline_serializer("ApiErrorSource", {"pointer": serializers.CharField()}),
    },
    many=True,
)
_ERRORS = inline_serializer("ApiErrors", {"errors": _ERROR})


def _errors(*statuses: int) -> dict[int, OpenApiResponse]:
    return {
        status: OpenApiResponse(
            _ERRORS if status == 422 else _MESSAGE, description=_MEANINGS[status]
        )
        for status in (*statuses, 403, 404, 429)
    }


_WRITING = (400, 408, 413, 415, 503)


def _body(name: str, properties: dict[str, Any], required: list[str]) -> dict:
    wrapped = {"type": "object", "required": required, "properties": properties}
    schema = {"type": "object", "required": [name], "properties": {name: wrapped}}
    return {"application/json": OpenApiRequest(schema)}


def _path(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.PATH, description=description)


_CONTACT_ID = _path("contact_id", "The id of a contact; one that was merged leads to the survivor.")
_PAGE = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 100},
        description="20 if left out.",
    ),
    OpenApiParameter("offset", {"type": "integer", "minimum": 0}),
]
_TOTAL = inline_serializer("ApiTotal", {"total": serializers.CharField(help_text="Digits")})

# Event tracking

_SWITCH = inline_serializer(
    "EventTracking",
    {"eventTracking": inline_serializer("EventSwitch", {"enabled": serializers.BooleanField()})},
)
_SWITCH_BODY = _body("eventTracking", {"enabled": {"type": "boolean"}}, ["enabled"])
_EVENT_NAME: _Fields = {"name": serializers.CharField()}

get_event_tracking = extend_schema(
    operation_id="getEventTracking",
    tags=_TAGS,
    parameters=_HEADERS,
    responses={200: _SWITCH, **_errors()},
)
put_event_tracking = extend_schema(
    operation_id="putEventTracking",
    tags=_TAGS,
    parameters=_HEADERS,
    request=_SWITCH_BODY,
    responses={200: _SWITCH, **_errors(*_WRITING)},
)
post_event_tracking = extend_schema(
    operation_id="postEventTracking",
    tags=_TAGS,
    parameters=_HEADERS,
    request=_SWITCH_BODY,
    responses={200: _SWITCH, **_errors(*_WRITING)},
)
list_event_names = extend_schema(
    operation_id="listEventNames",
    tags=_TAGS,
    parameters=[*_HEADERS, *_PAGE],
    responses={
        200: inline_serializer(
            "EventNames",
            {
                "eventTrackingEvents": inline_serializer("EventName", _EVENT_NAME, many=True),
                "meta": inline_serializer("EventNameTotal", {"total": serializers.IntegerField()}),
            },
        ),
        **_errors(),
    },
)
create_event_name = extend_schema(
    operation_id="createEventName",
    tags=_TAGS,
    parameters=_HEADERS,
    request=_body("eventTrackingEvent", {"name": {"type": "string", "maxLength": 250}}, ["name"]),
    responses={
        201: inline_serializer(
            "CreatedEventName",
            {"eventTrackingEvent": inline_serializer("WhitelistedEventName", _EVENT_NAME)},
        ),
        **_errors(*_WRITING, 422),
    },
)
delete_event_name = extend_schema(
    operation_id="deleteEventName",
    tags=_TAGS,
    parameters=[*_HEADERS, _path("name", "The event name.")],
    responses={200: OpenApiTypes.OBJECT, **_errors(400, 503)},
)

# What contacts did

_LINKS = serializers.DictField(child=serializers.CharField())
_TRACKING_LOG: _Fields = {
    "subscriberid": serializers.CharField(),
    "type": serializers.CharField(help_text="The event name."),
    "value": serializers.CharField(help_text="The eventdata."),
    "tstamp": serializers.DateTimeField(),
    "hash": serializers.CharField(),
    "links": _LINKS,
    "id": serializers.CharField(),
    "contact": serializers.CharField(),
}
_TRACKING_LOGS = inline_serializer("TrackingLog", _TRACKING_LOG, many=True)
_ACTIVITY: _Fields = {
    "tstamp": serializers.DateTimeField(),
    "subscriberid": serializers.CharField(),
    "reference_type": serializers.CharField(),
    "reference_id": serializers.CharField(help_text="The id of the tracking log."),
    "reference_action": serializers.CharField(help_text="The event name."),
    "jsonData": serializers.CharField(allow_null=True),
    "userid": serializers.CharField(),
    "permission": serializers.CharField(allow_blank=True),
    "referenceModelName": serializers.CharField(),
    "reference": inline_serializer(
        "ActivityReference", {"type": serializers.CharField(), "id": serializers.CharField()}
    ),
    "links": _LINKS,
    "id": serializers.CharField(),
    "user": serializers.CharField(allow_null=True),
}
_CONTACT: _Fields = {
    "id": serializers.CharField(),
    "email": serializers.CharField(allow_blank=True),
    "email_empty": serializers.BooleanField(),
    "firstName": serializers.CharField(allow_blank=True),
    "lastName": serializers.CharField(allow_blank=True),
    "phone": serializers.CharField(allow_blank=True),
    "cdate": serializers.DateTimeField(),
    "udate": serializers.DateTimeField(allow_null=True),
    "created_utc_timestamp": serializers.CharField(),
    "hash": serializers.CharField(help_text="The GUID of the contact, without hyphens."),
    "deleted": serializers.CharField(),
    "orgid": serializers.CharField(),
    "orgname": serializers.CharField(allow_blank=True),
    "organization": serializers.CharField(allow_null=True),
    "links": _LINKS,
}

list_tracking_logs = extend_schema(
    operation_id="listTrackingLogs",
    tags=_TAGS,
    parameters=[*_HEADERS, _CONTACT_ID, *_PAGE],
    responses={
        200: inline_serializer("TrackingLogs", {"trackingLogs": _TRACKING_LOGS}),
        **_errors(),
    },
)
get_contact_of_tracking_log = extend_schema(
    operation_id="getContactOfTrackingLog",
    tags=_TAGS,
    parameters=[*_HEADERS, _path("log_id", "The id of a tracking log.")],
    responses={
        200: inline_serializer(
            "TrackingLogContact", {"contact": inline_serializer("Contact", _CONTACT)}
        ),
        **_errors(),
    },
)
list_activities = extend_schema(
    operation_id="listActivities",
    tags=_TAGS,
    parameters=[
        *_HEADERS,
        OpenApiParameter("contact", str, required=True, description="The id of a contact."),
        OpenApiParameter("after", OpenApiTypes.DATETIME, description="Only what is later."),
        OpenApiParameter("orders[tstamp]", str, enum=["ASC", "DESC"], description="ASC if not."),
        *_PAGE,
    ],
    responses={
        200: inline_serializer(
            "Activities",
            {
                "trackingLogs": _TRACKING_LOGS,
                "activities": inline_serializer("Activity", _ACTIVITY, many=True),
                "meta": _TOTAL,
            },
        ),
        **_errors(400),
    },
)

# Contacts

_TEXTS = {
    "email": {"type": ["string", "null"], "maxLength": 254},
    "firstName": {"type": ["string", "null"], "maxLength": 100},
    "lastName": {"type": ["string", "null"], "maxLength": 100},
    "phone": {"type": ["string", "number", "null"], "maxLength": 26},
}
_CHANGED_CONTACT = inline_serializer(
    "ChangedContact",
    {
        "fieldValues": serializers.ListField(child=serializers.DictField(), help_text="Empty"),
        "contact": inline_serializer("ChangedContactFields", _CONTACT),
    },
)

list_contacts = extend_schema(
    operation_id="listContacts",
    tags=_TAGS,
    parameters=[
        *_HEADERS,
        OpenApiParameter("email", str, description="The whole email, in any letter case."),
        OpenApiParameter("id_greater", str, description="Only contacts with larger ids."),
        OpenApiParameter("orders[id]", str, enum=["ASC", "DESC"]),
        OpenApiParameter("orders[cdate]", str, enum=["ASC", "DESC"]),
        *_PAGE,
    ],
    responses={
        200: inline_serializer(
            "Contacts",
            {
                "scoreValues": serializers.ListField(
                    child=serializers.DictField(), help_text="Empty"
                ),
                "contacts": inline_serializer("ListedContact", _CONTACT, many=True),
                "meta": _TOTAL,
            },
        ),
        **_errors(400),
    },
)
create_contact = extend_schema(
    operation_id="createApiContact",
    tags=_TAGS,
    parameters=_HEADERS,
    request=_body("contact", _TEXTS, ["email"]),
    responses={201: _CHANGED_CONTACT, **_errors(*_WRITING, 422)},
)
sync_contact = extend_schema(
    operation_id="syncContact",
    tags=_TAGS,
    parameters=_HEADERS,
    request=_body("contact", _TEXTS, ["email"]),
    responses={200: _CHANGED_CONTACT, 201: _CHANGED_CONTACT, **_errors(*_WRITING, 422)},
)
get_contact = extend_schema(
    operation_id="getContact",
    tags=_TAGS,
    parameters=[*_HEADERS, _CONTACT_ID],
    responses={
        200: inline_serializer(
            "ContactWithSideLoads",
            {
                "contact": inline_serializer("ShownContact", _CONTACT),
                "fieldValues": serializers.ListField(
                    child=serializers.DictField(), help_text="Empty, as other side-loads"
                ),
            },
        ),
        **_errors(),
    },
)
update_contact = extend_schema(
    operation_id="updateContact",
    tags=_TAGS,
    parameters=[*_HEADERS, _CONTACT_ID],
    request=_body("contact", _TEXTS, []),
    responses={200: _CHANGED_CONTACT, **_errors(*_WRITING, 422)},
)
delete_contact = extend_schema(
    operation_id="deleteContact",
    tags=_TAGS,
    parameters=[*_HEADERS, _CONTACT_ID],
    responses={200: OpenApiTypes.OBJECT, **_errors(503)},
)
