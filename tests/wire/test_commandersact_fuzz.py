"""No event is a fault, and each is recorded or in the inspector."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.models import Activity, RejectedActivity
from tests.wire.fuzzing import JSON, TIMES, any_text, examples, mostly, undone
from tests.wire.source import BROWSER, EventSource
from tests.work import do_data_inputs

pytestmark = pytest.mark.django_db

USER = st.fixed_dictionaries(
    {"consistent_anonymous_id": mostly(st.sampled_from(["1", "2", "null"]))},
    optional={
        "id": mostly(st.sampled_from(["7", "8", ""])),
        "email": mostly(st.sampled_from(["a@b.co", "A@B.co", "c@d.co"])),
        "email_sha256": mostly(st.text("0123456789abcdef", min_size=64, max_size=64)),
        "firstname": mostly(any_text(max_size=120)),
        "birthdate": mostly(st.dates().map(str)),
        "country": mostly(st.sampled_from(["FR", "usa", "XX"])),
        "state": mostly(st.sampled_from(["CA", "Bavaria"])),
        "consent_categories": mostly(st.lists(st.sampled_from(["1", 3]), max_size=2)),
    },
)
CONTEXT = st.fixed_dictionaries(
    {},
    optional={
        "event_id": mostly(st.sampled_from(["1", "2", "3"])),
        "event_timestamp": mostly(TIMES.map(str) | st.integers(-(10**16), 10**16)),
        "page": mostly(st.fixed_dictionaries({}, optional={"url": JSON, "referrer": JSON})),
        "test_code": mostly(any_text(max_size=120)),
    },
)
EVENT = st.fixed_dictionaries(
    {"event_name": mostly(st.sampled_from(["purchase", "page_view", "click", "x" * 251]))},
    optional={
        "user": mostly(USER),
        "context": mostly(CONTEXT),
        "properties": mostly(st.dictionaries(st.sampled_from(["id", "user", "event"]), JSON)),
        "id": JSON,
        "value": mostly(st.floats()),
        "currency": mostly(st.sampled_from(["EUR", "JPY"])),
        "items": JSON,
    },
)


@given(events=st.lists(mostly(EVENT), min_size=1, max_size=4), in_browser=st.booleans())
@examples(150)
def test_no_event_is_a_fault_and_each_is_accounted_for(events, in_browser):
    with undone():
        source = EventSource()
        headers = BROWSER if in_browser else {}
        body = json.dumps({"batch": events}).encode()

        response = source.post(body, "/events/batch", headers=headers)

        if response.status_code == 200:
            refused = RejectedActivity.objects.exclude(status__in=["invalid_accepted", "valid"])
            recorded = Activity.objects.count()
            assert recorded + refused.count() <= len(events)
            repeated = len(events) - recorded - refused.count()
            assert repeated <= sum(_has_id(event) for event in events)
            do_data_inputs()
        else:
            # JSON without NaN, with numbers that have an end: the rest is no JSON.
            assert response.status_code == 400
            assert RejectedActivity.objects.get().code == "malformed_json"


def _has_id(event):
    return isinstance(event, dict) and ("event_id" in str(event) or "eventId" in str(event))


@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@examples(100)
def test_no_body_is_a_fault(body):
    with undone():
        source = EventSource()

        for path in ("/events", "/events/batch"):
            assert source.post(body, path).status_code in (200, 400)

        assert RejectedActivity.objects.count() == 2


@given(query=st.text(st.characters(codec="utf-8"), max_size=80))
@examples(100)
def test_no_query_is_a_fault(query):
    with undone():
        source = EventSource()
        site, key = source.channel.site_id, source.channel.source_key

        response = source.http.get(
            f"/events?tc_s={site}&token={key}&event_name=a&user[id]=7&{query}"
        )

        assert response.status_code == 200
