"""What senders are told whose key has ended because it was rotated, and what developers see."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from activities.models import RejectedActivity
from channels.keys import rotate_api_key
from channels.models import ApiKey
from tests.factories import make_contact
from tests.wire.app import CLICK, App, assert_problem

pytestmark = pytest.mark.django_db

REASON = "This API key expired after rotation"


@pytest.fixture
def app():
    app = App()
    app.contact = make_contact()
    rotate_api_key(app.api_key, name="New", ends_at=timezone.now() + timedelta(days=1))
    return app


def end(app):
    ended = timezone.now() - timedelta(minutes=1)
    ApiKey.objects.filter(pk=app.api_key.pk).update(expires_at=ended)


def log(app):
    return app.post("/activities", app.message(CLICK, contact=app.contact.guid))


def test_the_old_key_works_until_it_ends(app):
    assert log(app).status_code == 207


def test_an_old_key_is_refused_with_the_reason_and_the_inspector_has_it(app):
    end(app)

    response = log(app)

    assert_problem(response, 401, "unauthorized")
    assert response.json()["detail"].startswith(REASON)
    line = RejectedActivity.objects.get()
    assert line.reason.startswith(REASON)
    assert line.channel == app.channel


def test_an_old_key_that_asks_for_a_contact_is_told_too(app):
    end(app)

    response = app.post("/contacts")

    assert response.json()["detail"].startswith(REASON)
    assert RejectedActivity.objects.get().channel == app.channel


def test_the_config_api_gives_the_reason(app):
    other = App(app.channel, access="commandersact")
    rotate_api_key(other.api_key, name="New", ends_at=timezone.now())

    url = f"/v2/{app.channel.site_id}/sources"
    response = Client().get(url, headers={"Authorization": other.authorization})

    assert response.status_code == 401
    assert REASON in response.text


def test_where_the_format_has_no_room_for_the_reason_the_inspector_has_it(app):
    other = App(app.channel, access="activecampaign")
    rotate_api_key(other.api_key, name="New", ends_at=timezone.now())

    response = Client().post("/api/3/contacts", headers={"Api-Token": other.key_text})

    assert response.status_code == 403
    line = RejectedActivity.objects.get()
    assert (line.channel, line.reason[: len(REASON)]) == (app.channel, REASON)


@pytest.mark.parametrize(
    "fields", [{"enabled": False}, {"expires_at": timezone.now() - timedelta(days=1)}]
)
def test_of_keys_that_were_not_rotated_nothing_is_told(fields):
    response = App(**fields).post("/contacts")

    assert_problem(response, 401, "unauthorized")
    assert REASON not in response.text


def test_a_wrong_secret_and_another_access_type_learn_nothing(app):
    end(app)
    app.key_text += "x"
    assert REASON not in log(app).text

    groups = App(app.channel, access="groups")
    rotate_api_key(groups.api_key, name="New", ends_at=timezone.now())
    assert REASON not in groups.post("/contacts").text


def test_address_and_origin_of_a_use_are_noted(app):
    headers = {"Authorization": app.authorization, "Origin": "https://app.example.com"}

    app.http.post("/Kentico.Tracking/contacts", headers=headers, REMOTE_ADDR="203.0.113.9")

    app.api_key.refresh_from_db()
    assert app.api_key.last_used_address == "203.0.113.0/24"
    assert app.api_key.last_used_origin == "https://app.example.com"


def test_of_a_request_in_the_event_loop_they_are_noted_too(app):
    body = app.message(CLICK, contact=app.contact.guid)

    app.post("/activities", body, headers={"Origin": "https://app.example.com"})

    app.api_key.refresh_from_db()
    assert app.api_key.last_used_address == "127.0.0.1"
    assert app.api_key.last_used_origin == "https://app.example.com"
