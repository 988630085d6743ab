"""The event loop and Django answer alike, whatever was asked."""

import json
import re
from uuid import uuid4

import pytest
from django.test import Client

from channels.models import Channel
from contacts.models import Contact
from tests.config import lane
from tests.config.server import LOOP, PATH

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("remembering")]

# What is another one each time.
_MADE_UP = re.compile(r"(CAID|KenticoCookiePolicyTest\w*)=[^;]+")


@pytest.mark.parametrize(
    "usual", [lane.headless, lane.tracker, lane.activecampaign_event, lane.commandersact_batch]
)
def test_large_body_is_a_threads_and_answered_alike(server, usual):
    request = usual()
    server.send(**request)
    is_form = b"=" in request["body"] and not request["body"].startswith(b"{")
    padding = b"&more=" + b"x" * 40_000 if is_form else b" " * 40_000

    small, large = (
        server.send(**{**request, "body": request["body"] + more}) for more in (b"", padding)
    )

    assert server.ways == [LOOP] * 3
    assert server.threads[1:] == [0, 1]
    assert comparable(*small) == comparable(*large)


def comparable(status, headers, body):
    """An answer without what differs from request to request."""
    headers = dict(headers)
    body = body.replace(headers.pop("request-id").encode(), b"")
    cookies = _MADE_UP.sub(r"\1=", headers.pop("set-cookie", "")).splitlines()
    parts = sorted(sorted(part.lower() for part in cookie.split("; ")) for cookie in cookies)
    return status, headers, body, parts


PAGE = {"origin": "https://app.example.com"}
STRANGER = {"origin": "https://stranger.example"}
BOT = {"user-agent": "Googlebot/2.1"}
NO_COOKIE = {"cookie": ""}


def of_nobody():
    request = lane.headless()
    Contact.objects.all().delete()
    return request


def of_unknown_email():
    request = lane.activecampaign_event()
    Contact.objects.all().delete()
    return request


def readable():
    request = lane.headless()
    Channel.objects.update(allowed_origins=["https://app.example.com"])
    return request


def of_another_channel():
    request = lane.headless()
    given = json.loads(request["body"])
    return {**request, "body": json.dumps({**given, "channel": str(uuid4())}).encode()}


def with_rejections():
    request = lane.headless()
    given = json.loads(request["body"])
    given["activities"] += [{"type": "nothing"}, 5]
    return {**request, "body": json.dumps(given).encode()}


