"""What the inspector shows of people to users who may not see contacts: nothing."""

import json
from urllib.parse import parse_qs, quote

import pytest

from activities.admin.personal_data import hide_in_payload
from activities.models import RejectedActivity
from adminsite.formatting import change_url, changelist_url
from tests.admin.history import make_rejected

pytestmark = pytest.mark.django_db

EMAIL, GUID = "ada.lovelace@example.com", "0c9f3a52-6a0f-4b8b-9d0e-2f3a4b5c6d7e"
PAYLOADS = [
    {"type": "datainput", "contactFields": {"ContactLastName": "Lovelace"}},
    {"type": "datainput", "contactfields": {"CONTACTNOTES": ["Lovelace"]}},
    {"event_name": "a", "user": {"id": "Lovelace", "anything": {"deep": "Lovelace"}}},
    {"event_name": "a", "user": {"email": EMAIL}},
    {"user": "Lovelace"},
    {"properties": {"first_name": "Lovelace", "Phone Number": "Lovelace"}},
    {"properties": {"home-phone": "Lovelace", "customerEmail": "Lovelace"}},
    {"contact": GUID},
    {"properties": {"note": f"written to {EMAIL}"}},
    {"properties": {EMAIL: 1}},
    {"properties": {"note": GUID.upper()}},
    {"properties": {"note": GUID.replace("-", "")}},
    {"url": f"https://www.example.com/?m={quote(EMAIL)}"},
    {"nested": json.dumps({"ContactLastName": "Lovelace"})},
    {"nested": quote(json.dumps({"ContactLastName": "Lovelace"}))},
    f"email={quote(EMAIL)}&event=a".encode(),
    b"user[lastname]=Lovelace&event=a",
    b"user.anything.deep=Lovelace&event=a",
    b"contact[first_name]=Lovelace&event=a",
    f"event=a&eventdata={quote(EMAIL)}".encode(),
    b'visit={"email":"ada.lovelace@example.com"}',
    b"visit=%7B%22email%22%3A%22ada.lovelace%40example.com%22%7D&event=a",
    f"actid=1&visit={quote(json.dumps({'first_name': 'Lovelace'}))}".encode(),
    {"properties": {"nested": json.dumps({"again": json.dumps({"anything": "Lovelace"})})}},
    {"url": "https://www.example.com/?lastname=Lovelace"},
    {"url": "https://www.example.com/#Lovelace"},
    {"referrer": "https://Lovelace:secret@www.example.com/"},
    {"url": f"https://www.example.com/{quote(quote(quote(EMAIL)))}"},
    {"properties": {"note": "?user[lastname]=Lovelace"}},
    {"properties": {"mail": "Lovelace", "dob": "Lovelace", "customer_name": "Lovelace"}},
    {"properties": {"billing_address": {"type": "Lovelace of Ockham & co"}}},
    {"user": {"type": "Lovelace"}},
    {"type": f"to {EMAIL}"},
    {"value": "Lovelace"},
    {"channel": "Lovelace"},
    {"properties": {"Lovelace & Byron": 1}},
    b"mail=Lovelace&event=a",
    b"event=a&eventdata=Lovelace",
    b"user[type]=Lovelace",
    b'{"contactFields": {"ContactLastName": "Lovelace"',
    b"\xff Lovelace",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_names_a_person(log_in, payload):
    sent = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    rejected = make_rejected(payload=sent, reason="Refused.")
    client = log_in("view_rejectedactivity")

    for page in (changelist_url(RejectedActivity), change_url(rejected)):
        html = client.get(page).text.lower()
        assert "Hidden" in client.get(page).text
        for secret in ("lovelace", GUID, GUID.replace("-", "")):
            assert secret not in html


def test_what_developers_need_stays():
    sent = {
        "channel": GUID,
        "type": "loan",
        "value": "5000",
        "timestamp": "2026-01-02T03:04:05+01:00",
        "url": "https://www.example.com/loans",
        "contactFields": {"ContactBirthday": "1815-12-10"},
        "properties": {"amount": 5000, "items": [{"sku": "A-1", "gift": True}], "none": None},
    }

    shown = json.loads(hide_in_payload(json.dumps(sent).encode(), ()))

    assert shown == {
        **sent,
        "contactFields": {"ContactBirthday": "Hidden (10 characters)"},
        "properties": {
            "amount": "Hidden (a number)",
            "items": [{"sku": "Hidden (3 characters)", "gift": "Hidden (true or false)"}],
            "none": None,
        },
    }


def test_what_developers_need_of_a_form_stays():
    visit = quote(json.dumps({"email": "ada"}))

    shown = hide_in_payload(f"actid=12&event=loan&eventdata=5000&visit={visit}".encode(), ())

    assert parse_qs(shown.decode()) == {
        "actid": ["12"],
        "event": ["loan"],
        "eventdata": ["5000"],
        "visit": ['{"email": "Hidden (3 characters)"}'],
    }


def test_harmless_members_that_a_rule_calls_personal_are_hidden():
    sent = {"value": "5000", "type": {"status": "ill"}, "url": "https://www.example.com/a"}

    shown = json.loads(hide_in_payload(json.dumps(sent).encode(), {"value", "type", "url"}))

    assert shown == {
        "value": "Hidden (4 characters)",
        "type": {"status": "Hidden (3 characters)"},
        "url": "Hidden (25 characters)",
    }


def test_an_email_in_other_columns_is_hidden(log_in):
    rejected = make_rejected(
        reason=f"There is no activity type “{EMAIL}”.", field=EMAIL, contact_guid=EMAIL
    )
    client = log_in("view_rejectedactivity")

    assert EMAIL not in client.get(change_url(rejected)).text
    RejectedActivity.objects.update(field="")
    assert EMAIL not in client.get(changelist_url(RejectedActivity)).text


def test_users_who_may_see_contacts_see_what_was_sent(log_in):
    rejected = make_rejected(payload=json.dumps({"user": {"email": EMAIL}}).encode())
    client = log_in("view_rejectedactivity", "view_contact")

    for page in (changelist_url(RejectedActivity), change_url(rejected)):
        assert EMAIL in client.get(page).text
