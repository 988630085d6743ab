"""Webhooks: the request that a receiver gets, and what its answer comes to."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from destinations.kinds import kind_of
from destinations.kinds.answers import time_to_wait_for
from destinations.outcomes import Result
from destinations.signing import id_of
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


def test_a_receiver_gets_the_message_and_can_check_it():
    message = make_message()
    with raw_server() as server:
        destination = make_destination(url=server.url)
        (outcome,) = deliver(destination, make_delivery(destination, message))

    headers = headers_of(server.heads[0])
    assert (outcome.result, outcome.status, outcome.answer) == (Result.DELIVERED, 200, "ok")
    assert Webhook(destination.secret).verify(server.bodies[0], headers) == {
        "type": "activity",
        "timestamp": message.at.isoformat(),
        "contact": {
            "guid": GUID,
            "email": "ada@example.com",
            "first_name": "Ada",
            "country": "GBR",
        },
        "data": message.data,
    }
    assert target_of(server.heads[0]) == ("POST", "/hook")
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == id_of(message.message_id)


def test_each_attempt_has_the_same_id_and_a_signature_of_its_own_time(monkeypatch):
    with raw_server() as server:
        destination = make_destination(url=server.url)
        delivery = make_delivery(destination)
        deliver(destination, delivery)
        later = timezone.now() + timedelta(hours=5)
        monkeypatch.setattr("destinations.kinds.webhook.timezone.now", lambda: later)
        deliver(destination, delivery)

    first, second = map(headers_of, server.heads)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) == int(later.timestamp())
    assert first["webhook-signature"] != second["webhook-signature"]
    assert server.bodies[0] == server.bodies[1]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_method_is_chosen(method):
    with raw_server() as server:
        destination = make_destination(url=server.url, method=method)
        (outcome,) = deliver(destination, make_delivery(destination))

    assert outcome.result is Result.DELIVERED
    assert target_of(server.heads[0])[0] == method
    assert json.loads(server.bodies[0])["type"] == "activity"


def test_with_get_the_message_is_the_query_which_is_signed():
    mapping = [
        {"to": "who.email", "from": "contact.email"},
        {"to": "what", "value": "é & ü=1"},
        {"to": "is_new", "value": True},
        {"to": "none", "value": None},
    ]
    with raw_server() as server:
        destination = make_destination(url=f"{server.url}?key=a%2Bb", method="GET", mapping=mapping)
        (outcome,) = deliver(destination, make_delivery(destination))

    method, target = target_of(server.heads[0])
    query = target.partition("?")[2]
    headers = headers_of(server.heads[0])
    assert (outcome.result, method, server.bodies) == (Result.DELIVERED, "GET", [b""])
    assert query.startswith("key=a%2Bb&who_email=ada@example.com&what=")
    assert query.endswith("&is_new=true&none=")
    Webhook(destination.secret).verify(query, headers, json_parse=False)
    assert "content-type" not in headers


def test_own_headers_are_sent_and_may_take_the_place_of_ours():
    own = {"Authorization": "Bearer x", "content-type": "application/vnd.api+json"}
    with raw_server() as server:
        destination = make_destination(url=server.url, headers=own)
        deliver(destination, make_delivery(destination))

    headers = headers_of(server.heads[0])
    assert headers["authorization"] == "Bearer x"
    assert server.heads[0].lower().count("content-type:") == 1
    assert headers["content-type"] == "application/vnd.api+json"


def test_an_answer_that_repeats_the_request_shows_no_secret():
    def echoes(connection, head):
        connection.sendall(answer(200, head))
        return True

    own = {"Authorization": "Bearer of-the-crm", "X-Key": "key-of-the-crm", "Accept": "text/plain"}
    with raw_server(echoes) as server:
        destination = make_destination(url=server.url, headers=own)
        (outcome,) = deliver(destination, make_delivery(destination))

    shown = headers_of(outcome.answer)
    assert (shown["authorization"], shown["x-key"]) == ("(hidden)", "(hidden)")
    assert shown["accept"] == "text/plain"
    assert "of-the-crm" not in outcome.answer


def test_a_drawn_body_is_sent_instead_of_the_usual_one():
    with raw_server() as server:
        mapping = [{"to": "mail", "from": "contact.email"}]
        destination = make_destination(url=server.url, mapping=mapping)
        deliver(destination, make_delivery(destination))

    assert json.loads(server.bodies[0]) == {"mail": "ada@example.com"}


def test_a_request_to_delete_is_never_by_the_mapping():
    destination = make_destination(mapping=[{"to": "mail", "from": "contact.email"}])
    message = make_message("erasure", contact={"guid": GUID}, data={})

    payload = kind_of(destination).erasure(destination, message)

    assert payload == {
        "type": "erasure",
        "timestamp": message.at.isoformat(),
        "contact": {"guid": GUID},
        "data": {},
    }


def test_a_message_of_more_than_20_kb_is_refused_unsent():
    with raw_server() as server:
        destination = make_destination(url=server.url)
        fits = make_delivery(destination, payload={"text": "é" * 9_900})
        large = make_delivery(destination, payload={"text": "é" * 10_000})
        outcomes = deliver(destination, large), deliver(destination, fits)

    assert [one.result for (one,) in outcomes] == [Result.REFUSED, Result.DELIVERED]
    assert outcomes[0][0].error.startswith("The message has 20,011 bytes, and a webhook takes")
    assert len(server.bodies) == 1


def test_a_message_that_is_too_long_for_a_query_says_so():
    with raw_server() as server:
        destination = make_destination(url=server.url, method="GET")
        (outcome,) = deliver(destination, make_delivery(destination, payload={"text": "x" * 2_000}))

    assert outcome.result is Result.REFUSED
    assert "Choose the method POST" in outcome.error
    assert server.heads == []


def test_without_its_secret_nothing_goes_out():
    with raw_server() as server:
        destination = make_destination(url=server.url)
        delivery = make_delivery(destination)
        destination.secret = ""
        (outcome,) = deliver(destination, delivery)

    assert outcome.result is Result.FAILED
    assert "Rotate secret" in outcome.error
    assert server.heads == []


def test_an_address_that_is_not_allowed_is_refused(settings):
    destination = make_destination(url="http://127.0.0.1:9000/hook")
    settings.DESTINATION_ALLOWED_NETWORKS = []

    (outcome,) = deliver(destination, make_delivery(destination))

    assert outcome.result is Result.REFUSED
    assert "loopback" in outcome.error


def test_where_nothing_listens_it_fails():
    with raw_server() as server:
        destination = make_destination(url=server.url)

    (outcome,) = deliver(destination, make_delivery(destination))

    assert (outcome.result, outcome.status) == (Result.FAILED, None)
    assert outcome.error


@pytest.mark.parametrize(
    ("status", "result", "error"),
    [
        (200, Result.DELIVERED, ""),
        (204, Result.DELIVERED, ""),
        (301, Result.FAILED, "It answered 301: it sends callers on to another address"),
        (307, Result.FAILED, "Enter the address to which it leads."),
        (400, Result.FAILED, "It answered 400. It does not understand the message."),
        (401, Result.FAILED, "does not accept the credentials"),
        (404, Result.FAILED, "nothing at this address"),
        (410, Result.GONE, "wants nothing any more"),
        (418, Result.FAILED, "It answered 418."),
        (429, Result.THROTTLED, "asks for fewer messages"),
        (500, Result.FAILED, "It answered 500."),
        (502, Result.FAILED, "It answered 502."),
        (503, Result.THROTTLED, "not available"),
    ],
)
def test_only_2xx_is_a_success(status, result, error):
    with raw_server(says(answer(status, "so", Location="http://127.0.0.1/"))) as server:
        destination = make_destination(url=server.url)
        (outcome,) = deliver(destination, make_delivery(destination))

    assert (outcome.result, outcome.status) == (result, status)
    assert error in outcome.error
    assert bool(outcome.error) == (result is not Result.DELIVERED)
    assert len(server.heads) == 1


def test_an_answer_says_when_to_come_again():
    before = timezone.now()
    with raw_server(says(answer(503, Retry_After="120"))) as server:
        destination = make_destination(url=server.url)
        (outcome,) = deliver(destination, make_delivery(destination))

    assert before <= outcome.not_before - timedelta(seconds=120) <= timezone.now()


NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("0", None),
        ("7", timedelta(seconds=7)),
        (" 86400 ", DAY),
        ("86401", DAY),
        ("1000000000", DAY),
        ("9" * 5_000, DAY),
        ("Mon, 30 Nov 2026 08:05:00 GMT", timedelta(minutes=5)),
        ("Mon, 30 Nov 2026 08:05:00", timedelta(minutes=5)),
        ("Fri, 01 Jan 2027 00:00:00 GMT", DAY),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
        ("Mon, 99 Nov 2026 08:05:00 GMT", None),
    ],
)
def test_a_time_to_wait_is_understood_or_ignored_and_a_day_at_most(value, after):
    expected = None if after is None else NOW + after

    assert time_to_wait_for({"retry-AFTER": value}, NOW) == expected


def test_an_answer_may_say_nothing_of_time():
    assert time_to_wait_for({}, NOW) is None
