"""Test messages: what is sent, and what a user sees of the answer."""

import hashlib
import json
import threading

import pytest
from django.core.exceptions import ValidationError

from contacts.profile import FIELDS
from destinations import http
from destinations.examples import example_message
from destinations.http import Request
from destinations.kinds import base
from destinations.models import Delivery, Destination
from destinations.outcomes import Outcome, Result
from destinations.testing import send_test
from tests.destinations.raw_servers import raw_server, says

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback", "plain_kind")]


class Plain(base.DestinationKind):
    """Posts a message as it is."""

    type = "webhook"
    reason = ""

    def payload(self, destination, message):
        return message.as_json()

    def why_not(self, payload, occurred_at, now):
        return self.reason

    async def send(self, destination, deliveries, client):
        (delivery,) = deliveries
        body = json.dumps(delivery.payload).encode()
        answer = await client.ask(Request("POST", destination.url, {}, body))
        is_taken = answer.status is not None and answer.status < 300
        result = Result.DELIVERED if is_taken else Result.FAILED
        error = "" if is_taken else answer.error or f"It answered {answer.status}."
        return {delivery.message_id: Outcome(result, answer.status, answer.text, error)}


@pytest.fixture
def plain_kind(monkeypatch):
    kind = Plain()
    monkeypatch.setitem(base._kinds, "webhook", kind)
    return kind


def make_destination(url="https://crm.example.com/", **fields):
    return Destination.objects.create(name="CRM", code_name="crm", url=url, **fields)


def test_the_answer_to_a_test_is_shown():
    with raw_server() as server:
        destination = make_destination(server.url, activities=["purchase"])
        tested = send_test(destination)

    delivery = Delivery.objects.get()
    assert delivery == tested.delivery
    assert (tested.is_delivered, 0 < tested.seconds < 15) == (True, True)
    assert (delivery.status, delivery.answer_status, delivery.answer) == ("delivered", 200, "ok")
    assert (delivery.kind, delivery.attempts, delivery.contact, delivery.reason) == (
        *("test", 1, None, ""),
    )
    assert delivery.source.startswith("test:")
    assert delivery.delivered_at >= delivery.attempted_at
    assert json.loads(server.bodies[0]) == delivery.payload
    assert delivery.payload["type"] == "test"
    assert delivery.payload["data"]["type"] == "purchase"


def test_a_test_that_fails_says_why():
    with raw_server(says(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nOops")) as server:
        tested = send_test(make_destination(server.url))

    delivery = Delivery.objects.get()
    assert (tested.is_delivered, delivery.status, delivery.delivered_at) == (False, "failed", None)
    assert (delivery.answer_status, delivery.answer) == (500, "Oops")
    assert delivery.reason == delivery.last_error == "It answered 500."


def test_a_test_to_an_address_that_is_not_allowed_says_so(settings):
    settings.DESTINATION_ALLOWED_NETWORKS = []
    with raw_server() as server:
        delivery = send_test(make_destination(server.url)).delivery

    assert (delivery.status, server.connections) == ("failed", 0)
    assert delivery.reason.startswith("127.0.0.1 is a loopback address.")


def test_what_the_kind_cannot_deliver_is_not_sent(plain_kind):
    plain_kind.reason = "The message is too large."
    with raw_server() as server:
        delivery = send_test(make_destination(server.url)).delivery

    assert (delivery.status, delivery.reason) == ("failed", "The message is too large.")
    assert (delivery.attempts, delivery.attempted_at, server.connections) == (0, None, 0)


def test_a_test_that_is_not_answered_is_given_up(monkeypatch):
    monkeypatch.setattr(http, "SECONDS", 0.5)
    held = threading.Event()
    with raw_server(lambda connection, head: held.wait(10)) as server:
        tested = send_test(make_destination(server.url))
        held.set()

    assert 0.5 <= tested.seconds < 5
    assert tested.delivery.reason == "127.0.0.1 did not answer within 0.5 seconds."


def test_a_destination_that_is_deleted_while_it_is_tested_is_an_error_of_the_user(plain_kind):
    destination = make_destination()

    def delete(*_):
        Destination.objects.all().delete()
        return "It is gone."

    plain_kind.why_not = delete

    with pytest.raises(ValidationError, match="deleted this destination meanwhile"):
        send_test(destination)
    assert not Delivery.objects.exists()


def test_a_destination_is_tested_before_it_is_switched_on_and_in_dry_mode():
    with raw_server() as server:
        destination = make_destination(server.url, enabled=False, dry=True)

        assert [send_test(destination).is_delivered for _ in range(2)] == [True, True]

    # Each test is another message, so that no receiver takes the second for the first.
    assert Delivery.objects.values("message_id").distinct().count() == 2


def test_a_test_is_about_nobody():
    contact = example_message(make_destination()).contact

    # A new field of contacts has to be in the example, too.
    assert [*contact] == ["guid", *FIELDS]
    assert contact["email"].endswith("@example.com")


def test_an_example_has_what_the_destination_may_have():
    hashed = make_destination(email="sha256", fields=["city"])
    contact = example_message(hashed).contact

    assert [*contact] == ["guid", "email", "city"]
    assert contact["email"] == hashlib.sha256(b"ada.example@example.com").hexdigest()
    hashed.email = "none"
    assert [*example_message(hashed).contact] == ["guid", "city"]


def test_an_example_is_of_any_kind():
    message = example_message(make_destination(), kind="activity")

    assert (message.type, message.data["type"]) == ("activity", "purchase")
