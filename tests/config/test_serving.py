"""The ASGI application: bodies in pieces, and which requests take the express lane."""

import asyncio
import io
import json
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import DatabaseError
from django.http import HttpResponse
from django.utils import timezone

from activities import recording
from activities.group_commit import Busy
from activities.models import Activity, DataInput, RejectedActivity
from channels.keys import find_api_key, note_use
from channels.memory import forget_everything
from channels.models import ApiKey, Channel
from config import asgi, serving
from contacts.models import Contact
from tests.factories import make_channel, make_contact, make_key
from tests.threads import run_in_loop

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

PATH = "/Kentico.Tracking/activities"
CLICK = {"type": "click", "value": "Buy"}
LANE, VIEW = "express lane", "view"


class Client:
    """Sends requests to the ASGI application as a server does; `ways` says who answered them."""

    def __init__(self, monkeypatch):
        self.ways = []
        answer = asgi._django.answer

        async def noted(*arguments):
            self.ways[-1] = VIEW
            return await answer(*arguments)

        monkeypatch.setattr(asgi._django, "answer", noted)

    def send(self, path=PATH, body=b"", *, method="POST", headers=(), pieces=None, query=b""):
        """The status, the headers and the body of the answer; None if there is none."""
        self.ways.append(LANE)
        given = {"host": "testserver", **dict(headers)}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": query,
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        return run_in_loop(_talk(scope, pieces or [body]))


async def _talk(scope, pieces):
    server = ApplicationCommunicator(asgi.application, scope)
    *others, last = pieces
    for piece in others:
        await server.send_input({"type": "http.request", "body": piece, "more_body": True})
    if last is None:
        await server.send_input({"type": "http.disconnect"})
        await server.wait(10)
        return None
    await server.send_input({"type": "http.request", "body": last, "more_body": False})
    start = await server.receive_output(20)
    end = await server.receive_output(20)
    await server.wait(10)
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, end["body"]


@pytest.fixture
def client(monkeypatch):
    return Client(monkeypatch)


@pytest.fixture
def key(settings):
    """A key that the process remembers, as it does when requests keep coming."""
    settings.REMEMBERED_SECONDS = 60
    key, text = make_key()
    note_use(find_api_key(text, access=ApiKey.Access.TRACKING))
    find_api_key(text, access=ApiKey.Access.TRACKING)
    key.headers = {"authorization": f"Bearer {text}", "content-type": "application/json"}
    yield key
    forget_everything()


def message(key, *activities, contact=None, **changes):
    given = {
        "channel": str(key.channel.guid),
        "contact": str((contact or make_contact()).guid),
        "activities": list(activities or [CLICK]),
    }
    return json.dumps({**given, **changes}).encode()


def test_usual_request_takes_the_express_lane(client, key):
    contact = make_contact()
    body = message(key, CLICK, {"type": "nothing"}, contact=contact)

    status, headers, answer = client.send(body=body, headers=key.headers)

    assert client.ways == [LANE]
    assert status == 207
    assert [result["status"] for result in json.loads(answer)["results"]] == [202, 400]
    activity = Activity.objects.get()
    assert (activity.contact, activity.channel) == (contact, key.channel)
    assert str(activity.request_id) == headers["request-id"]
    assert str(RejectedActivity.objects.get().request_id) == headers["request-id"]


def test_both_lanes_answer_alike(client, key):
    body = message(key, CLICK, {"type": "nothing"})
    answers = [
        client.send(body=body, headers={**key.headers, **more})
        for more in ({}, {"origin": "https://app.example.com"})
    ]

    assert client.ways == [LANE, VIEW]
    (status, headers, answer), (status_of_view, headers_of_view, answer_of_view) = answers
    assert (status, answer) == (status_of_view, answer_of_view)
    assert headers.keys() <= headers_of_view.keys()
    different = {name for name in headers if headers[name] != headers_of_view[name]}
    assert different == {"request-id"}


