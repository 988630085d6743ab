"""No input produces a fault: generated requests and generated drafts, the same at each run."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from activities.drafts import Draft
from activities.models import Activity, DataInput, RejectedActivity
from activities.recording import Source, record_activities
from channels.keys import create_api_key
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
    make_group,
)
from tests.wire.app import App
from tests.wire.fuzzing import (
    JSON,
    JSON_LEAVES,
    LIKELY,
    TIMES,
    TYPES,
    WIRE_FIELDS,
    any_text,
    examples,
    mostly,
    undone,
)
from tests.work import do_data_inputs

pytestmark = pytest.mark.django_db

OPERATIONS = [
    "getConsentText",
    "createContact",
    "getConsentStatus",
    "getContactGroups",
    "answerConsent",
    "startRun",
    "logActivities",
    "logEvent",
    "logVisitByPixel",
    "sendEvent",
    "sendEventBatch",
    "sendEventByPixel",
    "listSources",
    "getSource",
    "getSourcesDataQuality",
    "inspectEvents",
    "getEventTracking",
    "putEventTracking",
    "postEventTracking",
    "listEventNames",
    "createEventName",
    "deleteEventName",
    "listTrackingLogs",
    "getContactOfTrackingLog",
    "listActivities",
    "listContacts",
    "createApiContact",
    "syncContact",
    "getContact",
    "updateContact",
    "deleteContact",
    "findContacts",
    "readContact",
    "readTimeline",
    "readGroups",
    "readMembers",
]
# Those of which a request can be against the document: any text may be in a path.
TAKING_PATHS_ONLY = (
    *("getContactGroups", "listSources", "getSource", "getEventTracking", "deleteEventName"),
    *("getContactOfTrackingLog", "getContact", "deleteContact", "readContact"),
)
TAKING_INPUT = [name for name in OPERATIONS if name not in TAKING_PATHS_ONLY]
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


# Requests made from the OpenAPI document


@pytest.fixture(scope="module")
def api(django_db_setup, django_db_blocker):
    """The API as its OpenAPI document describes it."""
    config = schemathesis.Config(seed=1)
    config.projects.default.generation.update(with_security_parameters=False)
    # A request looks at the connection that the test before left, though it asks it nothing.
    with django_db_blocker.unblock():
        return schemathesis.openapi.from_wsgi("/api/schema/", get_wsgi_application(), config=config)


@pytest.fixture
def open_connection():
    """A request that is over does not close the connection that the test goes on with."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def test_document_describes_every_operation(api):
    described = [result.ok().definition.raw["operationId"] for result in api.get_all_operations()]

    assert sorted(described) == sorted(OPERATIONS)


def operation_of(api, operation_id):
    for result in api.get_all_operations():
        operation = result.ok()
        if operation.definition.raw["operationId"] == operation_id:
            return operation
    raise LookupError(operation_id)


def make_real(case, app, contact, draw):
    """Put into `case` what exists in the hub, mostly, so that it gets beyond 403 and 404."""
    existing = {
        "contact_guid": str(contact.guid),
        "consent_name": "TrackingConsent",
        "site_id": app.channel.site_id,
        "source_id": str(app.channel.guid),
        "contact_id": str(contact.pk),
        "log_id": str(make_activity(contact, channel=app.channel).pk),
        "name": make_activity_type("an event", whitelisted=True).code_name,
        "code_name": make_group("vip", members=[contact]).code_name,
    }
    for name, value in existing.items():
        if name in case.path_parameters and draw(LIKELY):
            case.path_parameters[name] = value
    parameters = {
        "tc_s": app.channel.site_id,
        "token": app.channel.source_key,
        "actid": app.channel.account_id,
        "key": app.channel.event_key,
        "visit": '{"email":"ada@example.com"}',
        "e": contact.email,
    }
    if "contact" in (case.query or {}) and draw(LIKELY):
        case.query["contact"] = str(contact.pk)
    forms = [form for form in (case.query, case.body) if isinstance(form, dict)]
    for name, value in parameters.items():
        for form in forms:
            if name in form and draw(LIKELY):
                form[name] = value
    if not isinstance(case.body, dict) or "channel" not in case.body:
        return
    for name, value in {"channel": app.channel.guid, "contact": contact.guid}.items():
        if draw(LIKELY):
            case.body[name] = str(value)
    activities = case.body.get("activities")
    for activity in activities if isinstance(activities, list) else ():
        if isinstance(activity, dict) and "type" in activity and draw(LIKELY):
            activity["type"] = draw(st.sampled_from(["pagevisit", "click", "datainput", "custom"]))


