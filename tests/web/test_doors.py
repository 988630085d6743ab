"""The table of doors, as it is."""

from collections import Counter

import pytest
from django.urls import get_resolver

from channels.models import ApiKey
from tracking.views import DoorView
from web.doors import (
    access_choices,
    access_types,
    all_doors,
    default_access,
    door_at,
    door_named,
    exchange_at,
    is_open,
    naming_choices,
    takes_cookies,
    title_of,
)


def views_of(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from views_of(pattern)
        else:
            yield getattr(pattern.callback, "cls", None)


def test_doors_share_no_names_paths_or_access_types():
    names = [name for door in all_doors() for name in (door.name, *door.other_titles)]
    paths = [path for door in all_doors() for path in door.paths]
    values = [access.value for access in access_types()]

    for given in (names, paths, values):
        assert [one for one, count in Counter(given).items() if count > 1] == []


def test_every_view_of_a_door_has_a_name_of_the_table():
    names = {name for door in all_doors() for name in (door.name, *door.other_titles)}
    used = {cls.door for cls in views_of(get_resolver()) if cls and issubclass(cls, DoorView)}

    assert used == names - {"crosssite", "python"}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/Kentico.Tracking/contacts", "headless"),
        ("/KENTICO.TRACKING", "headless"),
        ("/event", "activecampaign"),
        ("/event/", "activecampaign"),
        ("/API/3/contacts", "activecampaign"),
        ("/events/batch", "commandersact"),
        ("/cdp/events", "commandersact"),
        ("/Kentico.CrossSiteTracking/Log", "crosssite"),
    ],
)
def test_a_path_belongs_to_a_door(path, name):
    assert door_at(path) == door_named(name)


@pytest.mark.parametrize("path", ["/", "", "/eventful", "/api", "/api/30", "/v", "/admin/event"])
def test_other_paths_belong_to_none(path):
    assert door_at(path) is None


GROUPS_OF_CONTACT = "/Kentico.Tracking/contacts/0a1b/groups"


@pytest.mark.parametrize(
    ("method", "path", "is_answered"),
    [
        ("GET", GROUPS_OF_CONTACT, True),
        ("HEAD", "/kentico.tracking/Contacts/a%20b/GROUPS/", True),
        ("GET", "/Kentico.Tracking/contacts/{contact_guid}/groups", True),
        ("POST", GROUPS_OF_CONTACT, False),
        ("GET", "/Kentico.Tracking/contacts//groups", False),
        ("GET", "/Kentico.Tracking/contacts/a/b/groups", False),
        ("GET", f"{GROUPS_OF_CONTACT}/more", False),
        ("GET", f"/elsewhere{GROUPS_OF_CONTACT}", False),
    ],
)
def test_one_segment_of_a_path_may_be_anything(method, path, is_answered):
    assert (exchange_at(method, path) is not None) == is_answered


@pytest.mark.parametrize(
    ("name", "given", "canonical"),
    [
        (
            "headless",
            "/kentico.tracking/CONTACTS/Ab/Consents/X",
            "/Kentico.Tracking/contacts/Ab/consents/X",
        ),
        ("headless", "/KENTICO.TRACKING", "/Kentico.Tracking"),
        ("activecampaign", "/API/3/Contacts", "/API/3/Contacts"),
        ("commandersact", "/cdp/events", "/events"),
        ("commandersact", "/cdp", "/cdp"),
        ("commandersact", "/cdps/events", "/cdps/events"),
    ],
)
def test_a_door_has_one_spelling_of_a_path(name, given, canonical):
    assert door_named(name).spell(given) == canonical


@pytest.mark.parametrize(
    ("path", "opened", "cookies"),
    [
        ("/event", True, False),
        ("/events", True, True),
        ("/events/batch", True, True),
        ("/visit", False, False),
        ("/api/3/contacts", False, False),
        ("/v2/1/sources", False, False),
        ("/Kentico.Tracking/activities", False, False),
        ("/elsewhere", False, False),
    ],
)
def test_pages_may_read_what_is_open(path, opened, cookies):
    assert (is_open(path), takes_cookies(path)) == (opened, cookies)


def test_what_rows_hold_stays_valid():
    assert [value for value, _ in access_choices()] == [
        "tracking",
        "groups",
        "automation",
        "activecampaign",
        "commandersact",
        "read",
    ]
    assert default_access() == "tracking"
    assert ApiKey().access == "tracking"
    assert naming_choices() == [
        ("activecampaign", "ActiveCampaign"),
        ("commandersact", "Commanders Act"),
    ]


def test_doors_that_nobody_has_are_called_by_their_name():
    assert title_of("activecampaign-api") == "ActiveCampaign API"
    assert title_of("benchmark") == "benchmark"
    assert door_named("activecampaign-api") is None
