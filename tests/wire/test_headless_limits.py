"""What the headless API refuses for its size or its switches, and what is kept of a refusal."""

from uuid import uuid4

import pytest
from django.test import Client

from activities.models import Activity, RejectedActivity
from tests.factories import make_consent
from tests.wire.app import (
    CLICK,
    ROOT,
    App,
    assert_problem,
    everything,
    rejection_of,
    requests_of,
    send,
)

pytestmark = pytest.mark.django_db


# Too much at once


@pytest.fixture
def at_most_1000_bytes(settings):
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000


def padded(body, length):
    """`body` with spaces up to this many bytes."""
    return body + b" " * (length - len(body))


@pytest.mark.usefixtures("at_most_1000_bytes")
def test_body_of_the_greatest_size_is_accepted():
    app = App()
    body = padded(app.raw_message(b'{"type":"click","value":"Buy"}'), 1000)

    response = app.post("/activities", body)

    assert response.status_code == 207


@pytest.mark.usefixtures("at_most_1000_bytes")
def test_body_that_is_too_large_is_refused():
    app = App()
    make_consent()
    contact = app.create_contact()
    body = padded(app.raw_message(b'{"type":"click","value":"Buy"}'), 1001)

    for path in ("/activities", f"/contacts/{contact}/consents/TrackingConsent"):
        response = app.post(path, body)

        assert_problem(response, 413, "too_large")
        assert "1,000 bytes" in response.json()["detail"]
        rejection = rejection_of(response)
        assert (rejection.code, rejection.payload_length) == ("too_large", 1001)
        assert bytes(rejection.payload) == body
    assert not Activity.objects.exists()


# Switches


def test_switched_off_api_has_no_endpoint(settings):
    app = App()
    make_consent()
    requests = requests_of(app)
    before = everything()
    settings.TRACKING_API_ENABLED = False

    for request in requests:
        with_key = send(*request, Authorization=app.authorization)
        without_key = send(*request)

        assert_problem(with_key, 404, "tracking_off")
        assert_problem(without_key, 404, "tracking_off")
    assert everything() == before


def test_request_to_a_switched_off_api_is_kept(settings, every_sample):
    app = App()
    body = app.raw_message(b'{"type":"click","value":"Buy"}')
    settings.TRACKING_API_ENABLED = False

    response = app.post("/activities", body)

    rejection = rejection_of(response)
    assert rejection.code == "tracking_off"
    assert bytes(rejection.payload) == body


def test_read_only_hub_refuses_what_writes(settings):
    app = App()
    make_consent()
    requests = requests_of(app)
    before = everything()
    settings.READ_ONLY = True

    for method, path, body in requests:
        response = send(method, path, body, Authorization=app.authorization)

        if method == "POST":
            assert_problem(response, 503, "read_only")
            assert int(response["Retry-After"]) > 0
        else:
            assert response.status_code == 200
    assert everything() == before


def test_read_only_hub_writes_nothing_at_all(settings, django_assert_num_queries):
    app = App()
    body = app.message(CLICK)
    settings.READ_ONLY = True

    with django_assert_num_queries(0):
        app.post("/activities", body)

    app.get("/consents/TrackingConsent")
    app.api_key.refresh_from_db()
    assert not RejectedActivity.objects.exists()


# What is kept of a refused request


@pytest.fixture
def every_sample(settings):
    settings.REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE = settings.REJECTED_SAMPLES_PER_MINUTE = 10**6


def test_refused_request_of_a_key_is_kept_up_to_32_kilobytes():
    app = App()
    body = b"{" + b"x" * 40_000

    response = app.post("/activities", body)

    rejection = rejection_of(response)
    assert bytes(rejection.payload) == body[:32768]
    assert rejection.payload_length == 40_001
    assert rejection.door == "headless"


@pytest.mark.usefixtures("every_sample")
def test_refused_request_without_a_key_is_kept_up_to_4_kilobytes():
    app = App()
    body = b"{" + b"x" * 5000

    response = app.post("/activities", body, headers={"Authorization": None})

    rejection = rejection_of(response)
    assert bytes(rejection.payload) == body[:4096]
    assert rejection.payload_length == 5001
    assert (rejection.code, rejection.channel) == ("unauthorized", None)


@pytest.mark.parametrize(
    ("per_source", "in_total", "kept"),
    [pytest.param(3, 10**6, 3, id="of-one-source"), pytest.param(10**6, 0, 0, id="in-total")],
)
def test_requests_without_a_key_are_kept_as_samples(settings, per_source, in_total, kept):
    settings.REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE = per_source
    settings.REJECTED_SAMPLES_PER_MINUTE = in_total
    client = Client(REMOTE_ADDR=f"2001:db8::{uuid4().hex[:4]}", raise_request_exception=False)

    responses = [client.post(f"{ROOT}/activities", b"{}", "application/json") for _ in range(10)]

    assert {response.status_code for response in responses} == {401}
    assert RejectedActivity.objects.count() == kept


def test_payload_of_any_bytes_is_kept_and_can_be_read():
    app = App()
    body = bytes(range(256)) * 8

    response = app.post("/activities", body)

    rejection = rejection_of(response)
    assert bytes(rejection.payload) == body
    assert "ABCDEFG" in rejection.payload_text
