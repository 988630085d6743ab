"""Commanders Act-format events that are refused, or are not as they should be."""

import json

import pytest

from activities.models import Activity, RejectedActivity
from contacts.models import Contact
from tests.wire.source import BROWSER, event, query_of

pytestmark = pytest.mark.django_db


def test_broken_json_is_400_and_kept(source):
    body = b'{"event_name": "purchase" "id": "A-1"}'

    response = source.post(body)

    assert response.status_code == 400
    assert response.json()["code"] == "malformed_json"
    row = RejectedActivity.objects.get()
    assert (row.code, row.channel, bytes(row.payload)) == ("malformed_json", source.channel, body)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe{}", b"{", b"nul"])
@pytest.mark.parametrize("path", ["/events", "/events/batch"])
def test_no_json_is_400(source, body, path):
    assert source.post(body, path).status_code == 400
    assert RejectedActivity.objects.get().code == "malformed_json"


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"null"])
def test_json_that_is_no_event_is_200_and_kept(source, body):
    assert source.post(body).status_code == 200
    assert RejectedActivity.objects.get().code == "no_event"


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"batch": {}}', b'{"batch": null}', b"7"])
def test_json_that_is_no_batch_is_200_and_kept(source, body):
    assert source.post(body, "/events/batch").status_code == 200
    row = RejectedActivity.objects.get()
    assert (row.code, row.channel, bytes(row.payload)) == ("no_batch", source.channel, body)


@pytest.mark.parametrize("body", [b"[7", b'{"batch": 5', b'{"event_name": }'])
def test_what_is_neither_a_batch_nor_json_is_400(source, body):
    assert source.post(body, "/events/batch").status_code == 400
    assert RejectedActivity.objects.get().code == "malformed_json"


@pytest.mark.parametrize("name", [None, "", 7, {"a": 1}, ["x"]])
def test_event_without_a_name_is_kept(source, name):
    assert source.post({"event_name": name, "user": {"id": "7"}}).status_code == 200
    assert RejectedActivity.objects.get().code == "missing_event_name"
    assert Contact.objects.count() == 0


def test_event_of_nobody_is_kept(source):
    source.post({"event_name": "purchase", "user": {"id": "undefined", "email": "none"}})

    row = RejectedActivity.objects.get()
    assert (row.code, row.field) == ("no_identity", "user")
    assert Contact.objects.count() == 0


def padded(size, **properties):
    """An event of exactly so many bytes."""
    body = json.dumps(event(pad="", **properties))
    return body.replace('"pad": ""', f'"pad": "{"x" * (size - len(body))}"').encode()


def test_event_of_32_kilobytes_is_taken_and_a_larger_one_is_400(source):
    assert source.post(padded(32 * 1024)).status_code == 200
    assert Activity.objects.count() == 1

    response = source.post(padded(32 * 1024 + 1))

    assert response.status_code == 400
    assert response.json()["code"] == "too_large"
    row = RejectedActivity.objects.get()
    assert (row.code, row.payload_length) == ("too_large", 32 * 1024 + 1)


def test_oversize_event_in_a_legal_batch_is_dropped_and_the_rest_is_stored(source):
    large, small = padded(32 * 1024 + 1).decode(), json.dumps(event("page_view"))

    response = source.post(f'{{"batch":[{small},{large},{small}]}}'.encode(), "/events/batch")

    assert response.status_code == 200
    assert Activity.objects.count() == 2
    row = RejectedActivity.objects.get()
    assert (row.code, row.channel) == ("oversize_event", source.channel)


def test_batch_of_more_than_500_kilobytes_is_400(source):
    items = ",".join([padded(32 * 1024).decode()] * 17)

    response = source.post(f'{{"batch":[{items}]}}'.encode(), "/events/batch")

    assert response.status_code == 400
    assert Activity.objects.count() == 0
    assert RejectedActivity.objects.get().code == "too_large"


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 15_000 + b"]" * 15_000,
        b"1e999",
    ],
)
def test_json_beyond_us_is_200_and_kept(source, value):
    body = b'{"event_name":"deep","user":{"id":"7"},"a":%s}' % value

    assert source.post(body).status_code == 200
    assert RejectedActivity.objects.get().code == "undecodable_event"


def test_objects_of_great_depth_are_200_and_kept(source):
    deep = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    body = b'{"event_name":"deep","user":{"id":"7"},"a":%s}' % deep

    assert source.post(body).status_code == 200
    # How deep JSON can be decoded depends on the version of Python.
    assert RejectedActivity.objects.get().code in ("undecodable_event", "too_deep")


def test_properties_that_are_too_deep_are_kept(source):
    body = b'{"event_name":"deep","user":{"id":"7"},"a":%s}' % (b"[" * 60 + b"]" * 60)

    assert source.post(body).status_code == 200
    assert RejectedActivity.objects.get().code == "too_deep"


@pytest.mark.parametrize(
    "body",
    [
        {"event_name": "a", "user": {"id": "7"}, "x": "nul \0"},
        {"event_name": "a", "user": {"id": "nul \0"}},
        {"event_name": "nul \0", "user": {"id": "7"}},
        {"event_name": "a", "user": [], "context": 7},
        {"event_name": "a", "user": {"id": ["7"]}, "context": {"page": [], "device": None}},
        {"event_name": "a", "user": {"id": "7", "consent_categories": {"a": 1}}},
        {"event_name": "a", "user": {"id": 7.5, "email": {"a": 1}, "birthdate": []}},
        {"event_name": "a", "context": {"page": {"url": ["x"]}}, "user": {"id": "7"}},
    ],
)
def test_odd_members_are_no_fault(source, body):
    assert source.post(body).status_code == 200
    assert source.post_batch(body).status_code == 200
    assert source.post(body, headers=BROWSER).status_code == 200
    assert Activity.objects.count() + RejectedActivity.objects.count() >= 3


def test_read_only_hub_is_503_for_the_pixel_too(source, settings):
    settings.READ_ONLY = True

    assert source.post(event()).status_code == 503
    pixel = f"/events?{query_of(source)}&event_name=a&user[id]=7"
    assert source.http.get(pixel)["Retry-After"] == "120"
    assert source.http.head(pixel).status_code == 503
    assert Activity.objects.count() == 0
    assert RejectedActivity.objects.count() == 0


def test_switched_off_api_is_404(source, settings):
    settings.TRACKING_API_ENABLED = False

    assert source.post(event()).status_code == 404


@pytest.mark.parametrize("place", ["before", "after"])
def test_unknown_member_of_a_batch_has_to_be_utf_8(source, place):
    more, batch = b'"more":"\xff"', b'"batch":[{"event_name":"a","user":{"id":"7"}}]'
    members = [more, batch] if place == "before" else [batch, more]

    response = source.post(b"{" + b",".join(members) + b"}", "/events/batch")

    assert (response.status_code, Activity.objects.count()) == (400, 0)
    assert RejectedActivity.objects.get().code == "malformed_json"


def test_event_that_is_no_utf_8_costs_no_other_one(source):
    body = (
        b'{"batch":[{"event_name":"a\xff"},{"event_name":"b","user":{"id":"7"}}],"more":"\xc3\xbc"}'
    )

    assert source.post(body, "/events/batch").status_code == 200
    assert Activity.objects.count() == 1
