"""Mixpanel: events of the import, profiles, and what an answer comes to for each of them."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from destinations.kinds import kind_of
from destinations.outcomes import MOST_OF_ANSWER, Result
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
TAKEN = answer(200, {"code": 200, "num_records_imported": 3, "status": "OK"})


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


def refusal(records, **more):
    """Mixpanel's answer to a batch of which it takes some."""
    return answer(400, {"code": 400, "num_records_imported": 1, **more, "failed_records": records})


def test_an_activity_is_an_event_that_mixpanel_can_tell_from_a_second_one():
    destination, message = make_destination("mixpanel"), make_message(at=AT)

    payload = kind_of(destination).payload(destination, message)

    assert payload["event"] == "purchase"
    assert payload["properties"] == {
        "time": 1_796_027_400_000,
        "distinct_id": GUID,
        "$insert_id": message.message_id.hex,
        "title": "Shoes",
        "value": "49.90",
        "url": "https://shop.example.com/cart",
        "referrer": "https://shop.example.com/",
        "channel": "shop",
        "price": 49.9,
        "currency": "EUR",
        "items": [{"id": "A", "size": 42}],
    }


def test_a_property_does_not_take_the_place_of_what_mixpanel_needs():
    destination = make_destination("mixpanel")
    message = make_message(properties={"time": 1, "distinct_id": "x", "$insert_id": "y"})

    properties = kind_of(destination).payload(destination, message)["properties"]

    assert properties["$insert_id"] == message.message_id.hex
    assert properties["distinct_id"] == GUID
    assert properties["time"] == int(message.at.timestamp() * 1_000)


def test_events_go_out_together_by_the_token_of_the_project():
    with raw_server(says(TAKEN)) as server:
        destination = make_destination("mixpanel", url=server.url)
        outcomes = deliver(destination, *(make_delivery(destination) for _ in range(3)))

    method, target = target_of(server.heads[0])
    assert [one.result for one in outcomes] == [Result.DELIVERED] * 3
    assert (method, parse_qs(target.partition("?")[2])) == ("POST", {"strict": ["1"]})
    assert headers_of(server.heads[0])["authorization"] == basic("tok:")
    assert len(json.loads(server.bodies[0])) == 3


def test_events_may_come_in_the_name_of_a_service_account():
    with raw_server(says(TAKEN)) as server:
        destination = make_destination(
            "mixpanel",
            url=server.url,
            options={"project": "77"},
            credentials={"token": "tok", "service_account": "hub.1", "service_secret": "hush"},
        )
        deliver(destination, make_delivery(destination))

    assert headers_of(server.heads[0])["authorization"] == basic("hub.1:hush")
    assert parse_qs(target_of(server.heads[0])[1].partition("?")[2])["project_id"] == ["77"]


def test_a_request_has_2000_events_and_2_mb_at_most():
    with raw_server(says(TAKEN)) as server:
        destination = make_destination("mixpanel", url=server.url)
        small = [
            make_delivery(destination, payload={"event": "x", "properties": {}})
            for _ in range(2_001)
        ]
        deliver(destination, *small)
        counts = [len(json.loads(body)) for body in server.bodies]
        server.bodies.clear()
        large = {"event": "x", "properties": {"text": "é" * 400_000}}
        outcomes = deliver(destination, *(make_delivery(destination, payload=large) for _ in "123"))

    assert sorted(counts) == [1, 2_000]
    assert {one.result for one in outcomes} == {Result.DELIVERED}
    assert sorted(len(json.loads(body)) for body in server.bodies) == [1, 2]
    assert max(map(len, server.bodies)) < 2_000_000


def test_of_a_batch_the_events_that_mixpanel_names_are_refused_and_the_others_delivered():
    destination = make_destination("mixpanel")
    given = [make_delivery(destination) for _ in range(3)]
    records = [
        {
            "index": 1,
            "insert_id": given[1].message_id.hex,
            "field": "properties.time",
            "message": "'properties.time' is invalid",
        }
    ]
    with raw_server(says(refusal(records))) as server:
        destination.url = server.url
        outcomes = deliver(destination, *given)

    assert [one.result for one in outcomes] == [Result.DELIVERED, Result.REFUSED, Result.DELIVERED]
    assert outcomes[1].error == "Mixpanel refuses the event: 'properties.time' is invalid"


