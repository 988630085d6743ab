"""The event loop answers the requests of every door, and the usual ones without a thread."""

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, OperationalError
from django.utils import timezone

from activities import recording
from activities.models import Activity, DataInput, RejectedActivity
from channels.models import ApiKey
from consents.models import ConsentAgreement
from contacts.models import Contact
from database.commits import SharedCommit
from database.loop import Busy
from database.memory import forget_everything
from tests.config import lane
from tests.config.server import CLICK, COMMIT, LOOP, QUESTIONS, STEP, message
from tests.factories import make_contact, make_group, make_key
from tracking.headless import authentication

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("remembering")]


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
