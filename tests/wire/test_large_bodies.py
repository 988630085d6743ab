"""Bodies that are too large, on a real connection: the client gets the answer."""

import http.client
import json
from contextlib import closing

import pytest

from tests.config.hub import Web

pytestmark = pytest.mark.timeout(120)

MEGABYTE = 1_000_000
MAKE_KEY = (
    "from channels.keys import create_api_key; from channels.models import Channel; "
    "print(create_api_key(Channel.objects.create(code_name='app'), name='Test')[1])"
)


@pytest.fixture(scope="module")
def hub(homes, tmp_path_factory):
    with Web(homes.copy(tmp_path_factory.mktemp("bodies") / "hub")) as hub:
        yield hub


@pytest.fixture(scope="module")
def key(hub):
    return hub.shell(MAKE_KEY)


def pieces(length):
    for _ in range(length // MEGABYTE):
        yield b" " * MEGABYTE


def send(hub, path, body, **headers):
    """What Python's http.client gets, which sends all of the body before it reads anything."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
    with closing(connection):
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def post(hub, key, body):
    status, problem = send(hub, "/Kentico.Tracking/activities", body, Authorization=f"Bearer {key}")
    return status, problem["code"]


@pytest.mark.parametrize("megabytes", [11, 40])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["with-length", "chunked"])
def test_client_that_sends_too_much_is_told_so(hub, key, megabytes, is_chunked):
    length = megabytes * MEGABYTE
    body = pieces(length) if is_chunked else b" " * length

    assert post(hub, key, body) == (413, "too_large")


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with-length", "chunked"])
def test_client_of_activecampaign_format_events_is_told_so_in_that_format(hub, is_chunked):
    body = pieces(40 * MEGABYTE) if is_chunked else b"x" * 40 * MEGABYTE

    assert send(hub, "/event", body) == (
        400,
        {"success": 0, "message": "An event may have 1,048,576 bytes at most."},
    )


def test_client_without_a_key_is_told_so_however_much_it_sends(hub):
    assert post(hub, "wrong", b" " * 11 * MEGABYTE) == (401, "unauthorized")


def test_client_that_never_ends_is_cut_off(hub, key):
    """Beyond four times what is allowed, the connection may be closed under the client."""
    with pytest.raises(ConnectionError):
        post(hub, key, pieces(2000 * MEGABYTE))
    assert hub.get("/health/live")[0] == 200