def headers_for(operation, app):
    """The key that this operation asks for, where it wants it."""
    if operation.path.startswith("/v2/"):
        return {"Authorization": f"Bearer {key_for(app, 'commandersact')}"}
    if operation.path.startswith("/api/3/"):
        return {"Api-Token": key_for(app, "activecampaign")}
    if operation.path.startswith("/hub/v1/"):
        return {"Authorization": f"Bearer {key_for(app, 'read')}"}
    if operation.path.endswith("/groups"):
        return {"Authorization": f"Bearer {key_for(app, 'groups')}"}
    if operation.path.endswith("/runs"):
        return {"Authorization": f"Bearer {key_for(app, 'automation')}"}
    return {"Authorization": app.authorization}


def key_for(app, access):
    return create_api_key(app.channel, name="Test", access=access)[1]


@pytest.mark.usefixtures("open_connection")
@pytest.mark.parametrize(
    ("operation_id", "mode"),
    [
        *((operation_id, GenerationMode.POSITIVE) for operation_id in OPERATIONS),
        *((operation_id, GenerationMode.NEGATIVE) for operation_id in TAKING_INPUT),
    ],
)
def test_every_answer_is_as_documented(api, operation_id, mode):
    operation = operation_of(api, operation_id)

    @examples(100 if operation_id == "logActivities" else 40)
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def answer_is_as_documented(case, data):
        with undone():
            app, contact = App(), make_contact(email="ada@example.com")
            make_consent()
            make_activity_type("custom")
            make_real(case, app, contact, data.draw)

            response = case.call(headers=headers_for(operation, app))

            case.validate_response(response, checks=CHECKS)
            assert response.headers["request-id"]

    answer_is_as_documented()


# Requests made of anything


ACTIVITY = st.fixed_dictionaries(
    {"type": mostly(TYPES)},
    optional={
        "value": mostly(st.text(max_size=260)),
        "url": mostly(st.text(max_size=30)),
        "referrer": mostly(st.text(max_size=30)),
        "contactFields": mostly(
            st.dictionaries(WIRE_FIELDS, mostly(st.sampled_from(["", "USA", "CA", "a@b.co"])))
        ),
        "properties": mostly(st.dictionaries(st.text(max_size=5), JSON, max_size=3)),
        "id": mostly(st.uuids().map(str)),
        "timestamp": mostly(TIMES.map(str)),
    },
)


@given(
    activities=st.lists(mostly(ACTIVITY), max_size=6),
    ascii_only=st.booleans(),
    spoiled=st.none() | st.tuples(st.integers(0, 2000), st.binary(max_size=4)),
)
@examples(150)
def test_no_activity_is_a_fault_and_each_is_accounted_for(activities, ascii_only, spoiled):
    with undone():
        app = App()
        make_activity_type("custom")
        make_activity_type("off", enabled=False)
        message = json.dumps(app.message(*activities), ensure_ascii=ascii_only)
        body = message.encode(errors="surrogatepass")
        if spoiled:
            position, garbage = spoiled
            body = body[:position] + garbage + body[position + len(garbage) :]

        response = app.post("/activities", body)

        assert response.status_code in (207, 400, 403, 404), response.content
        assert response["Request-Id"]
        if response.status_code == 207:
            statuses = [result["status"] for result in response.json()["results"]]
            accepted, refused = statuses.count(202), statuses.count(400)
            assert accepted + refused == len(statuses)
            assert RejectedActivity.objects.count() == refused
            assert Activity.objects.count() <= accepted
            do_data_inputs()
            assert not DataInput.objects.filter(outcome=DataInput.Outcome.PENDING).exists()
        else:
            assert RejectedActivity.objects.get().payload_length == len(body)
            assert not Activity.objects.exists()


@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@examples(100)
def test_no_body_is_a_fault(body):
    with undone():
        app = App()
        make_consent()
        contact = app.create_contact()

        for path in ("/activities", f"/contacts/{contact}/consents/TrackingConsent"):
            response = app.post(path, body)

            assert response.status_code == 400
            assert response["Content-Type"] == "application/problem+json"
        assert not Activity.objects.exists()


