"""Which requests take the express lane, and that it answers as the view does."""

import json
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError
from django.utils import timezone

from activities import recording
from activities.group_commit import Busy
from activities.models import Activity, DataInput, RejectedActivity
from channels.models import ApiKey, Channel
from database.memory import forget_everything
from tests.config.server import CLICK, LANE, PATH, VIEW, message
from tests.factories import make_channel, make_contact

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_usual_request_takes_the_express_lane(server, key):
    contact = make_contact()
    body = message(key, CLICK, {"type": "nothing"}, contact=contact)

    status, headers, answer = server.send(body=body, headers=key.headers)

    assert server.ways == [LANE]
    assert status == 207
    assert [result["status"] for result in json.loads(answer)["results"]] == [202, 400]
    activity = Activity.objects.get()
    assert (activity.contact, activity.channel) == (contact, key.channel)
    assert str(activity.request_id) == headers["request-id"]
    assert str(RejectedActivity.objects.get().request_id) == headers["request-id"]


def test_both_lanes_answer_alike(server, key):
    body = message(key, CLICK, {"type": "nothing"})
    answers = [
        server.send(body=body, headers={**key.headers, **more})
        for more in ({}, {"origin": "https://app.example.com"})
    ]

    assert server.ways == [LANE, VIEW]
    (status, headers, answer), (status_of_view, headers_of_view, answer_of_view) = answers
    assert (status, answer) == (status_of_view, answer_of_view)
    assert headers.keys() <= headers_of_view.keys()
    different = {name for name in headers if headers[name] != headers_of_view[name]}
    assert different == {"request-id"}


@pytest.mark.parametrize("path", [f"{PATH}/", PATH.lower(), PATH.upper()])
def test_every_spelling_of_the_path_takes_the_lane(server, key, path):
    assert server.send(path, message(key), headers=key.headers)[0] == 207
    assert server.ways == [LANE]


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
def test_unusual_request_is_the_views(server, key, how, status):
    given = {"body": message(key), **how}
    given["headers"] = {**key.headers, **how.get("headers", {})}

    assert server.send(**given)[0] == status
    assert server.ways == [VIEW]


def test_request_for_another_channel_is_the_views(server, key):
    body = message(key, channel=str(uuid4()))

    assert server.send(body=body, headers=key.headers)[0] == 403
    assert server.ways == [VIEW]


def test_domain_of_a_website_is_the_views(server, key):
    channel = make_channel(kind=Channel.Kind.WEBSITE, domain="www.example.com")
    headers = {**key.headers, "host": channel.domain}

    assert server.send(body=message(key), headers=headers)[0] == 207
    assert server.ways == [VIEW]


@pytest.mark.parametrize(
    ("setting", "value", "status"),
    [
        ("TRACKING_API_ENABLED", False, 404),
        ("READ_ONLY", True, 503),
        ("MAX_BODY_BYTES", 50, 413),
        ("REMEMBERED_SECONDS", 0, 207),
    ],
)
def test_switches_are_respected(server, key, settings, setting, value, status):
    setattr(settings, setting, value)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = settings.MAX_BODY_BYTES

    assert server.send(body=message(key), headers=key.headers)[0] == status
    assert server.ways == [VIEW]


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
    assert server.ways == [LANE, VIEW]


def test_view_notes_that_a_key_is_in_use(server, key, settings):
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    forget_everything()
    body = message(key)

    for _ in range(3):
        assert server.send(body=body, headers=key.headers)[0] == 207

    assert server.ways == [VIEW, LANE, LANE]
    assert ApiKey.objects.get().last_used_at > timezone.now() - timedelta(minutes=1)


def test_unknown_contact_is_answered_by_the_view_and_in_the_inspector(server, key):
    contact = make_contact()
    body = message(key, contact=contact)
    contact.delete()

    status, headers, answer = server.send(body=body, headers=key.headers)

    assert (status, json.loads(answer)["code"]) == (404, "unknown_contact")
    line = RejectedActivity.objects.get()
    assert str(line.request_id) == headers["request-id"]
    assert line.contact_guid == str(contact.guid)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(Busy(), 503, "busy"), (DatabaseError("gone"), 500, "server_error")],
)
def test_failure_to_record_is_answered_once(server, key, monkeypatch, error, status, code):
    calls = []

    async def fail(submission):
        calls.append(submission)
        raise error

    monkeypatch.setattr(recording._commits, "write_async", fail)
    monkeypatch.setattr(recording._commits, "write", calls.append)

    answer = server.send(body=message(key), headers=key.headers)

    assert (answer[0], json.loads(answer[2])["code"]) == (status, code)
    assert len(calls) == 1
    assert not Activity.objects.exists()


def test_lane_rings_for_a_worker_about_data_input(server, key, monkeypatch):
    rung = []
    monkeypatch.setattr(
        recording.tasks.apply_data_input, "delay_on_commit", lambda **about: rung.append(about)
    )
    contact = make_contact()
    form = {"type": "datainput", "value": "Form", "contactFields": {"ContactFirstName": "Ann"}}

    server.send(body=message(key, CLICK, form, contact=contact), headers=key.headers)

    assert server.ways == [LANE]
    assert rung == [{"contact_id": contact.pk}]
    assert DataInput.objects.count() == 1


def test_lane_says_what_the_inspector_had_no_room_for(server, key, settings):
    settings.REJECTED_KEPT_PER_REQUEST = 2

    server.send(body=message(key, *[{"type": "nothing"}] * 5), headers=key.headers)

    assert server.ways == [LANE]
    assert RejectedActivity.objects.count() == 3


@pytest.mark.parametrize("more", [{}, {"origin": "https://app.example.com"}])
def test_what_is_recorded_is_acknowledged_whatever_follows(
    server, key, settings, monkeypatch, more
):
    settings.REJECTED_KEPT_PER_REQUEST = 1

    def fail(_):
        raise DatabaseError("gone")

    monkeypatch.setattr(recording, "keep_rejections", fail)
    body = message(key, CLICK, {"type": "nothing"}, {"type": "nothing"})

    assert server.send(body=body, headers={**key.headers, **more})[0] == 207
    assert Activity.objects.count() == 1


def test_lane_gives_back_the_connection_that_it_took(server, key, monkeypatch):
    closed_in, close_all = [], recording.connections.close_all

    def close():
        closed_in.append(threading.current_thread().name)
        close_all()

    monkeypatch.setattr(recording.connections, "close_all", close)
    form = {"type": "datainput", "value": "Form", "contactFields": {"ContactFirstName": "Ann"}}

    server.send(body=message(key, form), headers=key.headers)

    assert any(name.startswith("asyncio") for name in closed_in)
