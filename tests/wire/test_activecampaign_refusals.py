"""ActiveCampaign-format events that are refused or dropped: the answer, and the inspector."""

import json
from urllib.parse import urlencode

import pytest
from django.test.client import MULTIPART_CONTENT

from activities.admin.searching import search_rejections
from activities.models import Activity, ActivityType, RejectedActivity
from contacts.models import Contact
from tests.factories import make_contact
from tests.wire.activecampaign import EMAIL, FORM, SPAWNED, Account, activity_of, multipart
from tests.wire.app import rejection_of
from tracking.activecampaign.events import MAX_REQUEST_BYTES
from web import limits

pytestmark = pytest.mark.django_db

NO_ACCOUNT = b'{"success":0,"message":"An account ID must be provided."}'


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def contact():
    return make_contact(email=EMAIL)


@pytest.mark.parametrize(
    ("changes", "code", "field", "message"),
    [
        ({"actid": None}, "missing_field", "actid", "An account ID must be provided."),
        ({"actid": " "}, "missing_field", "actid", "An account ID must be provided."),
        ({"actid": "1"}, "unknown_account", "actid", "There is no account with this ID."),
        ({"actid": "1\0"}, "unknown_account", "actid", "There is no account with this ID."),
        ({"actid": "x" * 5000}, "unknown_account", "actid", "There is no account with this ID."),
        ({"key": None}, "missing_field", "key", "An event key must be provided."),
        ({"key": "wrong"}, "wrong_key", "key", "This is not the event key of the account."),
        ({"key": "ключ \0"}, "wrong_key", "key", "This is not the event key of the account."),
        ({"event": None}, "missing_field", "event", "An event name must be provided."),
        ({"event": ""}, "missing_field", "event", "An event name must be provided."),
    ],
)
def test_refused_event_is_answered_with_success_0(account, contact, changes, code, field, message):
    response = account.post(account.form(**changes))

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    answer = response.json()
    assert answer["success"] == 0
    assert isinstance(answer["success"], int)
    assert answer["message"].startswith(message)
    assert Activity.objects.count() == 0
    row = rejection_of(response)
    assert (row.code, row.field, row.reason) == (code, field, answer["message"])
    assert row.door == "activecampaign"


def test_missing_account_is_answered_as_documented(account):
    assert account.post(account.form(actid=None)).content == NO_ACCOUNT


def test_checks_have_an_order(account, contact):
    account.channel.event_tracking_enabled = False
    account.channel.save()
    wrong = {"actid": "1", "key": "wrong", "event": ""}
    codes = []
    for repaired in ("actid", "key", "event", None):
        codes.append(rejection_of(account.post(account.form(**wrong))).code)
        wrong.pop(repaired, None)

    assert codes == ["unknown_account", "wrong_key", "missing_field", "event_tracking_off"]


def test_event_is_refused_while_tracking_is_off(account, contact):
    account.channel.event_tracking_enabled = False
    account.channel.save()

    response = account.post(account.form())

    assert response.json()["success"] == 0
    row = rejection_of(response)
    assert (row.code, row.channel) == ("event_tracking_off", account.channel)


def test_key_of_another_account_is_wrong(account, contact):
    assert account.post(account.form(key=Account().channel.event_key)).json()["success"] == 0


