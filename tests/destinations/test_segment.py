"""The format of Segment: calls, batches, and what an answer comes to."""

import base64
import json
from datetime import UTC, datetime

import pytest

from destinations.kinds import kind_of
from destinations.kinds.batches import in_requests
from destinations.kinds.segment import MOST_BYTES_OF_CALL
from destinations.outcomes import Result
from tests.destinations.formats import (
    GUID,
    answer,
    deliver,
    headers_of,
    make_delivery,
    make_destination,
    make_message,
    target_of,
)
from tests.destinations.raw_servers import raw_server, says

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]

AT = datetime(2026, 11, 30, 8, 30, tzinfo=UTC)


def call_of(type="activity", destination=None, **more):
    message = make_message(type, at=AT, **more)
    return kind_of(destination or make_destination("segment")).payload(
        destination or make_destination("segment"), message
    )


def test_an_activity_is_a_track_call():
    message = make_message(at=AT, title="Shoes")
    call = kind_of(make_destination("segment")).payload(make_destination("segment"), message)

    assert call == {
        "type": "track",
        "event": "purchase",
        "userId": GUID,
        "messageId": str(message.message_id),
        "timestamp": "2026-11-30T08:30:00+00:00",
        "properties": {
            "title": "Shoes",
            "value": "49.90",
            "url": "https://shop.example.com/cart",
            "referrer": "https://shop.example.com/",
            "channel": "shop",
            "price": 49.9,
            "currency": "EUR",
            "items": [{"id": "A", "size": 42}],
        },
        "context": {
            "library": {"name": "throughline"},
            "traits": {
                "email": "ada@example.com",
                "firstName": "Ada",
                "address": {"country": "GBR"},
            },
            "page": {
                "url": "https://shop.example.com/cart",
                "referrer": "https://shop.example.com/",
                "title": "Shoes",
            },
        },
    }


def test_a_property_comes_before_a_member_of_its_name():
    assert call_of(properties={"value": 7})["properties"]["value"] == 7


def test_a_changed_contact_is_an_identify_call_with_the_usual_names():
    contact = {
        "guid": GUID,
        "email": "ada@example.com",
        "last_name": "L",
        "mobile_phone": "+1",
        "company_name": "E Ltd",
        "job_title": "Engineer",
        "zip": "1",
        "birthday": "1990-12-10",
        "notes": "",
    }
    call = call_of("contact", contact=contact, data={"source": "api", "before": {}, "after": {}})

    assert (call["type"], "event" in call, "properties" in call) == ("identify", False, False)
    assert call["traits"] == {
        "email": "ada@example.com",
        "lastName": "L",
        "phone": "+1",
        "company": {"name": "E Ltd"},
        "title": "Engineer",
        "birthday": "1990-12-10",
        "address": {"postalCode": "1"},
    }


def test_a_hash_is_not_called_an_email():
    destination = make_destination("segment", email="sha256")

    traits = call_of(destination=destination)["context"]["traits"]

    assert traits["email_sha256"] == "ada@example.com"
    assert "email" not in traits


@pytest.mark.parametrize(
    ("type", "data", "event"),
    [
        ("group.entered", {"group": "vip", "name": "VIP", "cause": "rule"}, "Group Entered"),
        ("group.left", {"group": "vip", "name": "VIP", "cause": "rule"}, "Group Left"),
        ("consent", {"consent": "Mail", "agreed": True}, "Consent Answered"),
        ("automation", {"automation": "a", "name": "A", "run": 7}, "Automation Step Reached"),
    ],
)
def test_everything_else_is_a_track_call_with_a_name_of_its_own(type, data, event):
    call = call_of(type, data=data)

    assert (call["type"], call["event"], call["properties"]) == ("track", event, data)


def test_an_answer_to_a_consent_is_in_the_context_as_well():
    call = call_of("consent", data={"consent": "Mail", "agreed": False})

    assert call["context"]["consent"] == {"categoryPreferences": {"Mail": False}}


