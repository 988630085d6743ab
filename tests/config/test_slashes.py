"""A base URL that ends with a slash makes two slashes of one: the path is understood."""

import json

import pytest
from django.urls import reverse

from activities.models import Activity, ActivityType
from activities.whitelisting import whitelist
from tests.config import lane
from tests.factories import make_channel, make_key
from web.doors import door_at, exchange_at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("POST", "//Kentico.Tracking/activities", "/Kentico.Tracking/activities"),
        ("POST", "/kentico.tracking///activities//", "/Kentico.Tracking/activities"),
        ("POST", "//event", "/event"),
        ("GET", "//visit//", "/visit"),
        ("POST", "//events//batch", "/events/batch"),
        ("POST", "//cdp//events", "/events"),
        ("GET", "//kentico.tracking/CONTACTS//a/Groups/", "/Kentico.Tracking/contacts/b/groups"),
        ("POST", "//Kentico.CrossSiteTracking//Log", "/Kentico.CrossSiteTracking/Log"),
    ],
)
def test_several_slashes_are_one(method, path, meant):
    assert exchange_at(method, path) is exchange_at(method, meant) is not None


@pytest.mark.parametrize(
    "usual",
    [lane.headless, lane.tracker, lane.activecampaign_event, lane.commandersact_batch],
)
def test_request_with_several_slashes_is_recorded(server, usual):
    request = usual()
    path = request.pop("path", "/Kentico.Tracking/activities")
    before = Activity.objects.count()

    status, headers, _ = server.send(path="/" + path.replace("/", "//")[1:], **request)

    assert status in (200, 207)
    assert Activity.objects.filter(request_id=headers["request-id"]).exists()
    assert Activity.objects.count() > before


@pytest.mark.parametrize("path", ["//Kentico.Tracking//contacts", "//api//3/contacts"])
def test_what_django_answers_is_understood_or_refused_in_the_words_of_the_door(server, path):
    status, headers, answer = server.send(path=path)

    assert status in (401, 403)
    assert "request-id" in headers
    assert json.loads(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/Kentico.Resource/CrossSiteTracking/Logger.js",
        "/Kentico.Resource/Activities/KenticoActivityLogger/LoggerV2.js",
        "/admin/",
        "/api/docs/",
        "/static/crosssite/tracker.js",
    ],
)
def test_paths_of_no_door_are_found_with_several_slashes(server, path):
    status, headers, _ = server.send(path=path, method="GET")
    assert status in (200, 302)

    answer = server.send(path=path.replace("/", "//"), method="GET")

    assert (answer[0], answer[1].get("location")) == (status, headers.get("location"))


def test_event_name_keeps_its_slashes(server):
    channel = make_channel()
    _, text = make_key(channel=channel, access="activecampaign")
    whitelist("a//b", door="activecampaign")

    answer = server.send(
        path="//api/3//eventTrackingEvents/a//b", method="DELETE", headers={"api-token": text}
    )

    assert (answer[0], ActivityType.objects.filter(whitelisted=True).exists()) == (200, False)


def test_other_paths_are_none_of_a_door():
    assert door_at("//admin") is None
    assert door_at("//") is None
    assert reverse("admin:index") == "/admin/"