@pytest.mark.parametrize(("limit", "longest"), [(0, 250), (32, 32)])
def test_too_long_a_name_is_refused(account, contact, settings, limit, longest):
    settings.ACTIVECAMPAIGN_MAX_EVENT_NAME = limit

    assert activity_of(account.post(account.form(event="x" * longest))).type.code_name
    response = account.post(account.form(event="x" * (longest + 1)))

    assert response.status_code == 200
    assert response.json() == {
        "success": 0,
        "message": f"An event name may have at most {longest} characters.",
    }
    assert rejection_of(response).code == "event_name_too_long"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"actid": "1", "key": "2", "event": "x"}', "application/json"),
        (b'{"actid": "1" "key": "2"}', "application/json"),
        (b"[" * 10_000 + b"]" * 10_000, "application/json"),
        (b'{"visit":' * 10_000 + b"}" * 10_000, "text/plain"),
        (b"\xff\xfe\x00\xd8", "application/octet-stream"),
        (b"--x\r\nbroken", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=\xff"),
        (b"", "multipart/form-data; boundary=x"),
        (b"x", "application/x-www-form-urlencoded;charset"),
        (multipart({f"f{number}": "" for number in range(4001)}), MULTIPART_CONTENT),
    ],
)
def test_body_that_is_no_form_has_no_account(account, body, content_type):
    response = account.post(body, content_type=content_type)

    assert response.status_code == 200
    assert response.content == NO_ACCOUNT
    row = rejection_of(response)
    is_form = not body or content_type.startswith(FORM)
    assert row.code == ("missing_field" if is_form else "not_a_form")
    assert row.field == "actid"
    assert row.reason.startswith("An account ID must be provided.")


def test_json_body_beside_an_account_in_the_query_is_not_read(account):
    body = json.dumps({"event": "login", "visit": {"email": EMAIL}}).encode()

    response = account.post(
        body, query=urlencode(account.credentials), content_type="application/json"
    )

    assert response.json() == {"success": 0, "message": "An event name must be provided."}
    row = rejection_of(response)
    assert (row.code, row.field, row.channel) == ("not_a_form", "event", account.channel)
    assert "no form" in row.reason


def test_object_that_a_page_did_not_make_json_is_told_as_what_it_is(account):
    response = account.post(account.form(visit="[object Object]"))

    assert "JSON.stringify" in rejection_of(response).reason


@pytest.mark.parametrize(
    ("visit", "code"),
    [
        (None, "missing_email"),
        ("", "missing_email"),
        ("{}", "missing_email"),
        ('{"email":null}', "missing_email"),
        ('{"email":["ada@example.com"]}', "missing_email"),
        ('{"email":" "}', "missing_email"),
        ("[object Object]", "unreadable_visit"),
        ('["ada@example.com"]', "unreadable_visit"),
        ('{"email":"ada@example.com" "a":1}', "unreadable_visit"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "unreadable_visit"),
        ("\0", "unreadable_visit"),
        ('{"email":"nobody@example.com"}', "unknown_contact"),
        ('{"email":"null"}', "unknown_contact"),
        ('{"email":"undefined"}', "unknown_contact"),
        ('{"email":"@"}', "unknown_contact"),
        ('{"email":"ada@example.com\\u0000"}', "unknown_contact"),
        ('{"email":"ada@example.com\\ud800"}', "unknown_contact"),
        ('{"email":"' + "x" * 300 + '@example.com"}', "unknown_contact"),
    ],
)
def test_event_that_names_no_contact_is_answered_as_spawned_and_kept(account, contact, visit, code):
    make_contact()  # somebody without an email, who must not be taken for them

    response = account.post(account.form(visit=visit))

    assert (response.status_code, response.content) == (200, SPAWNED)
    assert Activity.objects.count() == 0
    assert Contact.objects.count() == 2
    row = rejection_of(response)
    assert (row.code, row.field, row.channel) == (code, "visit", account.channel)
    assert ActivityType.objects.filter(door="activecampaign").count() == 0


def test_deep_brackets_are_no_fault(account, contact):
    body = f"{urlencode(account.form())}&visit{'[a]' * 10_000}=1&{'[' * 10_000}=1".encode()

    assert account.post(body).content == SPAWNED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"eventdata": "nul \0"}, "bad_text"),
        ({"visit": json.dumps({"email": EMAIL, "a": "\0"})}, "bad_text"),
        ({"visit": json.dumps({"email": EMAIL, "a": json.loads("[" * 60 + "]" * 60)})}, "too_deep"),
    ],
)
def test_event_that_cannot_be_stored_is_answered_and_kept(account, contact, changes, code):
    response = account.post(account.form(**changes))

    assert response.content == SPAWNED
    assert rejection_of(response).code == code