def test_calls_go_out_together_with_the_write_key():
    with raw_server() as server:
        destination = make_destination("segment", url=server.url, options={"project": "hub"})
        given = [make_delivery(destination) for _ in range(3)]
        outcomes = deliver(destination, *given)

    (body,) = map(json.loads, server.bodies)
    key = base64.b64encode(b"wk:").decode()
    assert [one.result for one in outcomes] == [Result.DELIVERED] * 3
    assert headers_of(server.heads[0])["authorization"] == f"Basic {key}"
    assert target_of(server.heads[0]) == ("POST", "/hook")
    assert [one["messageId"] for one in body["batch"]] == [str(one.message_id) for one in given]
    assert body["batch"][0]["context"]["app"] == {"name": "hub"}
    assert datetime.fromisoformat(body["sentAt"]).tzinfo


def test_batches_have_500_kb_at_most():
    with raw_server() as server:
        destination = make_destination("segment", url=server.url)
        large = [make_delivery(destination, payload={"x": "é" * 15_000}) for _ in range(40)]
        outcomes = deliver(destination, *large)

    assert {one.result for one in outcomes} == {Result.DELIVERED}
    assert sorted(len(json.loads(body)["batch"]) for body in server.bodies) == [8, 16, 16]
    assert max(map(len, server.bodies)) <= 500_000


def test_a_call_of_more_than_32_kb_is_refused_and_the_others_go_out():
    with raw_server() as server:
        destination = make_destination("segment", url=server.url)
        large = make_delivery(destination, payload={"x": "a" * MOST_BYTES_OF_CALL})
        outcomes = deliver(destination, make_delivery(destination), large)

    assert [one.result for one in outcomes] == [Result.DELIVERED, Result.REFUSED]
    assert "32,008 bytes" in outcomes[1].error
    assert len(json.loads(server.bodies[0])["batch"]) == 1


def test_one_call_for_which_batches_are_refused_is_alone_in_the_end():
    sizes = []

    def answers(connection, head):
        is_bad = b"bad" in server.bodies[-1]
        connection.sendall(answer(400 if is_bad else 200))
        return True

    with raw_server(answers) as server:
        destination = make_destination("segment", url=server.url)
        waiting = [make_delivery(destination, payload={"x": str(n)}) for n in range(199)]
        waiting.append(make_delivery(destination, payload={"x": "bad"}))
        # A server that answers one request at a time knows which body is whose.
        for attempt in range(1, 5):
            for one in waiting:
                one.attempts = attempt
            batches = list(in_requests(waiting, most=200, most_bytes=490_000))
            sizes.append([len(batch) for batch in batches])
            outcomes = [deliver(destination, *batch) for batch in batches]
            for batch, found in zip(batches, outcomes, strict=True):
                for one, outcome in zip(batch, found, strict=True):
                    one.answer_status = outcome.status
            waiting = [one for one in waiting if one.answer_status == 400]

    assert sizes == [[200], [25] * 8, [3] * 8 + [1], [1]]
    assert [one.payload for one in waiting] == [{"x": "bad"}]


def test_after_a_refusal_calls_go_apart_from_new_ones():
    destination = make_destination("segment")
    given = [
        make_delivery(destination, payload={}, attempts=attempts, answer_status=status)
        for attempts, status in [(1, None), (9, 400), (2, 500), (9, 413), (1, None)]
    ]

    batches = list(in_requests(given, most=500, most_bytes=490_000))

    assert batches == [[given[0], given[2], given[4]], [given[1]], [given[3]]]


@pytest.mark.parametrize(
    ("status", "result"), [(429, Result.THROTTLED), (410, Result.GONE), (500, Result.FAILED)]
)
def test_an_answer_is_that_of_each_call(status, result):
    with raw_server(says(answer(status))) as server:
        destination = make_destination("segment", url=server.url)
        outcomes = deliver(destination, make_delivery(destination), make_delivery(destination))

    assert [one.result for one in outcomes] == [result] * 2


def test_there_is_no_way_to_ask_for_a_deletion():
    destination = make_destination("segment")

    assert kind_of(destination).erasure(destination, make_message("erasure", data={})) is None
