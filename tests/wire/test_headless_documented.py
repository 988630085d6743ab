"""The headless API as it is documented: every example, and every spelling that clients use."""

import json
import uuid
from uuid import UUID

import pytest
from django.test import Client

from activities.models import Activity
from contacts.models import Contact
from tests.factories import make_activity_type, make_consent, make_contact
from tests.wire.app import App
from tests.work import do_data_inputs

pytestmark = pytest.mark.django_db


def test_creating_a_contact_returns_its_guid():
    app = App()

    response = app.post("/contacts")

    contact = Contact.objects.get()
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"contact": str(contact.guid)}
    assert contact.email == contact.full_name == ""


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"", "application/json", id="empty-but-json"),
        pytest.param(b"{}", "application/json", id="empty-object"),
        pytest.param(b"", "", id="no-content-type"),
        pytest.param(b"whatever", "text/plain", id="text"),
        pytest.param(b"{", "application/json", id="malformed"),
        pytest.param(b"a=1", "application/x-www-form-urlencoded", id="form"),
        pytest.param(b"--x", "multipart/form-data; boundary=x", id="multipart"),
    ],
)
def test_creating_a_contact_needs_no_body(body, content_type):
    app = App()

    response = app.post("/contacts", body, content_type=content_type)

    assert response.status_code == 200
    assert response.json() == {"contact": str(Contact.objects.get().guid)}


def test_every_post_creates_another_contact():
    app = App()

    created = {app.create_contact() for _ in range(3)}

    assert created == {str(guid) for guid in Contact.objects.values_list("guid", flat=True)}
    assert len(created) == 3


def test_documented_request_is_logged_whole():
    app = App()
    make_activity_type("custom_loan_calculator", name="Loan calculator usage")
    guid = app.create_contact()
    body = {
        "channel": str(app.channel.guid),
        "contact": guid,
        "activities": [
            {"type": "pagevisit", "url": "https://example.com/mypage"},
            {"type": "click", "value": "MyClickableElement"},
            {
                "type": "datainput",
                "value": "Registration form",
                "contactFields": {
                    "ContactFirstName": "Luke",
                    "ContactLastName": "Smith",
                    "ContactEmail": "lsmith@domain.com",
                },
            },
            {"type": "custom_loan_calculator", "value": "5000"},
        ],
    }

    response = app.post("/activities", body)
    do_data_inputs()

    assert response.status_code == 207
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"results": [{"status": 202}] * 4}
    contact = Contact.objects.get(guid=guid)
    assert (contact.first_name, contact.last_name) == ("Luke", "Smith")
    assert contact.email == "lsmith@domain.com"
    activities = Activity.objects.order_by("pk")
    assert list(activities.values_list("type__code_name", "title", "value", "url")) == [
        ("pagevisit", "Page visit", "", "https://example.com/mypage"),
        ("click", "Clicked 'MyClickableElement'", "MyClickableElement", ""),
        ("datainput", "Data input 'Registration form'", "Registration form", ""),
        ("custom_loan_calculator", "Loan calculator usage '5000'", "5000", ""),
    ]
    for activity in activities:
        assert activity.contact == contact
        assert activity.channel == app.channel
        assert activity.logged_as == contact.guid
        assert activity.request_id == UUID(response["Request-Id"])
        assert activity.occurred_at == activity.recorded_at


def test_documented_request_in_pascal_case_is_logged():
    app = App()
    make_activity_type("custom_loan_calculator", name="Loan calculator usage")
    body = {
        "Channel": str(app.channel.guid).upper(),
        "Contact": app.create_contact().upper(),
        "Activities": [
            {"Type": "custom_loan_calculator", "Value": "5000"},
            {"Type": "PageVisit", "Url": "https://a.example/", "Referrer": "https://b.example/"},
            {"Type": "DataInput", "Value": "Form", "ContactFields": {"CONTACTCITY": "Oslo"}},
        ],
    }

    response = app.post("/activities", body)
    do_data_inputs()

    assert response.status_code == 207
    assert response.json() == {"results": [{"status": 202}] * 3}
    assert Contact.objects.get().city == "Oslo"
    activities = Activity.objects.order_by("pk")
    assert list(activities.values_list("type__code_name", "value", "url", "referrer")) == [
        ("custom_loan_calculator", "5000", "", ""),
        ("pagevisit", "", "https://a.example/", "https://b.example/"),
        ("datainput", "Form", "", ""),
    ]


@pytest.mark.parametrize(
    "spelling",
    [
        "/Kentico.Tracking/contacts",
        "/Kentico.Tracking/contacts/",
        "/kentico.tracking/contacts",
        "/KENTICO.TRACKING/CONTACTS",
        "/kentico.TRACKING/Contacts/",
    ],
)
def test_path_matches_in_any_spelling(spelling):
    app = App()

    response = Client().post(spelling, headers={"Authorization": app.authorization})

    assert response.status_code == 200
    assert response.json() == {"contact": str(Contact.objects.get().guid)}


def test_post_with_a_slash_at_the_end_keeps_its_body():
    app = App()
    make_consent()
    path = f"/contacts/{app.create_contact()}/consents/TrackingConsent"

    response = app.post(f"{path}/", {"agree": True})

    assert response.status_code == 200
    assert app.get(path).json() == {"isAgreed": True}


