"""The ASGI application: bodies in pieces, slow clients, cookies, pages."""

import asyncio
import io
import json

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import FileResponse, HttpResponse

from activities.models import Activity, RejectedActivity
from config import asgi, serving
from contacts.models import Contact
from tests.config.server import CLICK, LOOP, PATH, SILENCE, lifespan, message, talk
from tests.factories import make_contact
from tests.threads import run_in_loop

pytestmark = pytest.mark.django_db(transaction=True)


def test_other_protocols_are_not_answered():
    communicator = ApplicationCommunicator(asgi.application, {"type": "websocket"})

    assert run_in_loop(communicator.wait(5)) is None


def test_server_is_told_when_the_application_has_started_and_ended():
    async def live():
        communicator = ApplicationCommunicator(asgi.application, {"type": "lifespan"})
        told = []
        for what in ("startup", "shutdown"):
            await communicator.send_input({"type": f"lifespan.{what}"})
            told.append((await communicator.receive_output(5))["type"])
        await communicator.wait(5)
        return told

    assert run_in_loop(live()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize(("path", "method"), [(PATH, "POST"), ("/admin/login/", "GET")])
def test_client_may_have_no_address(server, key, path, method):
    answer = server.send(path, message(key), method=method, headers=key.headers, client=None)

    assert answer[0] in (200, 207)


@pytest.mark.parametrize("fields", [["a=1; csrftoken=b"], ["a=1", "csrftoken=b"]])
def test_cookies_in_several_fields_are_one(monkeypatch, fields):
    seen = []

    def get_response(request):
        seen.append(request.COOKIES)
        return HttpResponse()

    monkeypatch.setattr(asgi._django, "get_response", get_response)
    headers = [(b"host", b"testserver"), *((b"cookie", field.encode()) for field in fields)]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}

    asgi._django._answer(scope, io.BytesIO())

    assert seen == [{"a": "1", "csrftoken": "b"}]


def test_body_that_does_not_arrive_is_given_up(monkeypatch):
    monkeypatch.setattr(serving, "_BODY_SECONDS", 0.1)

    async def receive():
        await asyncio.sleep(3600)

    assert run_in_loop(serving.read_body(receive)).status == 408


def test_requests_at_once_are_all_recorded(key):
    contact = make_contact()
    body = message(key, CLICK, contact=contact)
    headers = [(name.encode(), value.encode()) for name, value in key.headers.items()]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b""}
    scope["headers"] = [(b"host", b"testserver"), *headers]

    async def send_many():
        async with lifespan():
            return await asyncio.gather(*(talk(dict(scope), [body]) for _ in range(40)))

    answers = run_in_loop(send_many())

    assert {answer[0] for answer in answers} == {207}
    assert len({answer[1]["request-id"] for answer in answers}) == 40
    assert Activity.objects.filter(contact=contact).count() == 40
    assert Activity.objects.values("recorded_in").distinct().count() < 40


def test_body_in_pieces_is_read(server, key):
    body = message(key)

    for pieces in ([body[:9], body[9:]], [body, b""], [b"", body[:1], b"", body[1:]]):
        assert server.send(pieces=pieces, headers=key.headers)[0] == 207
    assert server.ways == [LOOP] * 3
    assert server.threads[1:] == [0, 0]


def test_large_body_is_a_threads(server, key):
    body = message(key, *[CLICK] * 12_000)
    assert len(body) > serving.SMALL_BODY_BYTES
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]

    status, _, answer = server.send(pieces=pieces, headers=key.headers)

    assert (status, server.ways, server.threads) == (207, [LOOP], [1])
    assert json.loads(answer)["results"] == [{"status": 202}] * 12_000


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        (1_000, 1_001),
        (1_000, 1_000_000),
        (serving.SMALL_BODY_BYTES, serving.SMALL_BODY_BYTES + 1),
        (serving.SMALL_BODY_BYTES + 1, 1_000_000),
    ],
)
def test_body_without_a_length_that_is_too_large_is_refused(server, key, settings, limit, size):
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = limit
    pieces = [b" " * 10_000] * (size // 10_000) + [b" " * (size % 10_000)]

    status, _, answer = server.send(pieces=pieces, headers=key.headers)

    assert (status, json.loads(answer)["code"]) == (413, "too_large")


def test_endless_body_is_read_within_limits(key, settings):
    settings.MAX_BODY_BYTES = 1_000
    read = []

    async def receive():
        read.append(1)
        return {"type": "http.request", "body": b" " * 500, "more_body": True}

    with run_in_loop(serving.read_body(receive)) as body:
        assert len(body.read()) >= 1_001
    assert len(read) * 500 < serving.SMALL_BODY_BYTES + 6 * 1_000


def test_body_that_nobody_sends_any_more_is_given_up(monkeypatch, settings):
    settings.MAX_BODY_BYTES = 1_000
    monkeypatch.setattr(serving, "_UNWANTED_SECONDS", 0.1)
    pieces = [b" " * serving.SMALL_BODY_BYTES, b" ", b" "]

    async def receive():
        if not pieces:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": pieces.pop(), "more_body": True}

    run_in_loop(serving.read_body(receive)).close()


def test_client_whose_body_does_not_come_is_told(server, key, monkeypatch):
    monkeypatch.setattr(serving, "_BODY_SECONDS", 0.1)

    assert server.send(pieces=[b"{", b" ", SILENCE], headers=key.headers)[0] == 408


@pytest.mark.parametrize("pieces", [[None], [b"{", None], [b" " * 300_000, b" ", None]])
def test_client_that_has_gone_is_not_answered(server, key, pieces):
    assert server.send(pieces=pieces, headers=key.headers) is None
    assert Contact.objects.count() == RejectedActivity.objects.count() == 0


def test_pages_files_and_cookies_arrive(server):
    status, headers, page = server.send("/admin/login/", method="GET")
    assert (status, b"csrfmiddlewaretoken" in page) == (200, True)
    assert headers["set-cookie"].startswith("csrftoken=")
    assert headers["content-length"] == str(len(page))

    status, headers, style = server.send("/static/adminsite/admin.css", method="GET")
    assert (status, headers["content-length"]) == (200, str(len(style)))
    assert len(style) > 1_000


@pytest.mark.parametrize("query", [b"a=%FF", b"a=\xc3\xa9", b"a=%", b"a&&="])
def test_no_query_is_too_strange(server, key, query):
    path = "/Kentico.Tracking/consents/Unknown"

    assert server.send(path, method="GET", headers=key.headers, query=query)[0] == 404


def test_a_file_is_sent_in_pieces_and_not_read_as_a_whole(monkeypatch, tmp_path):
    file = tmp_path / "rows.csv"
    content = b"row\r\n" * 200_000
    file.write_bytes(content)

    def get_response(request):
        return FileResponse(file.open("rb"), as_attachment=True)

    monkeypatch.setattr(asgi._django, "get_response", get_response)
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    answer = asgi._django._answer(scope, io.BytesIO())
    file.unlink()  # what has begun goes on
    sent = []

    async def send(event):
        sent.append(event)

    run_in_loop(answer.send(send))

    assert (b"Content-Length", b"1000000") in answer.headers
    pieces = [event["body"] for event in sent[1:]]
    assert b"".join(pieces) == content
    assert len(pieces) == 5
    assert [event.get("more_body", False) for event in sent[1:]] == [True] * 4 + [False]
    assert answer.file.closed
