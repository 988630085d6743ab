"""What the API refuses as a whole: always in JSON, and never a fault."""

from datetime import timedelta

import pytest
from django.utils import timezone

from activities.models import RejectedActivity
from channels.keys import create_api_key
from contacts.models import Contact
from tests.factories import make_activity, make_contact, make_key
from tests.wire.activecampaign_api import ApiClient, assert_message

pytestmark = pytest.mark.django_db

ACCESS = "activecampaign"
# Every request that takes a body, and what it is wrapped in.
WRITING = [
    ("PUT", "/eventTracking", "eventTracking"),
    ("POST", "/eventTracking", "eventTracking"),
    ("POST", "/eventTrackingEvents", "eventTrackingEvent"),
    ("POST", "/contacts", "contact"),
    ("POST", "/contact/sync", "contact"),
    ("PUT", "/contacts/{}", "contact"),
]
READING = [
    ("GET", "/eventTracking"),
    ("GET", "/eventTrackingEvents"),
    ("GET", "/contacts"),
    ("GET", "/contacts/{}"),
    ("GET", "/contacts/{}/trackingLogs"),
    ("GET", "/activities?contact={}"),
]
DELETING = [("DELETE", "/eventTrackingEvents/a"), ("DELETE", "/contacts/{}")]


@pytest.fixture
def api():
    return ApiClient()


@pytest.fixture
def contact():
    return make_contact(email="ann@example.com", first_name="Ann")


# Keys


def no_key(api):
    return None


def empty_key(api):
    return ""


def wrong_secret(api):
    return api.token[:-1] + ("A" if api.token[-1] != "A" else "B")


def event_key(api):
    return api.channel.event_key


def disabled_key(api):
    return create_api_key(api.channel, name="Old", access=ACCESS, enabled=False)[1]


def expired_key(api):
    past = timezone.now() - timedelta(seconds=1)
    return create_api_key(api.channel, name="Old", access=ACCESS, expires_at=past)[1]


def key_of_another_api(api):
    return make_key(api.channel)[1]


@pytest.mark.parametrize(
    "token_of",
    [
        *(no_key, empty_key, wrong_secret, event_key),
        *(disabled_key, expired_key, key_of_another_api),
    ],
)
def test_only_an_enabled_key_for_this_api_is_accepted(api, token_of):
    response = api.get("/contacts", headers={"Api-Token": token_of(api)})

    assert_message(response, 403, "Forbidden")


@pytest.mark.parametrize(
    ("method", "path"), [*READING, *DELETING, *[one[:2] for one in WRITING], ("GET", "/nothing")]
)
def test_without_a_key_nothing_is_told_or_done(api, contact, method, path):
    body = {"contact": {"email": "b@example.com"}, "eventTracking": {"enabled": False}}

    response = api.send(method, path.format(contact.pk), body, headers={"Api-Token": None})

    assert_message(response, 403, "Forbidden")
    api.channel.refresh_from_db()
    assert api.channel.event_tracking_enabled
    assert list(Contact.objects.all()) == [contact]


def test_request_with_a_wrong_key_is_in_the_inspector(api):
    api.post("/contacts", b'{"contact":{}}', headers={"Api-Token": "wrong"})

    kept = RejectedActivity.objects.get()
    assert (kept.code, kept.door) == ("forbidden", "activecampaign-api")
    assert bytes(kept.payload) == b'{"contact":{}}'


def test_request_with_a_key_is_no_activity_that_was_refused(api, contact):
    api.post("/contacts", {"contact": {"email": contact.email}})

    assert not RejectedActivity.objects.exists()


# Bodies


@pytest.mark.parametrize(("method", "path", "name"), WRITING)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe{}",
        b"a=1&b=2",
        b'{"%s": {"email": "a@example.com" "firstName": "Ann"}}',
        b'{"%s": {"email": "a@example.com"}',
        b"[" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"%s": {"email": NaN}}',
    ],
)
def test_body_that_is_no_json_is_told_so(api, contact, method, path, name, body):
    response = api.send(method, path.format(contact.pk), body.replace(b"%s", name.encode()))

    assert response.status_code == 400
    assert response.json()["message"].startswith("The body is no JSON: ")
    assert list(Contact.objects.all()) == [contact]