def test_of_a_long_answer_only_the_events_that_are_named_in_it_are_refused():
    destination = make_destination("mixpanel")
    given = [make_delivery(destination) for _ in range(100)]
    records = [
        {"index": n, "insert_id": one.message_id.hex, "message": "It is invalid."}
        for n, one in enumerate(given[:90])
    ]
    with raw_server(says(refusal(records))) as server:
        destination.url = server.url
        outcomes = deliver(destination, *given)

    results = [one.result for one in outcomes]
    refused = results.count(Result.REFUSED)
    assert 20 < refused < 90
    assert results[:refused] == [Result.REFUSED] * refused
    assert {*results[refused:]} == {Result.FAILED}
    assert len(outcomes[0].answer) == MOST_OF_ANSWER


@pytest.mark.parametrize(
    "text",
    [
        '{"failed_records": []}',
        '{"failed_records": 7}',
        '{"failed_records": [7]}',
        '{"failed_records"',
        '{"failed_records": [{"insert_id": "of another", "message": "no"}]}',
        "<html>no</html>",
        "",
    ],
)
def test_where_no_event_is_named_all_are_tried_again(text):
    with raw_server(says(answer(400, text))) as server:
        destination = make_destination("mixpanel", url=server.url)
        outcomes = deliver(destination, make_delivery(destination), make_delivery(destination))

    assert [one.result for one in outcomes] == [Result.FAILED] * 2


@pytest.mark.parametrize(
    ("status", "result"), [(401, Result.FAILED), (429, Result.THROTTLED), (413, Result.FAILED)]
)
def test_any_other_answer_is_that_of_each_event(status, result):
    with raw_server(says(answer(status, "no"))) as server:
        destination = make_destination("mixpanel", url=server.url)
        outcomes = deliver(destination, make_delivery(destination), make_delivery(destination))

    assert [one.result for one in outcomes] == [result] * 2


def test_a_changed_contact_sets_its_profile():
    with raw_server(says(answer(200, {"status": 1, "error": None}))) as server:
        destination = make_destination("mixpanel", url=server.url)
        data = {"source": "api", "before": {}, "after": {"city": "Oslo"}}
        changed = make_message("contact", data=data)
        outcomes = deliver(
            destination, make_delivery(destination, changed), make_delivery(destination)
        )

    sent = {
        target_of(head)[1]: body for head, body in zip(server.heads, server.bodies, strict=True)
    }
    assert [one.result for one in outcomes] == [Result.DELIVERED] * 2
    assert sorted(sent) == ["/engage?verbose=1", "/hook?strict=1"]
    assert json.loads(sent["/engage?verbose=1"]) == [
        {
            "$token": "tok",
            "$distinct_id": GUID,
            "$ip": "0",
            "$set": {"$email": "ada@example.com", "$first_name": "Ada", "country": "GBR"},
        }
    ]


def test_a_hash_is_not_called_an_email():
    destination = make_destination("mixpanel", email="sha256")

    profile = kind_of(destination).payload(destination, make_message("contact", data={}))["$set"]

    assert (profile["email_sha256"], "$email" in profile) == ("ada@example.com", False)


def test_erasing_asks_to_delete_the_profile():
    with raw_server(says(answer(200, "1"))) as server:
        destination = make_destination("mixpanel", url=server.url)
        message = make_message("erasure", contact={"guid": GUID}, data={})
        payload = kind_of(destination).erasure(destination, message)
        (outcome,) = deliver(destination, make_delivery(destination, message, payload=payload))

    assert outcome.result is Result.DELIVERED
    assert "token" not in json.dumps(payload)
    assert json.loads(server.bodies[0]) == [
        {"$token": "tok", "$distinct_id": GUID, "$delete": "null", "$ignore_alias": False}
    ]


@pytest.mark.parametrize("text", ["0", {"status": 0, "error": "invalid $token"}])
def test_mixpanel_may_say_no_with_200(text):
    with raw_server(says(answer(200, text))) as server:
        destination = make_destination("mixpanel", url=server.url)
        delivery = make_delivery(destination, make_message("contact", data={}))
        (outcome,) = deliver(destination, delivery)

    assert (outcome.result, outcome.status) == (Result.FAILED, 200)
    assert outcome.error.startswith("Mixpanel does not take the profiles")
