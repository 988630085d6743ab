"""The switch of event tracking, and the list of event names, by the API."""

import pytest

from activities.models import Activity, ActivityType
from tests.factories import make_activity, make_activity_type, make_channel
from tests.wire.activecampaign import EMAIL, Account
from tests.wire.activecampaign_api import ApiClient, assert_error, assert_message

pytestmark = pytest.mark.django_db

FILE = {"name": "file download request"}


@pytest.fixture
def api():
    return ApiClient()


# The switch


def test_event_tracking_is_on_at_first(api):
    response = api.get("/eventTracking")

    assert response.status_code == 200
    assert response.content == b'{"eventTracking":{"enabled":true}}'


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("path", ["/eventTracking", "/eventTracking/"])
def test_event_tracking_is_switched_for_the_channel_of_the_key_alone(api, method, path):
    other = make_channel()

    response = api.send(method, path, {"eventTracking": {"enabled": False}})

    assert response.status_code == 200
    assert response.json() == api.get(path).json() == {"eventTracking": {"enabled": False}}
    api.channel.refresh_from_db()
    other.refresh_from_db()
    assert (api.channel.event_tracking_enabled, other.event_tracking_enabled) == (False, True)


def test_switch_takes_effect_on_the_next_event(api):
    account = Account(api.channel)
    account.send()

    api.put("/eventTracking", {"eventTracking": {"enabled": False}})
    refused = account.post(account.form())
    api.put("/eventTracking", {"eventTracking": {"enabled": True}})
    taken = account.post(account.form())

    assert (refused.json()["success"], taken.json()["success"]) == (0, 1)
    assert Activity.objects.count() == 2


def test_switch_counts_at_once_whatever_is_remembered(
    api, settings, django_capture_on_commit_callbacks
):
    settings.REMEMBERED_SECONDS = 60
    account = Account(api.channel)
    account.send()

    with django_capture_on_commit_callbacks(execute=True):
        api.put("/eventTracking", {"eventTracking": {"enabled": False}})

    assert account.post(account.form()).json()["success"] == 0


@pytest.mark.parametrize("enabled", [None, 1, "false", [], {}])
def test_what_is_no_switch_switches_nothing(api, enabled):
    response = api.put("/eventTracking", {"eventTracking": {"enabled": enabled}})

    assert_message(response, 400, "enabled must be true or false.")
    assert api.get("/eventTracking").json() == {"eventTracking": {"enabled": True}}


# Event names


def test_whitelisted_name_is_created_and_listed(api):
    created = api.post("/eventTrackingEvents", {"eventTrackingEvent": FILE})

    assert (created.status_code, created.json()) == (201, {"eventTrackingEvent": FILE})
    listed = api.get("/eventTrackingEvents")
    assert listed.status_code == 200
    assert listed.json() == {"eventTrackingEvents": [FILE], "meta": {"total": 1}}


def test_creating_a_name_again_is_answered_alike_and_makes_nothing(api):
    answers = [
        api.post("/eventTrackingEvents/", {"eventTrackingEvent": FILE}).json() for _ in range(2)
    ]

    assert answers == [{"eventTrackingEvent": FILE}] * 2
    assert api.get("/eventTrackingEvents").json()["meta"] == {"total": 1}


def test_list_has_whitelisted_names_only(api):
    make_activity_type("not whitelisted")
    make_activity_type("Click event", whitelisted=True)

    response = api.get("/eventTrackingEvents")

    assert response.json()["eventTrackingEvents"] == [{"name": "Click"}]