@pytest.mark.parametrize(
    ("activity", "title"),
    [
        ({"type": "pagevisit", "value": "Home", "url": "https://x.example"}, "Page visit 'Home'"),
        ({"type": "pagevisit", "url": "https://x.example"}, "Page visit"),
        ({"type": "pagevisit", "value": "", "url": "https://x.example"}, "Page visit"),
        ({"type": "pagevisit", "value": None, "url": "https://x.example"}, "Page visit"),
        ({"type": "click", "value": "Buy"}, "Clicked 'Buy'"),
        ({"type": "click", "value": "Don't"}, "Clicked 'Don't'"),
        ({"type": "datainput", "value": "Registration form"}, "Data input 'Registration form'"),
        ({"type": "custom_loan_calculator", "value": "5000"}, "Loan calculator usage '5000'"),
        ({"type": "custom_loan_calculator"}, "Loan calculator usage"),
    ],
)
def test_title_is_made_of_the_type_and_the_value(activity, title):
    app = App()
    make_activity_type("custom_loan_calculator", name="Loan calculator usage")

    results = app.log(activity)

    assert results == [{"status": 202}]
    assert Activity.objects.get().title == title


def test_title_keeps_the_whole_of_the_longest_value():
    app = App()

    app.log({"type": "click", "value": "x" * 250})

    assert Activity.objects.get().title == f"Clicked '{'x' * 250}'"


def test_url_and_referrer_are_kept_for_every_type():
    app = App()
    make_activity_type("download")
    places = {"url": "https://a.example/?q=1#x", "referrer": "https://b.example/"}

    app.log(
        {"type": "pagevisit", **places},
        {"type": "click", "value": "Buy", **places},
        {"type": "datainput", "value": "Form", **places},
        {"type": "download", **places},
    )

    assert list(Activity.objects.values_list("url", "referrer").distinct()) == [
        ("https://a.example/?q=1#x", "https://b.example/")
    ]
    assert Activity.objects.count() == 4


def test_url_may_be_longer_than_any_other_text():
    app = App()
    url = "https://example.com/?" + "q" * 5000

    results = app.log({"type": "pagevisit", "url": url, "referrer": url})

    assert results == [{"status": 202}]
    assert (Activity.objects.get().url, Activity.objects.get().referrer) == (url, url)


@pytest.mark.parametrize("type_name", ["Custom_Loan_Calculator", "CUSTOM_LOAN_CALCULATOR"])
def test_type_matches_in_any_letter_case(type_name):
    app = App()
    loan_calculator = make_activity_type("custom_loan_calculator")

    results = app.log({"type": type_name})

    assert results == [{"status": 202}]
    assert Activity.objects.get().type == loan_calculator


def test_unknown_members_are_ignored():
    app = App()
    body = {
        "$schema": "https://example.com/schema",
        **app.message({"type": "click", "value": "Buy", "title": 5, "color": {"r": 1}, "": None}),
        "sdk": ["ios", 3],
    }

    response = app.post("/activities", body)

    assert response.json() == {"results": [{"status": 202}]}
    assert Activity.objects.get().title == "Clicked 'Buy'"


def test_activities_may_be_none_at_all():
    app = App()

    results = app.log()

    assert results == []


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/xml", "text/plain;charset=UTF-8"]
)
def test_body_is_read_as_json_whatever_its_content_type(content_type):
    app = App()
    body = app.message({"type": "click", "value": "Buy"})

    response = app.post("/activities", body, content_type=content_type)

    assert response.json() == {"results": [{"status": 202}]}


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense", ""])
def test_answer_is_json_whatever_the_client_accepts(accept):
    app = App()
    body = app.message({"type": "click", "value": "Buy"})

    response = app.post("/activities", body, headers={"Accept": accept})

    assert response["Content-Type"] == "application/json"
    assert response.json() == {"results": [{"status": 202}]}


def test_body_may_begin_with_a_byte_order_mark():
    app = App()
    body = b"\xef\xbb\xbf" + json.dumps(app.message({"type": "click", "value": "Buy"})).encode()

    response = app.post("/activities", body)

    assert response.json() == {"results": [{"status": 202}]}


def test_last_of_two_members_of_one_name_counts():
    app = App()

    response = app.log_raw(b'{"type":"nonsense","Type":"click","value":"Sell","value":"Buy"}')

    assert response.json() == {"results": [{"status": 202}]}
    assert Activity.objects.get().title == "Clicked 'Buy'"


@pytest.mark.parametrize(
    "value", ["Größe 👩‍👩‍👧 ¿? 你好", "'", '"quoted"', "\n", "a\\u0000b", "\u202e"]
)
def test_value_is_kept_as_it_was_sent(value):
    app = App()

    results = app.log({"type": "click", "value": value})

    assert results == [{"status": 202}]
    assert Activity.objects.get().value == value


def test_channel_logs_for_contacts_of_other_channels():
    website, mobile_app = App(), App()
    guid = website.create_contact()

    results = mobile_app.log({"type": "click", "value": "Buy"}, contact=guid)

    assert results == [{"status": 202}]
    assert Activity.objects.get().channel == mobile_app.channel


def test_guid_of_a_merged_contact_leads_to_the_survivor():
    app = App()
    make_consent()
    survivor = make_contact(email="ann@example.com")
    loser = make_contact(merged_into=survivor)

    results = app.log({"type": "click", "value": "Buy"}, contact=loser.guid)
    app.post(f"/contacts/{loser.guid}/consents/TrackingConsent", {"agree": True})

    assert results == [{"status": 202}]
    activity = Activity.objects.get()
    assert (activity.contact, activity.logged_as) == (survivor, loser.guid)
    for guid in (survivor.guid, loser.guid):
        answer = app.get(f"/contacts/{guid}/consents/TrackingConsent")
        assert answer.json() == {"isAgreed": True}


def test_every_answer_has_a_request_id_of_its_own():
    app = App()

    request_ids = {app.post("/contacts")["Request-Id"] for _ in range(3)}

    assert len(request_ids) == 3
    assert all(str(uuid.UUID(request_id)) == request_id for request_id in request_ids)
