"""Properties that are personal data, in the admin: who may see them."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from activities.admin.personal_data import HIDDEN, hide_in_payload
from activities.inspector import readable
from activities.models import Activity, PropertyRule, RejectedActivity
from adminsite.formatting import change_url, changelist_url
from tests.admin.history import make_rejected
from tests.factories import make_activity, make_activity_type, make_contact, make_rule

pytestmark = pytest.mark.django_db

PHONE, NAME = "+1 555 0100", "Ermintrude"


def make_personal_activity(**fields):
    activity_type = make_activity_type("loan", name="Loan asked for")
    for name in ("user.phone", "guests.name"):
        make_rule(activity_type, name, is_personal=True)
    make_rule(activity_type, "amount")
    values = {
        "title": f"Loan asked for '{NAME}'",
        "value": NAME,
        "url": f"https://www.example.com/?phone={PHONE}",
        "referrer": f"https://www.example.com/{NAME}",
        "properties": {
            "amount": "5000",
            "user": {"Phone": PHONE, "id": "u-7"},
            "guests": [{"name": NAME, "seat": "A3"}, [{"name": NAME}]],
        },
    }
    return make_activity(type=activity_type, **(values | fields))


def address_of(page, activity):
    return {
        "list": changelist_url(Activity),
        "page": change_url(activity),
        "dashboard": reverse("admin:index"),
    }[page]


@pytest.mark.parametrize("page", ["list", "page", "dashboard"])
def test_personal_data_is_hidden_from_those_who_may_not_see_contacts(log_in, page):
    activity = make_personal_activity()
    html = log_in("view_activity").get(address_of(page, activity)).text

    assert PHONE not in html
    assert NAME not in html
    assert "Loan asked for" in html
    if page != "dashboard":
        assert HIDDEN in html
    if page == "page":
        for shown in ("5000", "u-7", "A3", "&quot;Phone&quot;: &quot;Hidden&quot;"):
            assert shown in html
    activity.refresh_from_db()
    assert activity.value == NAME


@pytest.mark.parametrize("page", ["list", "page", "dashboard"])
def test_personal_data_is_shown_to_those_who_may_see_contacts(log_in, page):
    activity = make_personal_activity()
    html = log_in("view_activity", "view_contact").get(address_of(page, activity)).text

    assert NAME in html
    assert HIDDEN not in html


def test_activities_of_types_without_personal_data_are_shown_to_all(log_in):
    make_rule(make_activity_type("other"), is_personal=True)
    make_activity(title=f"Page visit '{NAME}'", properties={"amount": "5550100"})
    client = log_in("view_activity")

    assert NAME in client.get(changelist_url(Activity)).text
    assert "5550100" in client.get(change_url(Activity.objects.get())).text


@pytest.mark.parametrize("page", ["list", "page", "dashboard"])
def test_what_looks_like_personal_data_is_hidden_whatever_the_rules(log_in, page):
    activity = make_activity(
        title="Page visit 'ada@example.com'",
        value=f"Call {PHONE}",
        url=f"https://www.example.com/loans?utm_source=ada%40example.com&First_Name={NAME}&a=b-7",
        referrer=f"https://www.example.com/?user[name]={NAME}",
        properties={
            "email": "ada@example.com",
            "amount": "5000",
            "user": {"name": NAME, "id": "u-7"},
            "product": {"name": "Bicycle"},
            "list": [{"First Name": NAME}, f"by {PHONE}"],
        },
    )

    html = log_in("view_activity").get(address_of(page, activity)).text

    for hidden in ("ada@", "ada%40", PHONE, NAME):
        assert hidden not in html
    if page != "dashboard":
        assert "/loans?utm_source=Hidden&amp;First_Name=Hidden&amp;a=b-7" in html
    if page == "page":
        for shown in ("5000", "u-7", "Bicycle"):
            assert shown in html


def test_an_activity_without_properties_has_nothing_to_hide(log_in):
    activity = make_personal_activity(properties=None, value="", url="", referrer="")

    html = log_in("view_activity").get(change_url(activity)).text

    assert HIDDEN not in html


def test_hiding_costs_no_query_in_the_log(log_in, django_assert_num_queries):
    activity = make_personal_activity()
    client = log_in("view_activity")
    client.get(changelist_url(Activity))
    with CaptureQueriesContext(connection) as hidden:
        client.get(changelist_url(Activity))

    PropertyRule.objects.filter(activity_type=activity.type_id).delete()

    with django_assert_num_queries(len(hidden)):
        client.get(changelist_url(Activity))


def sent(value):
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return {
        "payload": payload,
        "payload_length": len(payload),
        "payload_text": readable(payload),
        "reason": "Refused.",
    }


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "loan", "properties": {"user": {"phone": PHONE}}},
        {"event_name": "loan", "USER": {"PHONE": [PHONE]}, "guests": [{"name": NAME}]},
        {"activities": [{"properties": {"user": {"phone": {"home": PHONE}}}}]},
        {"url": f"https://www.example.com/?Phone={PHONE}"},
        {"nested": json.dumps({"phone": PHONE})},
        json.dumps({"phone": PHONE}),
        f"event_name=loan&user[phone]={PHONE}".encode(),
        b'{"user": {"phone": "' + PHONE.encode(),
        b"\xff" + PHONE.encode(),
        b"[" * 900 + json.dumps({"phone": PHONE}).encode() + b"]" * 900,
        b"[" * 90_000 + PHONE.encode(),
    ],
)
def test_the_inspector_hides_personal_data(log_in, payload):
    make_personal_activity()
    rejected = make_rejected(**sent(payload))
    client = log_in("view_rejectedactivity")

    for page in (changelist_url(RejectedActivity), change_url(rejected)):
        html = client.get(page).text
        assert "0100" not in html
        assert NAME not in html
        assert HIDDEN in html


def test_the_inspector_shows_the_rest_of_what_was_sent(log_in):
    make_personal_activity()
    rejected = make_rejected(**sent({"type": "u-7", "user": {"phone": PHONE, "id": "u-8"}}))

    html = log_in("view_rejectedactivity").get(change_url(rejected)).text

    assert "u-7" in html
    assert "u-8" not in html
    assert "&quot;phone&quot;: &quot;Hidden (11 characters)&quot;" in html


def test_the_inspector_shows_everything_to_those_who_may_see_contacts(log_in):
    make_personal_activity()
    rejected = make_rejected(**sent({"user": {"phone": PHONE}}))
    client = log_in("view_rejectedactivity", "view_contact")

    for page in (changelist_url(RejectedActivity), change_url(rejected)):
        assert PHONE in client.get(page).text


def test_search_does_not_tell_what_is_hidden(log_in):
    make_personal_activity()
    guid = str(make_contact().guid)
    rejected = make_rejected(**sent({"user": {"phone": "5550100"}}), contact_guid=guid)
    client = log_in("view_rejectedactivity")

    for term in ("5550100", "555", "refused"):
        assert "Nothing matches" in client.get(changelist_url(RejectedActivity), {"q": term}).text
    for term in (str(rejected.request_id), guid.upper()):
        html = client.get(changelist_url(RejectedActivity), {"q": term}).text
        assert "1 inspector line<" in html


def test_a_form_whose_values_have_spaces_keeps_its_shape():
    shown = hide_in_payload(b"event=file download request&note=Ada was here", set()).decode()

    assert shown == "event=file+download+request&note=Hidden+%2812+characters%29"
    assert hide_in_payload(b"a=b&Ada Lovelace=1", set()) == HIDDEN.encode()


def test_nothing_is_hidden_of_nothing():
    assert hide_in_payload(b"", {"phone"}) == b""