def test_too_large_a_request_is_400(account):
    body = urlencode(account.form()).encode() + b"&eventdata="
    fits = body + b"x" * (MAX_REQUEST_BYTES - len(body))

    assert account.post(fits).status_code == 200
    response = account.post(fits + b"x")

    assert response.status_code == 400
    assert response.json() == {
        "success": 0,
        "message": "An event may have 1,048,576 bytes at most.",
    }
    row = rejection_of(response)
    assert row.code == "too_large"
    assert row.payload_length == len(fits) + 1
    assert len(row.payload) == 4096
    assert account.post(fits, query="x").status_code == 400


def test_other_methods_are_405(account):
    response = account.http.get("/event", account.form())

    assert response.status_code == 405
    assert response.json()["success"] == 0
    assert Activity.objects.count() == 0


def test_read_only_hub_is_503(account, settings):
    settings.READ_ONLY = True

    response = account.post(account.form())

    assert response.status_code == 503
    assert response["Retry-After"] == "120"
    assert response.json()["success"] == 0


def test_switched_off_api_is_404(account, settings):
    settings.TRACKING_API_ENABLED = False

    response = account.post(account.form())

    assert response.status_code == 404
    assert response.json() == {"success": 0, "message": "The tracking API is switched off."}


def test_request_beyond_the_limit_of_its_account_is_429(account, contact, settings, monkeypatch):
    monkeypatch.setattr(limits.time, "time", lambda: 1_000_000.0)
    settings.ACTIVECAMPAIGN_REQUESTS_PER_SECOND = 1
    account.post(account.form(key="wrong"))  # a stranger uses up nothing
    assert account.post(account.form()).status_code == 200

    response = account.post(account.form())

    assert response.status_code == 429
    assert response["Retry-After"] == "1"
    assert response.json() == {
        "success": 0,
        "message": "This account may make 1 requests in a second.",
    }
    assert rejection_of(response).code == "too_many_requests"
    assert Activity.objects.count() == 1


# The inspector


@pytest.mark.parametrize("encoding", ["form", "query", "multipart", "part-with-type", "json"])
def test_keys_are_not_kept(account, encoding):
    fields = account.form(api_key="api-secret", visit='{"email":"lost@example.com"}')
    query, body, content_type = "", urlencode(fields).encode(), FORM
    if encoding == "query":
        query, body = urlencode(fields), b""
    elif encoding == "json":
        body, content_type = json.dumps(fields).encode(), "application/json"
    elif encoding != "form":
        body, content_type = multipart(fields), MULTIPART_CONTENT
        if encoding == "part-with-type":
            body = body.replace(b'"\r\n\r\n', b'"\r\nContent-Type: text/plain\r\n\r\n')

    response = account.post(body, query=query, content_type=content_type)

    payload = bytes(rejection_of(response).payload)
    assert account.channel.event_key.encode() not in payload
    assert b"api-secret" not in payload
    assert b"lost" in payload


def test_inspector_finds_an_event_by_the_email_that_nobody_has(account):
    account.post(account.form(visit='{"email":"lost@example.com"}', event="sign up"))
    account.post(account.form(visit='{"email":"other@example.com"}'))

    found = search_rejections(RejectedActivity.objects.all(), "lost@example.com")

    (row,) = found
    assert row.code == "unknown_contact"
    assert row.status == "invalid_rejected"
    assert row.reason == (
        "No contact has this email, and events do not create contacts. Create it first."
    )


@pytest.mark.parametrize(("key", "kept"), [("wrong", 2), (None, 2), ("right", 4)])
def test_of_requests_without_the_key_only_samples_are_kept(account, settings, key, kept):
    settings.REJECTED_SAMPLES_PER_MINUTE_AND_SOURCE = 2
    account.channel.event_key = "right"
    account.channel.save()

    for _ in range(4):
        account.post(account.form(key=key))

    assert RejectedActivity.objects.count() == kept
