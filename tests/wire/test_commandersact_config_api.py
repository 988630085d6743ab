"""The Config API of the Commanders Act format: sources, their quality, and the inspector."""

import json

import pytest
from django.test import Client

from channels.keys import create_api_key
from tests.factories import make_channel
from tests.wire.source import BROWSER, EventSource, event

pytestmark = pytest.mark.django_db

ACCESS = "commandersact"
PATHS = ["sources", "monitoring/sources-data-quality", "event-inspector"]


class Config:
    """Somebody with a key for the Config API of the site of `source`."""

    def __init__(self, source, *, access=ACCESS):
        self.site_id = source.channel.site_id
        _, self.key = create_api_key(source.channel, name="monitoring", access=access)
        self.http = Client(raise_request_exception=False)

    def get(self, path, *, site_id=None, headers=None, **query):
        if headers is None:
            headers = {"Authorization": f"Bearer {self.key}"}
        return self.http.get(f"/v2/{site_id or self.site_id}/{path}", query, headers=headers)

    def data(self, path, **query):
        response = self.get(path, **query)
        assert response.status_code == 200, response.content
        assert response["Content-Type"] == "application/vnd.api+json"
        return json.loads(response.content)["data"]

    def error(self, path, **kwargs):
        response = self.get(path, **kwargs)
        assert response["Content-Type"] == "application/vnd.api+json"
        (error,) = json.loads(response.content)["errors"]
        assert error["status"] == str(response.status_code)
        assert error["detail"]
        return response.status_code, error["title"]


@pytest.fixture
def source():
    return EventSource(name="Shop")


@pytest.fixture
def config(source):
    return Config(source)


def test_sources_of_the_keys_site_are_listed(source, config):
    sibling = make_channel(name="App", site_id=source.channel.site_id, source_enabled=False)
    make_channel(name="Of another site")

    assert config.data("sources") == [
        {
            "type": "sources",
            "id": str(channel.guid),
            "attributes": {"name": name, "active": active, "integration_key": channel.source_key},
        }
        for channel, name, active in [(source.channel, "Shop", True), (sibling, "App", False)]
    ]


def test_one_source_is_found_by_its_id(source, config):
    assert config.data(f"sources/{source.channel.guid}")["attributes"]["name"] == "Shop"


@pytest.mark.parametrize("source_id", ["x", "00000000-0000-0000-0000-000000000000", "%00"])
def test_unknown_sources_are_404(config, source_id):
    assert config.error(f"sources/{source_id}") == (404, "UNKNOWN_SOURCE")


def test_sources_of_other_sites_are_404(config):
    assert config.error(f"sources/{make_channel().guid}") == (404, "UNKNOWN_SOURCE")


def test_quality_counts_every_event_by_what_became_of_it(source, config):
    for number in range(18):
        source.post(event("search", search_term=f"loan {number}"))
    source.post(event("search", user={"birthdate": "yesterday"}))
    source.post({"user": {"id": "1"}})
    source.post(
        {"event_name": "search", "user": {}},
        headers={**BROWSER, "User-Agent": "Googlebot/2.1"},
    )

    (quality,) = config.data("monitoring/sources-data-quality")

    assert quality["id"] == str(source.channel.guid)
    assert quality["attributes"]["events"] == {
        "valid": 18,
        "invalid_accepted": 1,
        "invalid_rejected": 1,
        "filtered": 1,
        "failed": 0,
    }
    # What is filtered on purpose says nothing of the quality.
    assert quality["attributes"]["quality"] == 90.0
    assert quality["attributes"]["weather"] == "rainy"


def test_quality_of_a_silent_source_is_unknown(config):
    (quality,) = config.data("monitoring/sources-data-quality", days=30)

    assert quality["attributes"]["quality"] is None
    assert quality["attributes"]["weather"] == ""


@pytest.mark.parametrize("days", ["0", "31", "-1", "x", "", "1.5", "9" * 30, "²"])
def test_days_are_a_number_from_1_to_30(config, days):
    path = "monitoring/sources-data-quality"

    assert config.error(path, days=days) == (400, "BAD_PARAMETER")


def test_marked_tests_are_found_one_by_one_also_if_they_were_valid(source, config):
    for number in range(25):
        source.post(event("search", context={"test_code": "mine"}, search_term=str(number)))
    source.post(event("search", context={"test_code": "other"}))
    source.post(event("search"))

    found = config.data("event-inspector", test_code="mine", limit=100)

    assert len(found) == 25
    assert {row["attributes"]["status"] for row in found} == {"valid"}
    newest = found[0]["attributes"]
    assert newest["source"] == str(source.channel.guid)
    assert json.loads(newest["event"])["search_term"] == "24"


def test_inspector_tells_the_reason_of_a_refusal(source, config):
    response = source.post({"user": {"id": "1"}, "context": {"test_code": "mine"}})
    source.post(event("search", context={"test_code": "mine"}))

    (row,) = config.data("event-inspector", test_code="mine", status="invalid_rejected")

    assert row["attributes"]["reason"] == "missing_event_name"
    assert row["attributes"]["field"] == "event_name"
    assert row["attributes"]["request_id"] == response["Request-Id"]


def test_inspector_shows_nothing_of_other_sites(config):
    EventSource().post({"user": {"id": "1"}})

    assert config.data("event-inspector") == []


@pytest.mark.parametrize("query", [{"status": "x"}, {"limit": "0"}, {"limit": "101"}])
def test_inspector_says_which_parameter_is_wrong(config, query):
    assert config.error("event-inspector", **query) == (400, "BAD_PARAMETER")


def test_test_codes_may_have_any_character(config):
    assert config.data("event-inspector", test_code="a\0b") == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "title"),
    [
        ({}, "MISSING_AUTHORIZATION_HEADER"),
        ({"Authorization": "Basic eDp5"}, "UNKNOWN_TOKEN_TYPE"),
        ({"Authorization": "Bearer"}, "UNKNOWN_TOKEN"),
        ({"Authorization": "Bearer tl_abc_def"}, "UNKNOWN_TOKEN"),
    ],
)
def test_what_is_wrong_with_a_key_is_told_apart(config, path, headers, title):
    assert config.error(path, headers=headers) == (401, title)


@pytest.mark.parametrize("access", ["tracking", "activecampaign"])
def test_keys_of_other_access_are_unknown(source, access):
    config = Config(source, access=access)

    assert config.error("sources") == (401, "UNKNOWN_TOKEN")


@pytest.mark.parametrize("path", PATHS)
def test_keys_see_their_own_site_only(config, path):
    other = make_channel().site_id

    assert config.error(path, site_id=other) == (403, "SITE_ACCESS_FORBIDDEN")


def test_lists_take_as_many_queries_for_many_sources(source, config, django_assert_num_queries):
    config.data("sources")  # the key's use is noted once a minute
    for _ in range(5):
        make_channel(site_id=source.channel.site_id)

    with django_assert_num_queries(2):
        assert len(config.data("sources")) == 6
    with django_assert_num_queries(5):
        assert len(config.data("monitoring/sources-data-quality")) == 6