@pytest.mark.parametrize(("method", "path", "name"), WRITING)
@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"null", b"7", b'"text"', b"{}", b'{"email": "a@example.com"}'),
        *(b'{"%s": null}', b'{"%s": []}', b'{"%s": "text"}', b'{"%s": 7}'),
    ],
)
def test_body_without_the_object_is_told_so(api, contact, method, path, name, body):
    response = api.send(method, path.format(contact.pk), body.replace(b"%s", name.encode()))

    message = f'The body must be an object with an object in it: {{"{name}": {{…}}}}.'
    assert_message(response, 400, message)
    assert list(Contact.objects.all()) == [contact]


@pytest.mark.parametrize(("method", "path", "name"), WRITING)
def test_body_that_is_too_large_is_told_so(api, contact, method, path, name):
    body = b'{"%s": {"email": "%s"}}' % (name.encode(), b"x" * 40_000_000)

    response = api.send(method, path.format(contact.pk), body)

    message = "The body is larger than 10,000,000 bytes; send it in several requests."
    assert_message(response, 413, message)


def test_of_a_member_that_is_there_twice_the_last_one_counts(api):
    body = b'{"contact": {"email": "a@example.com", "email": "b@example.com"}}'

    assert api.post("/contacts", body).status_code == 201
    assert Contact.objects.get().email == "b@example.com"


def test_half_a_character_and_a_byte_order_mark_are_no_fault(api):
    body = b'\xef\xbb\xbf{"contact": {"email": "a@example.com", "firstName": "\\ud83d"}}'

    assert api.post("/contacts", body).status_code == 201
    assert Contact.objects.get().first_name == "\N{REPLACEMENT CHARACTER}"


def test_deep_and_large_members_that_nobody_wants_are_no_fault(api):
    deep = b'{"a":' * 500 + b"1" + b"}" * 500
    body = b'{"contact": {"email": "a@example.com", "x": %s, "y": %s}}' % (deep, b"9" * 4000)

    assert api.post("/contacts", body).status_code == 201


# Paths and methods


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/contacts/1/nothing", "/%0A", "/tags/1"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_endpoint_that_is_not_there_is_told_so(api, method, path):
    assert_message(api.send(method, path), 404, "The API has no such endpoint.")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/contacts/1", "GET, PUT, DELETE, HEAD, OPTIONS"),
        ("DELETE", "/eventTracking", "GET, POST, PUT, HEAD, OPTIONS"),
        ("GET", "/contact/sync", "POST, OPTIONS"),
    ],
)
def test_method_that_is_not_there_is_told_so(api, method, path, allowed):
    response = api.send(method, path)

    assert_message(response, 405, f'Method "{method}" not allowed.')
    assert response["Allow"] == allowed


# Switches


@pytest.mark.parametrize(("method", "path"), [*DELETING, *[one[:2] for one in WRITING]])
def test_nothing_is_written_while_the_hub_is_read_only(api, contact, settings, method, path):
    settings.READ_ONLY = True

    response = api.send(method, path.format(contact.pk), {"contact": {"email": "b@example.com"}})

    assert_message(response, 503, "The hub is read-only for the moment; try again later.")
    assert response["Retry-After"] == "120"
    assert list(Contact.objects.all()) == [contact]


@pytest.mark.parametrize(("method", "path"), READING)
def test_reading_goes_on_while_the_hub_is_read_only(api, contact, settings, method, path):
    make_activity(contact, channel=api.channel)
    settings.READ_ONLY = True

    assert api.send(method, path.format(contact.pk)).status_code == 200


def test_api_is_not_there_while_tracking_is_switched_off(api, settings):
    settings.TRACKING_API_ENABLED = False

    assert_message(api.get("/contacts"), 404, "The tracking API is switched off.")


def test_requests_beyond_the_limit_of_a_channel_are_told_to_wait(api, settings):
    settings.ACTIVECAMPAIGN_REQUESTS_PER_SECOND = 1
    other = ApiClient()

    for _ in range(20):  # at least two of them are in one second
        response = api.get("/eventTracking")
        if response.status_code == 429:
            break

    assert_message(response, 429, "This account may make 1 requests in a second.")
    assert response["Retry-After"] == "1"
    assert other.get("/eventTracking").status_code == 200


def test_every_answer_has_a_request_id(api):
    for response in (api.get("/contacts"), api.get("/nothing"), api.post("/contacts", b"{")):
        assert len(response["Request-Id"]) == 36
