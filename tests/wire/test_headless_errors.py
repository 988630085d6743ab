"""What the headless API refuses as a whole: who may not, what is not there, what is no message."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from activities.models import Activity, RejectedActivity
from channels.keys import create_api_key
from channels.models import ApiKey
from consents.models import ConsentAgreement
from contacts.models import Contact
from tests.factories import make_channel, make_consent
from tests.wire.app import ROOT, App, assert_problem, rejection_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lane")]

CLICK = {"type": "click", "value": "Buy"}


def requests_of(app):
    """One request of each kind that the API knows, as method, path and body."""
    contact = app.create_contact()
    return [
        ("GET", f"{ROOT}/consents/TrackingConsent", None),
        ("POST", f"{ROOT}/contacts", b""),
        ("GET", f"{ROOT}/contacts/{contact}/consents/TrackingConsent", None),
        ("POST", f"{ROOT}/contacts/{contact}/consents/TrackingConsent", {"agree": True}),
        ("POST", f"{ROOT}/activities", app.message(CLICK, contact=contact)),
    ]


def send(method, path, body, **headers):
    client = Client(raise_request_exception=False, headers=headers)
    return client.generic(method, path, _encoded(body), content_type="application/json")


def _encoded(body):
    return Client()._encode_json(body or b"", "application/json") or b""


def everything():
    """What the hub knows that a request could have added to."""
    return (
        set(Contact.objects.values_list("guid", flat=True)),
        Activity.objects.count(),
        ConsentAgreement.objects.count(),
    )


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
    access = ApiKey.Access.ACTIVECAMPAIGN
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
        "//contacts",
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


# What is no message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"null",
        b"[]",
        b"5",
        b'"x"',
        b"{'channel': 1}",
        b'{"a":1,}',
        b'{"a":1} x',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"{a:1}",
        b"// x\n{}",
        b"\xff\xfe{\x00}\x00",
        b"\x00",
        b"\xef\xbb\xbf",
        b'{"\xff":1}',
        b"channel=1&contact=2",
        b"%7B%7D",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b"[" * 200_000,
    ],
)
def test_body_that_is_no_json_object_is_refused(body):
    app = App()
    make_consent()
    contact = app.create_contact()

    for path in ("/activities", f"/contacts/{contact}/consents/TrackingConsent"):
        response = app.post(path, body)

        assert_problem(response, 400, "malformed_json")
        rejection = rejection_of(response)
        assert rejection.code == "malformed_json"
        assert bytes(rejection.payload) == body[: 32 * 1024]
        assert rejection.payload_length == len(body)
        assert rejection.channel == app.channel


@pytest.mark.parametrize("name", ["channel", "contact", "activities"])
def test_missing_member_is_named(name):
    app = App()
    body = app.message(CLICK)
    del body[name]

    response = app.post("/activities", body)

    assert_problem(response, 400, "missing_member", name)
    assert not Activity.objects.exists()


@pytest.mark.parametrize("name", ["channel", "contact"])
@pytest.mark.parametrize(
    "guid",
    [
        None,
        5,
        "",
        "x",
        True,
        [],
        {},
        "06b035b866584a1bb1de5994e4975fb1",
        "{06b035b8-6658-4a1b-b1de-5994e4975fb1}",
        "06b035b86658-4a1b-b1de-5994-e4975fb1",
        "06b035b8-6658-4a1b-b1de-5994e4975fb\u0661",
        "urn:uuid:06b035b866584a1bb1de5994e497",
    ],
)
def test_guid_that_is_none_is_named(name, guid):
    app = App()

    response = app.post("/activities", {**app.message(CLICK), name: guid})

    assert_problem(response, 400, "bad_guid", name)
    assert not Activity.objects.exists()


@pytest.mark.parametrize("activities", [None, {}, "x", 5, {"type": "click"}])
def test_activities_must_be_an_array(activities):
    app = App()

    response = app.post("/activities", {**app.message(), "activities": activities})

    assert_problem(response, 400, "wrong_type", "activities")


@pytest.mark.parametrize("agree", [None, "true", 1, 0, [], {}])
def test_agree_must_be_true_or_false(agree):
    app = App()
    make_consent()

    response = app.post(
        f"/contacts/{app.create_contact()}/consents/TrackingConsent", {"agree": agree}
    )

    assert_problem(response, 400, "wrong_type", "agree")
    assert not ConsentAgreement.objects.exists()


def test_agree_may_not_be_missing():
    app = App()
    make_consent()

    response = app.post(f"/contacts/{app.create_contact()}/consents/TrackingConsent", {})

    assert_problem(response, 400, "missing_member", "agree")
    assert not ConsentAgreement.objects.exists()


def test_language_of_an_answer_must_be_a_string():
    app = App()
    make_consent()
    path = f"/contacts/{app.create_contact()}/consents/TrackingConsent"

    response = app.post(path, {"agree": True, "languageName": 5})

    assert_problem(response, 400, "wrong_type", "languageName")
    assert not ConsentAgreement.objects.exists()


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
    ("per_source", "in_total", "most"),
    [pytest.param(3, 10**6, 6, id="of-one-source"), pytest.param(10**6, 0, 0, id="in-total")],
)
def test_requests_without_a_key_are_kept_as_samples(settings, per_source, in_total, most):
    settings.REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE = per_source
    settings.REJECTED_SAMPLES_PER_MINUTE = in_total
    client = Client(REMOTE_ADDR=f"2001:db8::{uuid4().hex[:4]}", raise_request_exception=False)

    responses = [client.post(f"{ROOT}/activities", b"{}", "application/json") for _ in range(10)]

    assert {response.status_code for response in responses} == {401}
    # A new minute may begin in between, and with it a new count.
    assert most / 2 <= RejectedActivity.objects.count() <= most


def test_payload_of_any_bytes_is_kept_and_can_be_read():
    app = App()
    body = bytes(range(256)) * 8

    response = app.post("/activities", body)

    rejection = rejection_of(response)
    assert bytes(rejection.payload) == body
    assert "ABCDEFG" in rejection.payload_text
