"""The secrets of destinations: nothing goes out without them, and no answer shows them."""

import base64

import pytest

from destinations.outcomes import Result
from tests.destinations.formats import answer, deliver, make_delivery, make_destination, test
from tests.destinations.raw_servers import raw_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]


@pytest.mark.parametrize(
    ("type", "secret"),
    [("segment", "write key"), ("mixpanel", "project token"), ("ga4", "API secret")],
)
def test_nothing_goes_out_without_its_secret(type, secret):
    with raw_server() as server:
        destination = make_destination(type, url=server.url)
        delivery = make_delivery(destination)
        destination.credentials = {}
        outcomes = [*deliver(destination, delivery), test(destination, delivery)]

    assert [one.result for one in outcomes] == [Result.FAILED] * 2
    assert {one.error for one in outcomes} == {f"The destination has no {secret} yet. Enter it."}
    assert server.heads == []


@pytest.mark.parametrize(
    ("type", "name"), [("segment", "write_key"), ("mixpanel", "token"), ("ga4", "api_secret")]
)
def test_an_answer_that_repeats_the_request_shows_no_secret(type, name):
    def echoes(connection, head):
        connection.sendall(answer(500, head + server.bodies[-1].decode()))
        return True

    with raw_server(echoes) as server:
        secret = {name: "never-shown"}
        destination = make_destination(type, url=server.url, credentials=secret)
        (outcome,) = deliver(destination, make_delivery(destination))

    assert "(hidden)" in outcome.answer
    assert "never-shown" not in outcome.answer
    assert base64.b64encode(b"never-shown:").decode() not in outcome.answer
