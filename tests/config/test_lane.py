"""The event loop answers the requests of every door, and the usual ones without a thread."""

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, OperationalError
from django.test import Client
from django.utils import timezone

from activities import recording
from activities.models import Activity, DataInput, RejectedActivity
from channels.models import ApiKey, Channel
from consents.models import ConsentAgreement
from contacts.models import Contact
from database.commits import SharedCommit
from database.loop import Busy
from database.memory import forget_everything
from tests.config import lane
from tests.config.server import CLICK, COMMIT, LOOP, PATH, QUESTIONS, STEP, message
from tests.factories import make_contact, make_group, make_key
from tracking.headless import authentication

pytestmark = pytest.mark.django_db(transaction=True)

# What is another one each time.
_MADE_UP = re.compile(r"(CAID|KenticoCookiePolicyTest\w*)=[^;]+")


@pytest.fixture(autouse=True)
def remembering(settings):
    """The process remembers what it has read."""
    settings.REMEMBERED_SECONDS = 60
    forget_everything()
    yield
    forget_everything()


@pytest.mark.parametrize(
    ("usual", "status", "activities", "trips"),
    [
        (lane.headless, 207, 1, [(COMMIT, 1)]),
        (lane.tracker, 200, 1, [(QUESTIONS, 1), (COMMIT, 2)]),
        (lane.tracker_on_main_site, 200, 1, [(QUESTIONS, 1), (COMMIT, 2)]),
        (lane.activecampaign_event, 200, 1, [(QUESTIONS, 1), (COMMIT, 1)]),
        (lane.activecampaign_visit, 200, 1, [(QUESTIONS, 1), (COMMIT, 1)]),
        (lane.commandersact_event, 200, 1, [(QUESTIONS, 1), (COMMIT, 1)]),
        (lane.commandersact_batch, 200, 20, [(QUESTIONS, 1), (COMMIT, 1)]),
        (
            lane.commandersact_batch_with_categories,
            200,
            20,
            [(QUESTIONS, 1), (QUESTIONS, 1), (STEP, 3), (STEP, 1)],
        ),
    ],
)
def test_usual_request_takes_no_thread_and_few_round_trips(
    server, usual, status, activities, trips
):
    request = usual()
    for _ in range(2):
        server.send(**request)
    before = Activity.objects.count()

    answer = server.send(**request)

    assert (answer[0], server.ways[-1], server.threads[-1]) == (status, LOOP, 0)
    assert server.trips[-1] == trips
    recorded = Activity.objects.filter(request_id=answer[1]["request-id"])
    assert recorded.count() == Activity.objects.count() - before == activities
    assert not RejectedActivity.objects.exists()


def test_request_with_a_key_takes_one_call_and_a_repeat_records_nothing(server):
    request = lane.headless()
    server.send(**request)
    request["headers"]["idempotency-key"] = "request 1"
    before = Activity.objects.count()

    answers = [server.send(**request) for _ in range(2)]

    assert server.trips[1] == [(COMMIT, 1)]
    assert answers[0][2] == answers[1][2]
    assert Activity.objects.count() == before + 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_question_for_groups_takes_no_thread_and_one_round_trip(server, method):
    _, text = make_key(access="groups")
    contact = make_contact()
    make_group("newsletter", members=[contact])
    request = {
        "path": f"/Kentico.Tracking/contacts/{contact.guid}/groups",
        "method": method,
        "headers": {"authorization": f"Bearer {text}"},
    }
    for _ in range(2):
        server.send(**request)

    status, _, body = server.send(**request)

    assert (status, server.ways[-1], server.threads[-1]) == (200, LOOP, 0)
    assert server.trips[-1] == [(QUESTIONS, 1)]
    assert json.loads(body) == {"groups": ["newsletter"]}