@pytest.mark.parametrize("path", [f"{PATH}/", PATH.lower(), PATH.upper()])
def test_every_spelling_of_the_path_takes_the_lane(client, key, path):
    assert client.send(path, message(key), headers=key.headers)[0] == 207
    assert client.ways == [LANE]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"method": "GET"}, 405),
        ({"path": "/Kentico.Tracking/contacts"}, 200),
        ({"body": b"{"}, 400),
        ({"headers": {"host": "www.example.com"}}, 400),
        ({"headers": {"authorization": "Bearer tl_abc_def"}}, 401),
        ({"headers": {"authorization": "Basic abc"}}, 401),
        ({"headers": {"authorization": ""}}, 401),
        ({"headers": {"origin": "https://app.example.com"}}, 207),
        ({"headers": {"Origin": "x", "origin": "y"}}, 207),
    ],
)
def test_unusual_request_is_the_views(client, key, how, status):
    given = {"body": message(key), **how}
    given["headers"] = {**key.headers, **how.get("headers", {})}

    assert client.send(**given)[0] == status
    assert client.ways == [VIEW]


def test_request_for_another_channel_is_the_views(client, key):
    body = message(key, channel=str(uuid4()))

    assert client.send(body=body, headers=key.headers)[0] == 403
    assert client.ways == [VIEW]


def test_domain_of_a_website_is_the_views(client, key):
    channel = make_channel(kind=Channel.Kind.WEBSITE, domain="www.example.com")
    headers = {**key.headers, "host": channel.domain}

    assert client.send(body=message(key), headers=headers)[0] == 207
    assert client.ways == [VIEW]


@pytest.mark.parametrize(
    ("setting", "value", "status"),
    [
        ("TRACKING_API_ENABLED", False, 404),
        ("READ_ONLY", True, 503),
        ("MAX_BODY_BYTES", 50, 413),
        ("REMEMBERED_SECONDS", 0, 207),
    ],
)
def test_switches_are_respected(client, key, settings, setting, value, status):
    setattr(settings, setting, value)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = settings.MAX_BODY_BYTES

    assert client.send(body=message(key), headers=key.headers)[0] == status
    assert client.ways == [VIEW]


@pytest.mark.parametrize(
    "fields",
    [
        {"enabled": False},
        {"access": ApiKey.Access.ACTIVECAMPAIGN},
        {"expires_at": timezone.now() - timedelta(days=1)},
    ],
)
def test_changed_key_counts_at_once_where_it_was_changed(client, key, fields):
    body = message(key)
    assert client.send(body=body, headers=key.headers)[0] == 207
    for name, value in fields.items():
        setattr(key, name, value)
    key.save()

    assert client.send(body=body, headers=key.headers)[0] == 401
    assert client.ways == [LANE, VIEW]


def test_view_notes_that_a_key_is_in_use(client, key, settings):
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    forget_everything()
    body = message(key)

    for _ in range(3):
        assert client.send(body=body, headers=key.headers)[0] == 207

    assert client.ways == [VIEW, LANE, LANE]
    assert ApiKey.objects.get().last_used_at > timezone.now() - timedelta(minutes=1)


def test_unknown_contact_is_answered_by_the_view_and_in_the_inspector(client, key):
    contact = make_contact()
    body = message(key, contact=contact)
    contact.delete()

    status, headers, answer = client.send(body=body, headers=key.headers)

    assert (status, json.loads(answer)["code"]) == (404, "unknown_contact")
    line = RejectedActivity.objects.get()
    assert str(line.request_id) == headers["request-id"]
    assert line.contact_guid == str(contact.guid)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(Busy(), 503, "busy"), (DatabaseError("gone"), 500, "server_error")],
)
def test_failure_to_record_is_answered_once(client, key, monkeypatch, error, status, code):
    calls = []

    async def fail(submission):
        calls.append(submission)
        raise error

    monkeypatch.setattr(recording._commits, "write_async", fail)
    monkeypatch.setattr(recording._commits, "write", calls.append)

    answer = client.send(body=message(key), headers=key.headers)

    assert (answer[0], json.loads(answer[2])["code"]) == (status, code)
    assert len(calls) == 1
    assert not Activity.objects.exists()


def test_lane_rings_for_a_worker_about_data_input(client, key, monkeypatch):
    rung = []
    monkeypatch.setattr(
        recording.tasks.apply_data_input, "delay_on_commit", lambda **about: rung.append(about)
    )
    contact = make_contact()
    form = {"type": "datainput", "value": "Form", "contactFields": {"ContactFirstName": "Ann"}}

    client.send(body=message(key, CLICK, form, contact=contact), headers=key.headers)

    assert client.ways == [LANE]
    assert rung == [{"contact_id": contact.pk}]
    assert DataInput.objects.count() == 1


