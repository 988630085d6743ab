"""Bodies that are compressed, end early or stall: each door answers in its own format."""

import gzip
import json

import pytest

from activities.models import Activity, RejectedActivity
from config import serving
from tests.config import lane
from tests.config.server import DJANGO, ENDS_EARLY, LOOP, PATH, SILENCE
from tests.factories import make_channel, make_consent, make_contact, make_key

pytestmark = pytest.mark.django_db(transaction=True)


def api():
    """A contact of the ActiveCampaign-format API."""
    _, text = make_key(access="activecampaign")
    body = json.dumps({"contact": {"email": "new@example.com"}}).encode()
    return {"path": "/api/3/contacts", "body": body, "headers": {"api-token": text}}


def agreement():
    """An answer to a consent, of an app."""
    _, text = make_key()
    path = f"/Kentico.Tracking/contacts/{make_contact().guid}/consents/{make_consent().code_name}"
    return {"path": path, "body": b'{"agree":true}', "headers": {"authorization": f"Bearer {text}"}}


def new_contact():
    """A contact of an app, which needs no body."""
    _, text = make_key()
    headers = {"authorization": f"Bearer {text}"}
    return {"path": "/Kentico.Tracking/contacts", "body": b"{}", "headers": headers}


def reading():
    """The text of a consent, for a website."""
    return lane.tracker("ConsentData", {"codeName": "TrackingConsent"})


RECORDING = [
    lane.headless,
    lane.tracker,
    lane.activecampaign_event,
    lane.commandersact_event,
    lane.commandersact_batch,
]
OTHERS = [api, agreement, new_contact, reading, lane.agreement]


def words_of(path, answer):
    """What an answer says, in the format of its door."""
    said = json.loads(answer)
    if path == "/event":
        assert said["success"] == 0
        return said["message"]
    return said["message"] if path.startswith("/api/3") else said["detail"]


@pytest.mark.parametrize("usual", RECORDING + OTHERS)
def test_gzip_is_answered_as_if_it_were_none(server, usual):
    request = usual()
    body, headers = request.pop("body"), request.pop("headers")
    # A contact is created once.
    plain = 201 if usual is api else server.send(body=body, headers=headers, **request)[0]
    recorded = Activity.objects.count()

    zipped = server.send(
        body=gzip.compress(body), headers={**headers, "content-encoding": "gzip"}, **request
    )

    assert zipped[0] == plain < 300, zipped
    if usual in RECORDING:
        assert Activity.objects.count() > recorded
        assert Activity.objects.filter(request_id=zipped[1]["request-id"]).exists()
    assert not RejectedActivity.objects.exists()


@pytest.mark.parametrize("usual", RECORDING + OTHERS)
@pytest.mark.parametrize(("encoding", "status"), [("br", 415), ("gzip", 400)])
def test_what_is_not_understood_is_refused_in_the_words_of_the_door(
    server, usual, encoding, status
):
    request = usual()
    before = Activity.objects.count()
    path = request.get("path", PATH)
    request["headers"] = {**request["headers"], "content-encoding": encoding}

    answer = server.send(**request)

    assert answer[0] == status
    assert "Content-Encoding" in words_of(path, answer[2])
    assert answer[1]["request-id"]
    if status == 415:
        assert answer[1]["accept-encoding"] == "gzip"
    assert Activity.objects.count() == before


def test_what_is_too_large_when_it_is_inflated_is_too_large(server, settings):
    request = lane.headless()
    settings.MAX_BODY_BYTES = 100_000
    headers = {**request["headers"], "content-encoding": "gzip"}

    status, _, answer = server.send(body=gzip.compress(b" " * 100_001), headers=headers)

    assert (status, json.loads(answer)["code"]) == (413, "too_large")


def test_refused_gzip_is_readable_in_the_inspector_without_keys(server):
    channel = make_channel()
    form = f"actid={channel.account_id}&key={channel.event_key}&event=Opened&visit=x".encode()
    headers = {**lane.FORM, "content-encoding": "gzip"}

    server.send("/event", gzip.compress(form), headers=headers)

    kept = bytes(RejectedActivity.objects.get().payload)
    assert b"event=Opened" in kept
    assert channel.event_key.encode() not in kept


@pytest.mark.parametrize("usual", RECORDING + OTHERS)
@pytest.mark.parametrize(("end", "status"), [(ENDS_EARLY, 400), (SILENCE, 408)])
def test_body_that_does_not_arrive_is_refused_in_the_words_of_the_door(
    server, monkeypatch, usual, end, status
):
    monkeypatch.setattr(serving, "_BODY_SECONDS", 0.1)
    request = usual()
    before = Activity.objects.count()
    body = request.pop("body")

    answer = server.send(pieces=[body[:9], b"", end], **request)

    assert answer[0] == status
    assert "The body" in words_of(request.get("path", PATH), answer[2])
    assert (answer[1]["connection"], bool(answer[1]["request-id"])) == ("close", True)
    assert server.ways[-1] == (DJANGO if usual in OTHERS[:3] else LOOP)
    assert Activity.objects.count() == before


@pytest.mark.parametrize("path", [PATH, "/event", "/events", "/api/3/contacts", "/visit"])
def test_caller_without_a_key_is_told_as_well(server, path):
    status, headers, _ = server.send(path=path, pieces=[b"{", ENDS_EARLY])

    assert status in (400, 405)
    assert headers["request-id"]


@pytest.mark.parametrize("path", ["/admin/login/", "/nowhere"])
@pytest.mark.parametrize(
    ("end", "status", "code"), [(ENDS_EARLY, 400, "unreadable"), (SILENCE, 408, "too_slow")]
)
def test_body_that_does_not_arrive_elsewhere_is_refused_as_a_problem(
    server, monkeypatch, path, end, status, code
):
    monkeypatch.setattr(serving, "_BODY_SECONDS", 0.1)

    answer, headers, body = server.send(path=path, pieces=[b"{", end])

    told = json.loads(body)
    assert (answer, told["status"], told["code"]) == (status, status, code)
    assert headers["content-type"] == "application/problem+json"
    assert headers["request-id"] == told["requestId"]
    assert headers["connection"] == "close"


def test_unfinished_request_is_in_the_inspector(server):
    request = lane.headless()
    body = request.pop("body")

    _, headers, _ = server.send(pieces=[body[:9], ENDS_EARLY], **request)

    line = RejectedActivity.objects.get()
    assert (str(line.request_id), line.code) == (headers["request-id"], "unreadable")