def test_question_of_a_script_for_groups_takes_no_thread_and_two_round_trips(server):
    request = lane.tracker("ContactGroups", {"page": "https://shop.example/"})
    make_group("vip", members=Contact.objects.all(), visible_to_websites=True)
    server.send(**request)

    status, _, body = server.send(**request)

    assert (status, server.ways[-1], server.threads[-1]) == (200, LOOP, 0)
    assert server.trips[-1] == [(QUESTIONS, 1), (QUESTIONS, 1)]
    assert json.loads(body) == {"groups": ["vip"]}


@pytest.mark.parametrize("command", ["ConsentAgree", "ConsentRevoke", "ConsentStatus"])
def test_answers_to_consents_are_the_event_loops(server, command):
    request = lane.tracker(command, {"codeName": "TrackingConsent"})
    told = ConsentAgreement.objects.count()

    status, headers, answer = server.send(**request)

    assert (status, server.ways) == (200, [LOOP])
    assert json.loads(answer)["isAgreed"] is (command != "ConsentRevoke")
    if command == "ConsentStatus":
        assert ConsentAgreement.objects.count() == told
    else:
        said = ConsentAgreement.objects.latest("pk")
        assert str(said.request_id) == headers["request-id"]
        assert said.agreed is (command == "ConsentAgree")


def test_refused_activity_is_answered_and_in_the_inspector(server, key):
    contact = make_contact()
    body = message(key, CLICK, {"type": "nothing"}, contact=contact)

    status, headers, answer = server.send(body=body, headers=key.headers)

    assert (status, server.ways) == (207, [LOOP])
    assert [result["status"] for result in json.loads(answer)["results"]] == [202, 400]
    activity, line = Activity.objects.get(), RejectedActivity.objects.get()
    assert (activity.contact, activity.channel) == (contact, key.channel)
    assert {str(one.request_id) for one in (activity, line)} == {headers["request-id"]}


def test_unknown_contact_is_in_the_inspector(server, key):
    contact = make_contact()
    body = message(key, contact=contact)
    contact.delete()

    status, headers, answer = server.send(body=body, headers=key.headers)

    assert (status, json.loads(answer)["code"], server.ways) == (404, "unknown_contact", [LOOP])
    line = RejectedActivity.objects.get()
    assert (str(line.request_id), line.code) == (headers["request-id"], "unknown_contact")
    assert (line.contact_guid, line.channel) == (str(contact.guid), key.channel)


@pytest.mark.parametrize(
    "fields",
    [
        {"enabled": False},
        {"access": "activecampaign"},
        {"expires_at": timezone.now() - timedelta(days=1)},
    ],
)
def test_changed_key_counts_at_once_where_it_was_changed(server, key, fields):
    body = message(key)
    assert server.send(body=body, headers=key.headers)[0] == 207
    for name, value in fields.items():
        setattr(key, name, value)
    key.save()

    assert server.send(body=body, headers=key.headers)[0] == 401
    assert server.ways == [LOOP, LOOP]


def test_thread_notes_once_that_a_key_is_in_use(server, key):
    body = message(key)
    server.send(body=body, headers=key.headers)
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    forget_everything()

    for _ in range(3):
        assert server.send(body=body, headers=key.headers)[0] == 207

    assert server.ways == [LOOP] * 4
    assert server.threads[1:] == [2, 0, 0]  # it is read, and noted
    assert ApiKey.objects.get().last_used_at > timezone.now() - timedelta(minutes=1)


def test_worker_is_rung_about_data_input(server, key, monkeypatch):
    rung = []
    monkeypatch.setattr(recording, "ring", rung.append)
    contact = make_contact()
    form = {"type": "datainput", "value": "Form", "contactFields": {"ContactFirstName": "Ann"}}

    server.send(body=message(key, CLICK, form, contact=contact), headers=key.headers)

    assert server.ways == [LOOP]
    assert rung == ["data inputs"]
    assert DataInput.objects.get().fields == {"first_name": "Ann"}


def test_inspector_is_told_what_it_had_no_room_for(server, key, settings):
    settings.REJECTED_KEPT_PER_REQUEST = 2

    server.send(body=message(key, *[{"type": "nothing"}] * 5), headers=key.headers)

    assert server.ways == [LOOP]
    assert RejectedActivity.objects.count() == 3


