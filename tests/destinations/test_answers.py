"""What a destination answers, and what a worker makes of it."""

import time
from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.utils import timezone

from destinations import http
from destinations.models import Destination, Queue
from tests.destinations.delivering import (
    deliver,
    make_deliveries,
    make_delivery,
    make_destination,
    pass_time,
)
from tests.destinations.raw_servers import raw_server
from tests.destinations.receiver import hangs, in_turn, receiver, says, taken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]


def answered(answers):
    """A delivery, and the queue of its destination, after it was answered so."""
    with receiver(answers) as crm:
        delivery = make_delivery(make_destination(crm.url))
        deliver()
    delivery.refresh_from_db()
    return delivery, Queue.objects.get()


def seconds_until(moment):
    return (moment - timezone.now()).total_seconds()


def in_a_minute():
    return format_datetime(timezone.now() + timedelta(minutes=1), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        pytest.param("60", 55, 61, id="seconds"),
        pytest.param(in_a_minute, 55, 61, id="date"),
        pytest.param("1000000000", 86_390, 86_401, id="thirty years"),
        pytest.param("9" * 5_000, 86_390, 86_401, id="very many digits"),
        pytest.param("Thu, 01 Jan 1970 00:00:00 GMT", 4, 6, id="past"),
        pytest.param("-60", 4, 6, id="negative"),
        pytest.param("tomorrow", 4, 6, id="nonsense"),
        pytest.param("", 4, 6, id="empty"),
    ],
)
def test_a_destination_that_wants_fewer_is_left_alone_as_long_as_it_says(
    status, value, least, most
):
    retry_after = value() if callable(value) else value
    delivery, queue = answered(says(status, Retry_After=retry_after))

    assert least < seconds_until(queue.rests_until) < most
    assert least < seconds_until(delivery.due_at) < most
    assert (delivery.status, delivery.attempts, delivery.answer_status) == ("waiting", 1, status)
    assert (queue.has_work, queue.due_at >= queue.rests_until) == (True, True)


def test_nothing_else_is_sent_before_the_time_that_a_destination_has_named():
    with receiver(in_turn(taken, says(429, Retry_After="3600"))) as crm:
        destination = make_destination(crm.url)
        make_deliveries(destination, 50)
        deliver()
        sent = len(crm.got)
        assert sent <= 1 + 8
        pass_time(minutes=59)
        deliver()
        assert len(crm.got) == sent
        crm.answers = taken
        pass_time(minutes=2)
        deliver()

    assert destination.deliveries.filter(status="delivered").count() == 50


def test_a_destination_that_is_gone_is_paused_and_what_waits_is_kept():
    with receiver(says(410, b"Leave me alone")) as crm:
        destination = make_destination(crm.url)
        made = make_deliveries(destination, 30)
        deliver()
        sent = len(crm.got)
        pass_time(hours=24)
        deliver()

    destination.refresh_from_db()
    assert sent <= 8
    assert len(crm.got) == sent
    assert (destination.paused_by, Queue.objects.get().untold) == (
        Destination.PausedBy.GONE,
        True,
    )
    assert destination.deliveries.filter(status="waiting").count() == len(made)
    assert destination.deliveries.filter(answer="Leave me alone").count() == sent


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(status):
    with receiver() as elsewhere:
        delivery, _ = answered(says(status, Location=elsewhere.url))

    assert elsewhere.got == []
    assert (delivery.status, delivery.answer_status) == ("waiting", status)
    assert "not followed" in delivery.last_error


@pytest.mark.parametrize("status", [400, 401, 404, 500, 502, 504])
def test_any_other_answer_is_a_failure_by_the_plan(status):
    delivery, queue = answered(says(status, b"<html><h1>Sorry</h1></html>"))

    assert (delivery.status, queue.failures, queue.rests_until) == ("waiting", 1, None)
    assert 4 < seconds_until(delivery.due_at) < 6
    assert delivery.answer == "<html><h1>Sorry</h1></html>"


@pytest.mark.parametrize(("size", "kept"), [(0, 0), (4_096, 4_096), (10_000_000, 4_096)])
def test_of_an_answer_only_the_beginning_is_read_and_kept(size, kept):
    delivery, _ = answered(says(200, b"x" * size))

    assert (delivery.status, len(delivery.answer)) == ("delivered", kept)


def test_an_answer_may_be_any_bytes():
    delivery, _ = answered(says(200, b"\x00\xff\xfe\x80 ok"))

    assert delivery.status == "delivered"
    assert delivery.answer.endswith(" ok")


def test_without_an_answer_a_request_ends_in_time(monkeypatch):
    monkeypatch.setattr(http, "SECONDS", 0.5)
    with receiver() as crm:
        crm.answers = hangs(crm)
        delivery = make_delivery(make_destination(crm.url))
        deliver()

    delivery.refresh_from_db()
    assert (delivery.status, delivery.answer_status) == ("waiting", None)
    assert delivery.last_error == "127.0.0.1 did not answer within 0.5 seconds."


def test_a_byte_a_second_does_not_make_a_request_last_longer(monkeypatch):
    monkeypatch.setattr(http, "SECONDS", 0.5)

    def drip(connection, head):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with raw_server(drip) as server:
        delivery = make_delivery(make_destination(server.url))
        deliver()

    delivery.refresh_from_db()
    assert (delivery.status, delivery.answer_status) == ("waiting", None)
    assert "did not answer within 0.5 seconds" in delivery.last_error


def test_a_connection_that_is_closed_is_a_failure():
    delivery, _ = answered(lambda got: None)

    assert (delivery.status, delivery.answer_status) == ("waiting", None)
    assert delivery.last_error == "127.0.0.1 closed the connection without an answer."