def test_lane_says_what_the_inspector_had_no_room_for(client, key, settings):
    settings.REJECTED_KEPT_PER_REQUEST = 2

    client.send(body=message(key, *[{"type": "nothing"}] * 5), headers=key.headers)

    assert client.ways == [LANE]
    assert RejectedActivity.objects.count() == 3


@pytest.mark.parametrize("more", [{}, {"origin": "https://app.example.com"}])
def test_what_is_recorded_is_acknowledged_whatever_follows(
    client, key, settings, monkeypatch, more
):
    settings.REJECTED_KEPT_PER_REQUEST = 1

    def fail(_):
        raise DatabaseError("gone")

    monkeypatch.setattr(recording, "keep_rejections", fail)
    body = message(key, CLICK, {"type": "nothing"}, {"type": "nothing"})

    assert client.send(body=body, headers={**key.headers, **more})[0] == 207
    assert Activity.objects.count() == 1


def test_lane_gives_back_the_connection_that_it_took(client, key, monkeypatch):
    closed_in, close_all = [], recording.connections.close_all

    def close():
        closed_in.append(threading.current_thread().name)
        close_all()

    monkeypatch.setattr(recording.connections, "close_all", close)
    form = {"type": "datainput", "value": "Form", "contactFields": {"ContactFirstName": "Ann"}}

    client.send(body=message(key, form), headers=key.headers)

    assert any(name.startswith("asyncio") for name in closed_in)


def test_other_protocols_are_not_answered():
    communicator = ApplicationCommunicator(asgi.application, {"type": "websocket"})

    assert run_in_loop(communicator.wait(5)) is None


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

    assert run_in_loop(serving.read_body(receive)) is None


def test_requests_at_once_are_all_recorded(key):
    contact = make_contact()
    body = message(key, CLICK, contact=contact)
    headers = [(name.encode(), value.encode()) for name, value in key.headers.items()]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b""}
    scope["headers"] = [(b"host", b"testserver"), *headers]

    async def send_many():
        return await asyncio.gather(*(_talk(dict(scope), [body]) for _ in range(40)))

    answers = run_in_loop(send_many())

    assert {answer[0] for answer in answers} == {207}
    assert len({answer[1]["request-id"] for answer in answers}) == 40
    assert Activity.objects.filter(contact=contact).count() == 40
    assert Activity.objects.values("recorded_in").distinct().count() < 40


def test_body_in_pieces_is_read(client, key):
    body = message(key)

    for pieces in ([body[:9], body[9:]], [body, b""], [b"", body[:1], b"", body[1:]]):
        assert client.send(pieces=pieces, headers=key.headers)[0] == 207
    assert client.ways == [LANE] * 3


def test_large_body_is_the_views(client, key):
    body = message(key, *[CLICK] * 12_000)
    assert len(body) > serving.SMALL_BODY_BYTES
    assert client.send(body=message(key, *[CLICK] * 1_200), headers=key.headers)[0] == 207
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]

    status, _, answer = client.send(pieces=pieces, headers=key.headers)

    assert (status, client.ways) == (207, [VIEW, VIEW])
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
def test_body_without_a_length_that_is_too_large_is_refused(client, key, settings, limit, size):
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = limit
    pieces = [b" " * 10_000] * (size // 10_000) + [b" " * (size % 10_000)]

    status, _, answer = client.send(pieces=pieces, headers=key.headers)

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


@pytest.mark.parametrize("pieces", [[None], [b"{", None], [b" " * 300_000, b" ", None]])
def test_client_that_has_gone_is_not_answered(client, key, pieces):
    assert client.send(pieces=pieces, headers=key.headers) is None
    assert Contact.objects.count() == RejectedActivity.objects.count() == 0


def test_pages_files_and_cookies_arrive(client):
    status, headers, page = client.send("/admin/login/", method="GET")
    assert (status, b"csrfmiddlewaretoken" in page) == (200, True)
    assert headers["set-cookie"].startswith("csrftoken=")
    assert headers["content-length"] == str(len(page))

    status, headers, style = client.send("/static/adminsite/admin.css", method="GET")
    assert (status, headers["content-length"]) == (200, str(len(style)))
    assert len(style) > 1_000


@pytest.mark.parametrize("query", [b"a=%FF", b"a=\xc3\xa9", b"a=%", b"a&&="])
def test_no_query_is_too_strange(client, key, query):
    path = "/Kentico.Tracking/consents/Unknown"

    assert client.send(path, method="GET", headers=key.headers, query=query)[0] == 404
