"""Bodies that the headless API refuses as a whole, and what it passes over in them."""

import json

import pytest

from activities.models import Activity
from consents.models import ConsentAgreement
from tests.factories import make_consent
from tests.wire.app import CLICK, App, assert_problem, rejection_of

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("more", [b'"more":"\xff"', b'"More":["\xc3"]', b'"agree":true,"\xff":1'])
def test_unknown_member_has_to_be_utf_8(more):
    app = App()
    message = json.dumps(app.message({"type": "click", "value": "Buy"})).encode()

    refused = app.post("/activities", message[:-1] + b"," + more + b"}")

    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_json")
    assert "UTF-8" in refused.json()["detail"]


@pytest.mark.parametrize("half", [b"\xed\xa0\xbd", b"\xed\xa0\xbd \xed\xba\x80", rb"\ud83d"])
@pytest.mark.parametrize("more", [b'"note":"%s"', b'"Note":["a",{"b":"%s"}]', b'"%s":1'])
def test_half_of_a_character_in_an_unknown_member_costs_nothing(more, half):
    app = App()
    message = json.dumps(app.message({"type": "click", "value": "Buy"})).encode()

    response = app.post("/activities", message[:-1] + b"," + more % half + b"}")

    assert response.json() == {"results": [{"status": 202}]}


def test_unknown_member_of_an_agreement_has_to_be_utf_8():
    app = App()
    body = b'{"agree":true,"more":"\xff"}'
    consent = make_consent()

    refused = app.post(f"/contacts/{app.create_contact()}/consents/{consent.code_name}", body)

    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_json")


def test_activity_that_is_no_utf_8_costs_no_other_one():
    app = App()
    good = {"type": "click", "value": "Buy"}
    message = json.dumps({**app.message(good, good), "more": "ü"}, ensure_ascii=False).encode()

    response = app.post("/activities", message.replace(b"Buy", b"\xff", 1))

    assert [result["status"] for result in response.json()["results"]] == [400, 202]
