"""What the OpenAPI document says of the read API."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from contacts.profile import FIELDS
from tracking.headless.schema import ANSWER_HEADERS, BearerKeyScheme, ProblemSerializer
from tracking.reading.parameters import MOST_ON_A_PAGE

_TAGS = ["Read API"]
_GUID = "0b5b5f0e-52a0-4d58-9f43-5f3b1d2d4c11"
_TIME = "2026-08-01T09:30:00+00:00"
_CURSOR = "kB3zq1JxY0uVw2mTWzQ3MTFd"


class ReadKeyScheme(BearerKeyScheme):
    target_class = "tracking.reading.authentication.ReadKeyAuthentication"
    name = "readKey"
    opens = "the read API"


_MEANINGS = {
    400: "A parameter is unknown, there twice, or cannot be understood.",
    401: "The API key is missing, unknown, disabled, expired or of another access type.",
    404: "There is no such contact or group, or the doors of the hub are switched off.",
    429: "The key has asked too often in this minute; see Retry-After.",
}


def _problems(*statuses: int) -> dict:
    return {
        (status, "application/problem+json"): OpenApiResponse(
            ProblemSerializer, description=_MEANINGS[status]
        )
        for status in statuses
    }


def _text(description: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "string", **({"description": description} if description else {}), **more}


def _moment(description: str = "", *, nullable: bool = False) -> dict[str, Any]:
    kind: Any = ["string", "null"] if nullable else "string"
    return {**_text(description, format="date-time"), "type": kind}


def _object(properties: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_NEXT = {
    "type": ["string", "null"],
    "description": "Send it as “cursor” for the next page; null on the last one.",
}
_MERGED_FROM = {
    "type": ["string", "null"],
    "format": "uuid",
    "description": "The GUID that was asked for, if it is that of a contact merged into this one.",
}
_CONTACT = _object(
    {
        "guid": _text("Leads to the contact for ever.", format="uuid"),
        "created_at": _moment(),
        "first_seen": _moment("The time of its oldest activity.", nullable=True),
        "last_seen": _moment("The time of its newest activity.", nullable=True),
        **{name: _text() for name in FIELDS},
        "groups": _list(_text("Code name")),
        "consents": {
            "type": "object",
            "additionalProperties": {"type": "boolean"},
            "description": "By code name: the answer that counts now.",
        },
        "identifiers": _list(_object({"kind": _text(), "site_id": _text(), "value": _text()})),
        "merged_from": _MERGED_FROM,
    },
    optional=("merged_from",),
)
_ENTRY = _object(
    {
        "type": _text(
            "What data has depends on it; of the first five as in messages to destinations.",
            enum=[
                *("activity", "contact", "consent", "group.entered", "group.left"),
                *("automation.entered", "email", "email.opened", "email.clicked"),
                *("email.bounced", "email.complained", "email.unsubscribed"),
            ],
        ),
        "at": _moment(),
        "data": {"type": "object", "additionalProperties": True},
    }
)
_GROUP = _object(
    {
        "code_name": _text(),
        "name": _text(),
        "description": _text(),
        "static": {"type": "boolean", "description": "A list that users keep, without a rule."},
        "enabled": {"type": "boolean"},
        "has_members": {
            "type": "boolean",
            "description": "Whether it is switched on and, if it has a rule, was built.",
        },
        "built_at": _moment(nullable=True),
    }
)
_MEMBER = _object(
    {"guid": _text(format="uuid"), "email": _text("May be empty."), "since": _moment()}
)

_EXAMPLE_CONTACT = {
    "guid": _GUID,
    "created_at": "2026-06-14T08:12:44+00:00",
    "first_seen": "2026-06-14T08:12:43+00:00",
    "last_seen": _TIME,
    **dict.fromkeys(FIELDS, ""),
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "birthday": "1990-12-10",
    "country": "GBR",
    "groups": ["loan-interest"],
    "consents": {"TrackingConsent": True},
    "identifiers": [{"kind": "user_id", "site_id": "4711", "value": "ada-1"}],
}


def _parameter(name: str, type_: Any, description: str, example: Any) -> OpenApiParameter:
    return OpenApiParameter(
        name, type_, description=description, examples=[OpenApiExample(name, example)]
    )


_PAGES = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE, "default": 100},
        description="How many there are on a page at most.",
    ),
    OpenApiParameter(
        "cursor",
        {"type": "string", "minLength": 1},
        description="The “next” of the page before; without it, the first page.",
    ),
]
_CONTACT_GUID = OpenApiParameter(
    "contact_guid",
    OpenApiTypes.UUID,
    OpenApiParameter.PATH,
    examples=[OpenApiExample("contact", _GUID)],
)
_RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    int,
    OpenApiParameter.HEADER,
    required=True,
    response=[429],
    description="How many seconds to wait before the next try.",
)


def _operation(
    operation_id: str,
    answer: dict[str, Any],
    example: dict[str, Any],
    parameters: list[OpenApiParameter],
    statuses: tuple[int, ...] = (400, 401, 404, 429),
):
    return extend_schema(
        operation_id=operation_id,
        tags=_TAGS,
        parameters=[*ANSWER_HEADERS, _RETRY_AFTER, *parameters],
        responses={
            (200, "application/json"): OpenApiResponse(answer),
            **_problems(*statuses),
        },
        examples=[OpenApiExample(operation_id, example, response_only=True, status_codes=["200"])],
    )


find_contacts = _operation(
    "findContacts",
    _object({"contacts": _list(_CONTACT), "next": _NEXT}),
    {"contacts": [_EXAMPLE_CONTACT], "next": _CURSOR},
    [
        _parameter(
            "email", str, "The one contact with this email, in any spelling.", "ada@example.com"
        ),
        _parameter(
            "guid", OpenApiTypes.UUID, "The contact that this GUID leads to, if any.", _GUID
        ),
        _parameter(
            "identifier",
            str,
            "Contacts that another system knows by this: a value, or kind:value with the kind "
            "user_id, anonymous_id, email_sha256 or email_md5.",
            "user_id:ada-1",
        ),
        _parameter(
            "changed_since",
            OpenApiTypes.DATETIME,
            "Contacts whose fields were changed from this time on, in the order of the changes. "
            "One that was changed several times may come on several pages.",
            _TIME,
        ),
        *_PAGES,
    ],
)

read_contact = _operation(
    "readContact",
    _CONTACT,
    {**_EXAMPLE_CONTACT, "merged_from": None},
    [_CONTACT_GUID],
)

read_timeline = _operation(
    "readTimeline",
    _object(
        {
            "contact": _text("The contact that the GUID leads to.", format="uuid"),
            "merged_from": _MERGED_FROM,
            "entries": _list(_ENTRY),
            "next": _NEXT,
        }
    ),
    {
        "contact": _GUID,
        "merged_from": None,
        "entries": [
            {
                "type": "activity",
                "at": _TIME,
                "data": {
                    "id": 4711,
                    "type": "pagevisit",
                    "name": "Page visit",
                    "title": "Page visit 'Loans'",
                    "value": "Loans",
                    "url": "https://www.example.com/loans",
                    "referrer": "",
                    "properties": {},
                    "channel": "main-site",
                    "tracked_site": None,
                    "recorded_at": _TIME,
                },
            }
        ],
        "next": None,
    },
    [
        _CONTACT_GUID,
        _parameter(
            "kinds",
            str,
            "Which entries, with commas between: activities, changes, consents, groups, "
            "automations, emails, email_events. Without it, all.",
            "activities,consents",
        ),
        _parameter("since", OpenApiTypes.DATETIME, "Entries from this time on.", _TIME),
        _parameter("until", OpenApiTypes.DATETIME, "Entries before this time.", _TIME),
        *_PAGES,
    ],
)

read_groups = _operation(
    "readGroups",
    _object({"groups": _list(_GROUP), "next": _NEXT}),
    {
        "groups": [
            {
                "code_name": "loan-interest",
                "name": "Interested in loans",
                "description": "",
                "static": False,
                "enabled": True,
                "has_members": True,
                "built_at": _TIME,
            }
        ],
        "next": None,
    },
    _PAGES,
)

read_members = _operation(
    "readMembers",
    _object({"group": _text("Code name"), "members": _list(_MEMBER), "next": _NEXT}),
    {
        "group": "loan-interest",
        "members": [{"guid": _GUID, "email": "ada@example.com", "since": _TIME}],
        "next": None,
    },
    [
        OpenApiParameter(
            "code_name",
            str,
            OpenApiParameter.PATH,
            description="The code name of a contact group.",
            examples=[OpenApiExample("group", "loan-interest")],
        ),
        *_PAGES,
    ],
)