@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"]),
    path=st.lists(
        st.sampled_from(["contacts", "Consents", "activities", "TrackingConsent", "%00", "%0A"])
        | st.text(st.characters(exclude_characters="?#", codec="utf-8"), max_size=8),
        max_size=5,
    ).map("/".join),
    query=st.text(st.characters(codec="utf-8"), max_size=10),
    header=st.sampled_from(
        ["Authorization", "Origin", "Idempotency-Key", "Accept", "X-Request-Id"]
    ),
    text=st.text(st.characters(max_codepoint=255), max_size=20),
)
@examples(150)
def test_no_path_and_no_header_is_a_fault(method, path, query, header, text):
    with undone():
        app = App(make_channel(allowed_origins=["https://app.example.com"]))
        headers = {"Authorization": app.authorization, "Origin": "https://x.example", header: text}

        response = app.http.generic(
            method, f"/Kentico.Tracking/{path}", headers=headers, QUERY_STRING=query
        )

        assert response.status_code < 500, response.content
        assert response["Request-Id"]


# Drafts made of anything


ANYTHING = st.recursive(
    JSON_LEAVES
    | st.integers()
    | st.integers(-(2**5000), 2**5000)
    | st.binary(max_size=20)
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.dates()
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
    | st.just(object()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.sets(st.integers(), max_size=3)
        | st.dictionaries(any_text(max_size=10) | st.integers() | st.none(), inner, max_size=4)
    ),
    max_leaves=12,
)


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


DRAFT = st.builds(
    Draft,
    type=mostly(TYPES, ANYTHING),
    value=mostly(st.text(max_size=260), ANYTHING),
    title=mostly(st.none() | st.text(max_size=260), ANYTHING),
    url=mostly(st.text(max_size=20), ANYTHING),
    referrer=mostly(st.none() | st.text(max_size=20), ANYTHING),
    contact_fields=mostly(
        st.none()
        | st.dictionaries(WIRE_FIELDS, mostly(st.text(max_size=20), ANYTHING), max_size=3)
        | st.dictionaries(WIRE_FIELDS | st.integers(), any_text(max_size=20), max_size=3),
        ANYTHING,
    ),
    properties=mostly(
        st.none()
        | st.dictionaries(any_text(max_size=10), ANYTHING, max_size=3)
        | st.integers(1, 3000).map(nested),
        ANYTHING,
    ),
    client_id=mostly(st.none() | st.uuids(), ANYTHING),
    occurred_at=mostly(
        st.none() | st.datetimes() | TIMES | TIMES.map(str),
        ANYTHING,
    ),
    payload=st.binary(max_size=50),
)


@given(drafts=st.lists(DRAFT, min_size=1, max_size=8))
@examples(250)
def test_every_draft_is_stored_or_rejected_in_its_place(drafts):
    with undone():
        contact, channel = make_contact(), make_channel()
        make_activity_type("custom")
        make_activity_type("off", enabled=False)
        source = Source(door="test", channel=channel, request_id=uuid4())

        outcomes = record_activities(drafts, contact_guid=contact.guid, source=source)

        assert len(outcomes) == len(drafts)
        pairs = list(zip(drafts, outcomes, strict=True))
        accepted = [draft for draft, outcome in pairs if outcome.accepted]
        refused = [draft for draft, outcome in pairs if not outcome.accepted]
        anew = [
            draft
            for number, draft in enumerate(accepted)
            if draft.client_id is None
            or str(draft.client_id).lower()
            not in [str(earlier.client_id).lower() for earlier in accepted[:number]]
        ]
        stored = Activity.objects.order_by("pk").values_list("value", "url")
        assert list(stored) == [(draft.value or "", draft.url or "") for draft in anew]
        kept = RejectedActivity.objects.order_by("pk").values_list("payload", flat=True)
        assert [bytes(payload) for payload in kept] == [draft.payload for draft in refused]
        for activity in Activity.objects.all():
            assert activity.occurred_at <= activity.recorded_at + timedelta(days=1)
        do_data_inputs()
        assert not DataInput.objects.filter(outcome=DataInput.Outcome.PENDING).exists()