@pytest.mark.parametrize(
    ("usual", "changes", "status"),
    [
        (lane.headless, {}, 207),
        (with_rejections, {}, 207),
        (lane.headless, {"headers": PAGE}, 207),
        (readable, {"headers": PAGE}, 207),
        (readable, {"headers": STRANGER}, 207),
        (readable, {"headers": {**PAGE, "authorization": "Bearer x"}}, 401),
        (lane.headless, {"headers": {"authorization": ""}}, 401),
        (lane.headless, {"headers": {"authorization": "Basic abc"}}, 401),
        (lane.headless, {"headers": {"host": "www.unknown.example"}}, 400),
        (lane.headless, {"headers": {"host": "main.example:x"}}, 400),
        (lane.headless, {"body": b"{"}, 400),
        (lane.headless, {"body": b""}, 400),
        (lane.headless, {"body": b"[]", "headers": PAGE}, 400),
        (of_nobody, {}, 404),
        (of_another_channel, {}, 403),
        (lane.headless, {"READ_ONLY": True}, 503),
        (lane.headless, {"TRACKING_API_ENABLED": False}, 404),
        (lane.headless, {"MAX_BODY_BYTES": 50}, 413),
        (lane.headless, {"path": f"{PATH}/"}, 207),
        (lane.headless, {"path": PATH.lower()}, 207),
        (lane.headless, {"path": PATH.replace("activities", "ACTIVITIES")}, 207),
        (lane.tracker, {}, 200),
        (lane.tracker_on_main_site, {}, 200),
        (lane.tracker, {"headers": NO_COOKIE, "path": "/Kentico.CrossSiteTracking/Arrive"}, 400),
        (lane.tracker, {"headers": STRANGER}, 403),
        (lane.tracker, {"headers": {"origin": ""}}, 403),
        (lane.tracker, {"headers": {"host": "testserver"}}, 404),
        (lane.tracker, {"headers": {"host": "www.unknown.example"}}, 400),
        (lane.tracker, {"headers": BOT}, 204),
        (lane.tracker, {"headers": NO_COOKIE}, 204),
        (lane.tracker, {"body": b"{"}, 400),
        (lane.tracker, {"body": b'{"activities":[]}'}, 400),
        (lane.tracker, {"body": b'{"activities":[{"type":"nothing"}]}'}, 400),
        (lane.tracker, {"READ_ONLY": True}, 503),
        (lane.tracker, {"TRACKING_API_ENABLED": False}, 200),
        (lane.tracker, {"MAX_BODY_BYTES": 5}, 413),
        (lane.agreement, {}, 200),
        (lane.agreement, {"headers": NO_COOKIE}, 200),
        (lane.agreement, {"headers": NO_COOKIE, "READ_ONLY": True}, 503),
        (lane.revocation, {}, 200),
        (lane.activecampaign_event, {}, 200),
        (lane.activecampaign_event, {"headers": STRANGER}, 200),
        (lane.activecampaign_event, {"body": b"actid=1"}, 200),
        (lane.activecampaign_event, {"body": b"{}"}, 200),
        (lane.activecampaign_event, {"query": b"key=wrong", "headers": PAGE}, 200),
        (of_unknown_email, {}, 200),
        (lane.activecampaign_event, {"headers": {"host": "www.unknown.example"}}, 400),
        (lane.activecampaign_event, {"READ_ONLY": True}, 503),
        (lane.activecampaign_event, {"TRACKING_API_ENABLED": False, "headers": PAGE}, 404),
        (lane.activecampaign_visit, {}, 200),
        (lane.activecampaign_visit, {"headers": PAGE}, 200),
        (lane.activecampaign_visit, {"query": b"actid=1"}, 200),
        (lane.activecampaign_visit, {"READ_ONLY": True}, 503),
        (lane.activecampaign_visit, {"TRACKING_API_ENABLED": False}, 404),
        (lane.commandersact_event, {}, 200),
        (lane.commandersact_event, {"headers": PAGE}, 200),
        (lane.commandersact_event, {"headers": PAGE, "body": b'{"event_name":"purchase"}'}, 200),
        (lane.commandersact_event, {"headers": BOT, "body": b'{"event_name":"purchase"}'}, 200),
        (lane.commandersact_event, {"body": b"{", "headers": PAGE}, 400),
        (lane.commandersact_event, {"query": b"token=wrong", "headers": PAGE}, 200),
        (lane.commandersact_event, {"query": b"a&" * 1_001}, 400),
        (lane.commandersact_event, {"READ_ONLY": True, "headers": PAGE}, 503),
        (lane.commandersact_event, {"TRACKING_API_ENABLED": False}, 404),
        (lane.commandersact_event, {"headers": {"host": "www.unknown.example"}}, 400),
        (lane.commandersact_pixel, {}, 200),
        (lane.commandersact_pixel, {"headers": PAGE}, 200),
        (lane.commandersact_pixel, {"READ_ONLY": True}, 503),
        (lane.commandersact_batch, {}, 200),
        (lane.commandersact_batch, {"path": "/cdp/events/batch"}, 200),
        (lane.commandersact_batch, {"body": b'{"batch":5}', "headers": PAGE}, 200),
        (lane.commandersact_batch, {"body": b"{", "headers": PAGE}, 400),
        (lane.commandersact_batch, {"headers": {**PAGE, "host": "www.unknown.example"}}, 400),
        (lane.commandersact_batch, {"READ_ONLY": True, "headers": PAGE}, 503),
    ],
)
def test_event_loop_and_django_answer_alike(server, settings, usual, changes, status):
    request = usual()
    for name, value in changes.items():
        if name.isupper():
            setattr(settings, name, value)
        elif name == "headers":
            request["headers"] = {**request.get("headers", {}), **value}
        else:
            request[name] = value
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = settings.MAX_BODY_BYTES

    in_loop = server.send(**request)
    in_django = send_through_django(**request)

    assert server.ways == [LOOP]
    assert in_loop[0] == status
    assert comparable(*in_loop) == comparable(*in_django)


def send_through_django(path=PATH, body=b"", *, method="POST", headers=(), query=b""):
    """The same as `Server.send`, by Django's client."""
    given = {"host": "testserver", **dict(headers)}
    response = Client(raise_request_exception=False).generic(
        method,
        f"{path}?{query.decode()}",
        body,
        content_type=given.pop("content-type", ""),
        headers=given,
    )
    answered = {name.lower(): value for name, value in response.items()}
    if response.cookies:
        cookies = (cookie.output(header="").strip() for cookie in response.cookies.values())
        answered["set-cookie"] = "\n".join(cookies)
    return response.status_code, answered, response.content
