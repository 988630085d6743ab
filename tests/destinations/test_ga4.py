"""Google Analytics 4: events as the Measurement Protocol takes them."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from destinations.kinds import kind_of
from destinations.outcomes import Result
from tests.destinations.formats import (
    GUID,
    answer,
    deliver,
    make_delivery,
    make_destination,
    make_message,
    target_of,
    test,
)
from tests.destinations.raw_servers import raw_server, says

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]

AT = datetime(2026, 11, 30, 8, 30, 0, 5, tzinfo=UTC)
OTHER = "0b6f5b1c-58a9-4e19-8d0c-0f6a44c1d1aa"


def payload_of(type="activity", **more):
    destination = make_destination("ga4")
    return kind_of(destination).payload(destination, make_message(type, at=AT, **more))


def event_of(type="activity", **more):
    return payload_of(type, **more)["event"]


def params_of(**properties):
    return event_of(properties=properties)["params"]


def test_an_activity_is_an_event_of_the_contact():
    assert payload_of() == {
        "client_id": GUID,
        "user_id": GUID,
        "user_properties": {"country": {"value": "GBR"}},
        "event": {
            "name": "purchase",
            "timestamp_micros": 1_796_027_400_000_005,
            "params": {
                "items": [{"id": "A", "size": 42}],
                "engagement_time_msec": 1,
                "page_title": "Shoes",
                "page_referrer": "https://shop.example.com/",
                "page_location": "https://shop.example.com/cart",
                "channel": "shop",
                "price": 49.9,
                "currency": "EUR",
                "value": 49.9,
            },
        },
    }


def test_who_the_contact_is_does_not_go_to_google():
    contact = {
        "guid": GUID,
        "email": "ada@example.com",
        "first_name": "Ada",
        "mobile_phone": "+441632960001",
        "address1": "1 Example Street",
        "notes": "Likes it",
        "job_title": "Engineer",
    }
    payload = payload_of(
        contact=contact,
        title="For ada@example.com",
        url="https://shop.example.com/?mail=ada%40example.com&a=1",
        properties={"reply_to": "Ada <ada@example.com>"},
    )

    text = json.dumps(payload)
    for personal in ("ada@", "ada%40", "Ada", "+4416", "Street", "Likes"):
        assert personal not in text.replace("Ada <(email)>", "")
    assert payload["user_properties"] == {"job_title": {"value": "Engineer"}}
    assert payload["event"]["params"]["page_location"].endswith("/?mail=(email)&a=1")


def test_of_a_change_only_the_names_of_fields_go_to_google():
    data = {"source": "api", "before": {"city": "Rome"}, "after": {"city": "Oslo", "zip": "1"}}

    event = event_of("contact", data=data)

    assert event["name"] == "Contact_Changed"
    assert event["params"] == {"engagement_time_msec": 1, "source": "api", "changed": "city, zip"}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("custom_loan_calculator", "custom_loan_calculator"),
        ("file download request", "file_download_request"),
        ("7days", "hub_7days"),
        ("größe", "gr__e"),
        ("_private", "hub__private"),
        ("ga_event", "hub_ga_event"),
        ("firebase_x", "hub_firebase_x"),
        ("session_start", "hub_session_start"),
        ("x" * 60, "x" * 40),
    ],
)
def test_names_are_those_that_google_takes(given, name):
    assert event_of(type="activity", data={"type": given, "properties": {}})["name"] == name


def test_values_are_those_that_google_takes():
    params = params_of(
        text="x" * 300, flag=True, nothing=None, empty="", deep={"a": 1}, many=[1, 2], number=1.5
    )

    del params["engagement_time_msec"]
    for name in ("page_title", "page_referrer", "page_location", "channel", "value"):
        del params[name]
    assert params == {
        "text": "x" * 100,
        "flag": "true",
        "deep_a": 1,
        "many_0": 1,
        "many_1": 2,
        "number": 1.5,
    }


def test_an_event_has_25_parameters_and_an_address_1000_characters():
    event = event_of(
        url="https://a.example/" + "x" * 2_000, properties={f"p{n}": n for n in range(60)}
    )

    assert len(event["params"]) == 25
    assert len(event["params"]["page_location"]) == 1_000


def test_a_value_that_is_no_number_is_no_amount():
    params = event_of(value="gold")["params"]

    assert (params["activity_value"], "value" in params) == ("gold", False)
    for value in ("nan", "inf", "-inf", "1e400"):
        assert "value" not in event_of(value=value)["params"]


def test_requests_have_events_of_one_client_and_25_at_most():
    with raw_server(says(answer(204))) as server:
        destination = make_destination("ga4", url=f"{server.url}?a=b")
        other = make_message(contact={"guid": OTHER})
        given = [
            *(make_delivery(destination) for _ in range(30)),
            make_delivery(destination, other),
        ]
        outcomes = deliver(destination, *given)

    bodies = [json.loads(body) for body in server.bodies]
    assert [one.result for one in outcomes] == [Result.DELIVERED] * 31
    assert sorted((one["client_id"], len(one["events"])) for one in bodies) == [
        (OTHER, 1),
        (GUID, 5),
        (GUID, 25),
    ]
    method, target = target_of(server.heads[0])
    assert (method, parse_qs(target.partition("?")[2])) == (
        "POST",
        {"a": ["b"], "measurement_id": ["G-ABC1234567"], "api_secret": ["hush"]},
    )


def test_each_client_has_its_own_answer():
    def answers(connection, head):
        is_other = OTHER.encode() in server.bodies[-1]
        connection.sendall(answer(500 if is_other else 204))
        return True

    with raw_server(answers) as server:
        destination = make_destination("ga4", url=server.url)
        other = make_delivery(destination, make_message(contact={"guid": OTHER}))
        results = {
            len(given): [one.result for one in deliver(destination, *given)]
            for given in ([other], [make_delivery(destination), make_delivery(destination)])
        }

    assert results == {1: [Result.FAILED], 2: [Result.DELIVERED] * 2}


def test_what_is_older_than_72_hours_is_refused_at_each_attempt(monkeypatch):
    with raw_server(says(answer(204))) as server:
        destination = make_destination("ga4", url=server.url)
        now = timezone.now()
        old = make_message(at=now - timedelta(hours=72, seconds=1))
        young = make_message(at=now - timedelta(hours=71, minutes=59))
        given = [make_delivery(destination, one) for one in (old, young)]
        first = deliver(destination, *given)
        later = now + timedelta(minutes=2)
        monkeypatch.setattr("destinations.kinds.base.timezone.now", lambda: later)
        second = deliver(destination, given[1])

    assert [one.result for one in (*first, *second)] == [
        Result.REFUSED,
        Result.DELIVERED,
        Result.REFUSED,
    ]
    assert first[0].error == (
        "Google Analytics takes events of the last 72 hours, and this one is older."
    )


def test_a_test_is_validated_and_recorded_nowhere():
    with raw_server(says(answer(200, {"validationMessages": []}))) as server:
        url = server.url.replace("/hook", "/mp/collect")
        destination = make_destination("ga4", url=url)
        outcome = test(destination, make_delivery(destination, make_message("test")))

    body = json.loads(server.bodies[0])
    assert outcome.result is Result.DELIVERED
    assert target_of(server.heads[0])[1].startswith("/debug/mp/collect?")
    assert body["validation_behavior"] == "ENFORCE_RECOMMENDATIONS"
    assert len(body["events"]) == 1


def test_what_the_validation_finds_is_said():
    found = {"validationMessages": [{"fieldPath": "events", "description": "Name is bad."}]}
    with raw_server(says(answer(200, found))) as server:
        destination = make_destination("ga4", url=server.url)
        outcome = test(destination, make_delivery(destination))

    assert (outcome.result, outcome.status, outcome.error) == (Result.FAILED, 200, "Name is bad.")
    assert "fieldPath" in outcome.answer


@pytest.mark.parametrize("text", ["", "<html>", "[]", "7", '{"validationMessages": 7}'])
def test_an_answer_that_is_no_validation_is_no_success(text):
    with raw_server(says(answer(200, text))) as server:
        destination = make_destination("ga4", url=server.url)
        outcome = test(destination, make_delivery(destination))

    assert outcome.result is Result.FAILED
    assert "is this the address of Google Analytics?" in outcome.error
