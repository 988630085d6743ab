"""What the headless API refuses as a whole: who may not, and what is not there."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from activities.models import Activity
from channels.keys import create_api_key
from consents.models import ConsentAgreement
from contacts.models import Contact
from tests.factories import make_channel, make_consent
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


# Keys


def key_of_no_one(app):
    return f"Bearer tl_{'0' * 12}_{'x' * 43}"


def key_with_a_wrong_secret(app):
    return app.authorization[:-1] + ("A" if app.authorization[-1] != "A" else "B")


def disabled_key(app):
    return f"Bearer {create_api_key(app.channel, name='Old', enabled=False)[1]}"


def expired_key(app):
    past = timezone.now() - timedelta(seconds=1)
    return f"Bearer {create_api_key(app.channel, name='Old', expires_at=past)[1]}"


def key_for_another_api(app):
    access = "activecampaign"
    return f"Bearer {create_api_key(app.channel, name='CRM', access=access)[1]}"


@pytest.mark.parametrize(
    "authorization_of",
    [
        key_of_no_one,
        key_with_a_wrong_secret,
        disabled_key,
        expired_key,
        key_for_another_api,
        pytest.param(lambda app: None, id="missing"),
        pytest.param(lambda app: "", id="empty"),
        pytest.param(lambda app: "Bearer", id="scheme_alone"),
        pytest.param(lambda app: "Bearer ", id="scheme_and_space"),
        pytest.param(lambda app: app.key_text, id="key_alone"),
        pytest.param(lambda app: f"Basic {app.key_text}", id="other_scheme"),
        pytest.param(lambda app: f"Bearer{app.key_text}", id="no_space"),
        pytest.param(lambda app: f"{app.authorization} x", id="something_after_it"),
        pytest.param(lambda app: f"Bearer {app.key_text.upper()}", id="upper_case"),
        pytest.param(lambda app: "Bearer tl__", id="no_parts"),
        pytest.param(lambda app: "Bearer tl_\0_\0", id="nul"),
        pytest.param(lambda app: "Bearer tl_ü_ÿ\xff", id="not_ascii"),
        pytest.param(lambda app: "Bearer " + "x" * 8000, id="very_long"),
    ],
)
def test_request_without_a_valid_key_is_refused(authorization_of):
    app = App()
    make_consent()
    requests = requests_of(app)
    before = everything()
    authorization = authorization_of(app)
    headers = {} if authorization is None else {"Authorization": authorization}

    for request in requests:
        response = send(*request, **headers)

        assert_problem(response, 401, "unauthorized")
        assert response["WWW-Authenticate"] == "Bearer"
    assert everything() == before


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " Bearer "])
def test_scheme_matches_in_any_letter_case(scheme):
    app = App()

    response = app.post("/contacts", headers={"Authorization": f"{scheme} {app.key_text}"})

    assert response.status_code == 200


def test_key_that_expires_later_is_accepted():
    app = App(expires_at=timezone.now() + timedelta(minutes=1))

    response = app.post("/contacts")

    assert response.status_code == 200


def test_key_of_another_channel_is_refused():
    app, other = App(), App()

    response = other.post("/activities", app.message(CLICK))

    assert_problem(response, 403, "wrong_channel", "channel")
    assert not Activity.objects.exists()
    rejection = rejection_of(response)
    assert (rejection.code, rejection.channel) == ("wrong_channel", other.channel)


def test_channel_that_does_not_exist_is_refused_like_another_one():
    app = App()

    response = app.post("/activities", {**app.message(CLICK), "channel": str(uuid4())})

    assert_problem(response, 403, "wrong_channel", "channel")


# What is not there


UNUSED = "0b1f7c9a-3d52-4a86-9f0e-2c5d8e7a6b41"


@pytest.mark.parametrize("guid", [UNUSED, "x", "%00", "%FF", "%0A", "0" * 5000, "%2e%2e"])
def test_consent_of_an_unknown_contact_is_not_found(guid):
    app = App(make_channel(allowed_origins=["https://app.example.com"]))
    make_consent()
    path = f"/contacts/{guid}/consents/TrackingConsent"

    asked, answered = app.get(path), app.post(path, {"agree": True})

    assert_problem(asked, 404, "unknown_contact")
    assert_problem(answered, 404, "unknown_contact")
    assert not Contact.objects.exists()
    assert not ConsentAgreement.objects.exists()
    assert rejection_of(answered).code == "unknown_contact"


@pytest.mark.parametrize("code_name", ["Unknown", "%00", "%FF", "x" * 5000, "%F0%9F%9A%80", "%5F"])
def test_unknown_consent_is_not_found(code_name):
    app = App()
    make_consent()
    contact = app.create_contact()

    text = app.get(f"/consents/{code_name}?languageName=en")
    status = app.get(f"/contacts/{contact}/consents/{code_name}")
    answer = app.post(f"/contacts/{contact}/consents/{code_name}", {"agree": True})

    for response in (text, status, answer):
        assert_problem(response, 404, "unknown_consent")
    assert not ConsentAgreement.objects.exists()


def test_consent_without_a_text_is_not_found():
    app = App()
    make_consent().texts.all().delete()

    response = app.get("/consents/TrackingConsent")

    assert_problem(response, 404, "no_text")


@pytest.mark.parametrize("language", ["%00", "%FF", "x" * 5000, "_", "-", ""])
def test_language_that_is_none_gets_the_default_text(language):
    app = App()
    make_consent()

    response = app.get(f"/consents/TrackingConsent?languageName={language}")

    assert response.json() == {"shortText": "<p>May we?</p>", "fullText": ""}


def test_activities_of_an_unknown_contact_are_not_found():
    app = App()
    guid = str(uuid4())

    response = app.post("/activities", app.message(CLICK, contact=guid))

    assert_problem(response, 404, "unknown_contact")
    rejection = rejection_of(response)
    assert (rejection.code, rejection.contact_guid) == ("unknown_contact", guid)
    assert rejection.channel == app.channel


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/contact",
        "/activities/1",
        "/contacts/x",
        "/contacts/x/consents",
        "/consents",
        "//contact",
        "/contacts/x/consents/y/z",
        "/%00",
        "/%FF",
        "/../admin",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_unknown_endpoint_is_not_found(path, method):
    app = App()

    response = send(method, f"{ROOT}{path}", None, Authorization=app.authorization)

    assert_problem(response, 404, "unknown_endpoint")


@pytest.mark.parametrize("path", ["/Kentico.Trackings/contacts", "/KenticoXTracking/contacts"])
def test_path_beside_the_door_is_none_of_it(path):
    response = send("POST", path, None, Authorization=App().authorization)

    assert response.status_code == 404
    assert "Request-Id" not in response


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/contacts"),
        ("PUT", "/contacts"),
        ("GET", "/activities"),
        ("DELETE", "/activities"),
        ("POST", "/consents/TrackingConsent"),
        ("PATCH", "/contacts/x/consents/TrackingConsent"),
        ("DELETE", "/contacts/x/consents/TrackingConsent"),
        ("BREW", "/contacts"),
    ],
)
def test_method_that_an_endpoint_does_not_have_is_refused(method, path):
    app = App()

    response = send(method, f"{ROOT}{path}", None, Authorization=app.authorization)

    assert_problem(response, 405, "method_not_allowed")
    assert set(response["Allow"].split(", ")) <= {"GET", "POST", "HEAD", "OPTIONS"}
    assert method not in response["Allow"]


def test_unknown_host_is_refused_with_a_problem():
    app = App()

    response = app.post("/contacts", headers={"Host": "somewhere.example"})

    assert_problem(response, 400, "bad_request")


# Request ids


def test_every_refusal_has_a_request_id(settings):
    app = App()
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    responses = [
        app.post("/activities", b"{"),
        app.post("/activities", b" " * 1001),
        app.post("/activities", app.message(CLICK, contact=uuid4())),
        app.post("/activities", headers={"Authorization": None}),
        app.get("/nothing"),
        app.get("/activities"),
        Client().options(f"{ROOT}/activities"),
        Client().options(
            f"{ROOT}/activities",
            headers={"Origin": "https://x.example", "Access-Control-Request-Method": "POST"},
        ),
    ]

    assert [response.status_code for response in responses] == [
        400,
        413,
        404,
        401,
        404,
        405,
        401,
        200,
    ]
    assert len({response["Request-Id"] for response in responses}) == len(responses)