def test_name_of_an_event_that_was_logged_is_whitelisted_without_a_second_type(api):
    activity = Account(api.channel).send()
    assert api.get("/eventTrackingEvents").json()["meta"] == {"total": 0}

    api.post("/eventTrackingEvents", {"eventTrackingEvent": FILE})

    assert ActivityType.objects.get(whitelisted=True) == activity.type


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", list(range(20))),
        ("limit=3", [0, 1, 2]),
        ("limit=2&offset=23", [23, 24]),
        ("limit=1000", list(range(25))),
        ("offset=25", []),
        ("limit=-1&offset=-1", list(range(20))),
        ("limit=x&offset=1.5", list(range(20))),
        ("limit=0", list(range(20))),
        ("limit=2&offset=9223372036854775807", []),
        ("limit=2&offset=" + "9" * 5000, [0, 1]),
        ("limit=%00&offset=%EF%BC%91", list(range(20))),
    ],
)
def test_names_are_listed_in_pages(api, query, expected):
    for number in range(25):
        make_activity_type(f"event {number}", whitelisted=True)

    response = api.get(f"/eventTrackingEvents?{query}")

    assert response.status_code == 200
    names = [row["name"] for row in response.json()["eventTrackingEvents"]]
    assert names == [f"event {number}" for number in expected]
    assert response.json()["meta"] == {"total": 25}


@pytest.mark.parametrize("name", [None, "", "  "])
def test_name_that_is_missing_is_not_created(api, name):
    response = api.post("/eventTrackingEvents", {"eventTrackingEvent": {"name": name}})

    assert_error(response, "field_missing", "name", "The event name was not provided.")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        (7, "name must be a string."),
        (["a"], "name must be a string."),
        ("x" * 251, "An event name may have at most 250 characters."),
        (
            "a\0b",
            "An event name has no control characters, none that turn the direction of the text "
            "around it, and no space at its ends.",
        ),
    ],
)
def test_what_can_be_no_name_is_not_created(api, name, title):
    response = api.post("/eventTrackingEvents", {"eventTrackingEvent": {"name": name}})

    assert_error(response, "field_invalid", "name", title)
    assert not ActivityType.objects.filter(is_system=False).exists()


def test_name_that_no_event_may_have_is_not_created(api, settings):
    settings.ACTIVECAMPAIGN_MAX_EVENT_NAME = 32

    response = api.post("/eventTrackingEvents", {"eventTrackingEvent": {"name": "x" * 33}})

    title = "An event name may have at most 32 characters."
    assert_error(response, "field_invalid", "name", title)


@pytest.mark.parametrize("path", ["/eventTrackingEvents", "/eventTrackingEvent"])
@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("my event", "my%20event"),
        ("a/b", "a%2Fb"),
        ("100 % größer?", "100%20%25%20gr%C3%B6%C3%9Fer%3F"),
        ("pagevisit", "pagevisit"),
    ],
)
def test_deleting_a_name_takes_it_off_the_list_and_keeps_what_was_logged(api, path, name, encoded):
    api.post("/eventTrackingEvents", {"eventTrackingEvent": {"name": name}})
    activity_type = ActivityType.objects.get(whitelisted=True)
    make_activity(type=activity_type)

    response = api.delete(f"{path}/{encoded}")

    assert (response.status_code, response.json()) == (200, {})
    assert api.get("/eventTrackingEvents").json()["meta"] == {"total": 0}
    assert Activity.objects.get().type == activity_type


@pytest.mark.parametrize("encoded", ["unknown", "%00", "%FF", "x" * 5000, "%F0%9F%98%80"])
def test_deleting_a_name_that_is_not_there_says_so(api, encoded):
    response = api.delete(f"/eventTrackingEvents/{encoded}")

    assert response.status_code == 404
    assert response.json()["message"].startswith("No Result found for EventTrackingEvent")


def test_names_are_deleted_only_while_event_tracking_is_on(api):
    api.post("/eventTrackingEvents", {"eventTrackingEvent": FILE})
    api.put("/eventTracking", {"eventTracking": {"enabled": False}})

    response = api.delete("/eventTrackingEvents/file%20download%20request")

    message = "Event tracking is turned off; turn it on before you delete an event name."
    assert_message(response, 400, message)
    assert api.get("/eventTrackingEvents").json()["meta"] == {"total": 1}


def test_event_of_a_whitelisted_name_is_of_its_type(api):
    api.post("/eventTrackingEvents", {"eventTrackingEvent": FILE})

    activity = Account(api.channel).send(visit=f'{{"email":"{EMAIL}"}}')

    assert activity.type == ActivityType.objects.get(whitelisted=True)