def test_what_is_recorded_is_acknowledged_whatever_follows(server, key, settings, monkeypatch):
    settings.REJECTED_KEPT_PER_REQUEST = 1

    def fail(_):
        raise DatabaseError("gone")

    monkeypatch.setattr(recording, "keep_rejections", fail)
    body = message(key, CLICK, {"type": "nothing"}, {"type": "nothing"})

    assert server.send(body=body, headers=key.headers)[0] == 207
    assert server.ways == [LOOP]
    assert Activity.objects.count() == 1


DOORS = [
    lane.headless,
    lane.tracker,
    lane.activecampaign_event,
    lane.activecampaign_visit,
    lane.commandersact_event,
    lane.commandersact_batch,
]


@pytest.mark.parametrize("usual", DOORS)
def test_busy_database_is_told_by_the_event_loop_once(server, settings, monkeypatch, usual):
    request, calls = usual(), []
    settings.BUSY_RETRY_AFTER_SECONDS = 7
    before = Activity.objects.count()

    async def be_busy(commits, item):
        calls.append(item)
        raise Busy

    monkeypatch.setattr(SharedCommit, "write", be_busy)

    status, headers, _ = server.send(**request)

    assert (status, headers["retry-after"], server.ways) == (503, "7", [LOOP])
    assert len(calls) == 1
    assert Activity.objects.count() == before
    assert not RejectedActivity.objects.exists()


@pytest.mark.parametrize("usual", DOORS)
def test_database_that_is_away_is_told_by_the_event_loop(server, monkeypatch, caplog, usual):
    request = usual()

    async def fail(commits, item):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(SharedCommit, "write", fail)

    status, headers, _ = server.send(**request)

    assert (status, headers["retry-after"], server.ways) == (503, "5", [LOOP])
    assert [record.message for record in caplog.records] == ["The database is away"]
    assert not RejectedActivity.objects.exists()


@pytest.mark.parametrize("usual", DOORS)
def test_failure_is_told_by_the_event_loop_once(server, monkeypatch, caplog, usual):
    request, calls = usual(), []

    async def fail(commits, item):
        calls.append(item)
        raise DatabaseError("gone")

    monkeypatch.setattr(SharedCommit, "write", fail)

    status, headers, _ = server.send(**request)

    assert (status, server.ways) == (500, [LOOP])
    assert "request-id" in headers
    assert len(calls) == 1
    (logged,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert logged.message.endswith("could not answer a request")


@pytest.mark.parametrize("error", [Busy(), DatabaseError("gone")])
def test_refusal_is_told_though_the_inspector_cannot_be(server, monkeypatch, error):
    request = lane.tracker()

    async def fail(commits, item):
        raise error

    monkeypatch.setattr(SharedCommit, "write", fail)
    request["headers"]["origin"] = "https://stranger.example"

    status, _, answer = server.send(**request)

    assert (status, json.loads(answer)["code"]) == (403, "unknown_origin")


def test_failure_is_told_though_nobody_knows_who_may_read_it(server, monkeypatch):
    request = lane.headless()
    headers = {**request["headers"], "authorization": "Bearer x", "origin": "https://a.example"}

    def fail(*arguments):
        raise DatabaseError("gone")

    monkeypatch.setattr(authentication, "may_read", fail)

    status, answered, answer = server.send(body=request["body"], headers=headers)

    assert (status, json.loads(answer)["code"]) == (401, "unauthorized")
    assert "access-control-allow-origin" not in answered


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_sign_of_life_needs_no_thread(server, method):
    status, headers, body = server.send("/health/live", method=method)

    assert (status, body) == (200, b'{"status":"ok"}')
    assert "no-store" in headers["cache-control"]
    assert (server.ways, server.threads, server.trips) == ([LOOP], [0], [[]])


@pytest.mark.django_db(transaction=True)
def test_sign_of_life_is_for_hosts_of_the_hub(server):
    assert server.send("/health/live", method="GET", headers={"host": "evil.example"})[0] == 400
