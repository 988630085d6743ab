"""ActiveCampaign-format events, in every encoding that clients send, and whose they are."""

import json
from urllib.parse import quote, urlencode

import pytest
from django.test.client import MULTIPART_CONTENT

from activities.models import Activity, RejectedActivity
from consents.agreements import record_agreement
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge
from tests.factories import make_activity_type, make_consent, make_contact
from tests.wire.activecampaign import (
    EMAIL,
    FORM,
    SPAWNED,
    VISIT,
    Account,
    activity_of,
    multipart,
)
from tests.wire.app import rejection_of
from tests.wire.source import BROWSER

pytestmark = pytest.mark.django_db

FILE = "https://www.example.com/downloads/file.pdf"


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def contact():
    return make_contact(email=EMAIL)


def test_event_becomes_an_activity_of_the_contact_with_the_email(account, contact):
    response = account.post(account.form(eventdata=FILE))

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.content == SPAWNED
    activity = activity_of(response)
    assert activity.contact == contact
    assert activity.channel == account.channel
    assert activity.title == f"file download request '{FILE}'"
    assert activity.value == FILE
    assert activity.properties is None
    assert activity.type.code_name == activity.type.name == "file download request"
    assert activity.type.door == "activecampaign"
    assert activity.type.whitelisted is False
    assert RejectedActivity.objects.count() == 0


def test_byte_order_mark_hides_no_field(account, contact):
    for first in ("actid", "key", "event", "visit"):
        fields = account.form()
        fields = {first: fields.pop(first), **fields}

        assert (
            activity_of(account.post(b"\xef\xbb\xbf" + urlencode(fields).encode())).contact
            == contact
        )


def test_byte_order_mark_before_a_form_in_parts_hides_no_field(account, contact):
    body = b"\xef\xbb\xbf" + multipart(account.form())

    assert activity_of(account.post(body, content_type=MULTIPART_CONTENT)).contact == contact


@pytest.mark.parametrize(
    "name",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f469\u200d\U0001f4bb sign up",
        "\U0001fae9 tired",
    ],
)
def test_names_of_every_script_and_year_are_taken(account, name):
    assert account.send(event=name).type.code_name == name


# Encodings


def test_multipart_form_is_read(account, contact):
    fields = account.form(eventdata="a & b = ü")

    response = account.post(multipart(fields), content_type=MULTIPART_CONTENT)

    assert activity_of(response).value == "a & b = ü"


def test_query_alone_is_read(account, contact):
    response = account.http.post(f"/event?{urlencode(account.form(eventdata='x'))}")

    assert activity_of(response).value == "x"


@pytest.mark.parametrize("content_type", [FORM, MULTIPART_CONTENT, f"{FORM}; charset=UTF-8"])
def test_query_and_form_are_read_together_and_the_form_counts_more(account, contact, content_type):
    fields = {"event": "login", "eventdata": "form", "visit": VISIT}
    body = multipart(fields) if content_type == MULTIPART_CONTENT else urlencode(fields).encode()
    query = urlencode({"api_key": "secret", **account.credentials, "eventdata": "query"})

    response = account.post(body, query=query, content_type=content_type)

    activity = activity_of(response)
    assert (activity.type.code_name, activity.value) == ("login", "form")


@pytest.mark.parametrize(
    "visit",
    [
        pytest.param(urlencode({"visit": VISIT}), id="json"),
        pytest.param('visit={"email": "ada@example.com"}', id="unescaped-json"),
        pytest.param("visit[email]=ada@example.com", id="brackets"),
        pytest.param(urlencode({"visit[email]": EMAIL}), id="escaped-brackets"),
        pytest.param("visit[email]=ada%2540example.com", id="email-escaped-twice"),
        pytest.param(urlencode({"visit": quote(VISIT)}), id="json-escaped-twice"),
        pytest.param(urlencode({"visit": '{"email":"ADA@Example.com "}'}), id="other-spelling"),
        pytest.param(urlencode({"visit": '{"email":"\\u0061da@example.com"}'}), id="json-escapes"),
        pytest.param(urlencode({"visit": "\ufeff" + VISIT}), id="byte-order-mark"),
        pytest.param("visit=x&" + urlencode({"visit": VISIT}), id="the-last-of-two"),
        pytest.param("visit=x&visit[email]=ada@example.com", id="both-ways"),
    ],
)
@pytest.mark.parametrize("in_query", [True, False], ids=["query", "form"])
def test_visit_is_read_in_every_way_that_clients_write_it(account, contact, visit, in_query):
    fields = urlencode(account.form(visit=None))

    if in_query:
        response = account.http.post(f"/event/?{fields}&{visit}")
    else:
        response = account.post(f"{fields}&{visit}".encode())

    assert activity_of(response).contact == contact


def test_plus_in_an_email_that_nobody_escaped(account):
    contact = make_contact(email="ada+news@example.com")

    for visit in ('visit={"email":"ada+news@example.com"}', "visit[email]=ada+news@example.com"):
        body = f"{urlencode(account.form(visit=None))}&{visit}".encode()
        assert activity_of(account.post(body)).contact == contact


def test_plus_in_a_key_that_nobody_escaped(contact):
    account = Account(event_key="a+b/c==")
    body = f"{urlencode(account.form(key=None))}&key=a+b/c==".encode()

    assert activity_of(account.post(body)).contact == contact


@pytest.mark.parametrize(
    ("charset", "eventdata", "value"),
    [
        ("utf-8", "caf%C3%A9", "café"),
        ("ISO-8859-1", "caf%E9", "café"),
        ("windows-1252", "caf\xe9 %80", "café €"),
        ("utf-8", "caf%E9", "caf\N{REPLACEMENT CHARACTER}"),
        ("utf-16", "caf%C3%A9", "café"),
        ("hex", "caf%C3%A9", "café"),
        ("no-charset", "caf%C3%A9", "café"),
    ],
)
def test_charsets(account, contact, charset, eventdata, value):
    body = f"{urlencode(account.form())}&eventdata={eventdata}".encode("latin-1")

    response = account.post(body, content_type=f"{FORM}; charset={charset}")

    assert activity_of(response).value == value


def test_multipart_form_in_another_charset(account, contact):
    body = multipart(account.form(eventdata="café")).replace("é".encode(), b"\xe9")
    charset = f"{MULTIPART_CONTENT}; charset=iso-8859-1"

    assert activity_of(account.post(body, content_type=charset)).value == "café"


def test_event_data_without_its_equals_sign_is_missing(account, contact):
    body = f"{urlencode(account.form())}&eventdata{quote(FILE)}".encode()

    assert activity_of(account.post(body)).value == ""


def test_event_data_is_cut_and_kept_in_full_as_a_property(account):
    activity = account.send(eventdata="ü" * 300)

    assert activity.value == "ü" * 250
    assert activity.properties == {"eventdata": "ü" * 300}


def test_event_data_that_is_no_text_is_a_property(account, contact):
    body = f"{urlencode(account.form())}&eventdata[plan]=gold".encode()

    activity = activity_of(account.post(body))

    assert (activity.value, activity.properties) == ("", {"eventdata": {"plan": "gold"}})


def test_what_else_is_in_visit_is_kept_as_a_property(account):
    activity = account.send(visit=json.dumps({"email": EMAIL, "ip": "203.0.113.7", "n": [1]}))

    assert activity.properties == {"visit": {"ip": "203.0.113.7", "n": [1]}}


# Names


def test_event_of_a_known_name_is_of_the_same_type_in_any_letter_case(account, contact):
    type_ = make_activity_type("Login", name="Signed in")

    activity = activity_of(account.post(account.form(event=" login ", eventdata="web")))

    assert activity.type == type_
    assert activity.title == "Signed in 'web'"
    assert type_.door == ""


@pytest.mark.parametrize("name", ["click", "PageVisit", "datainput"])
def test_event_with_the_name_of_a_system_type_has_a_type_of_its_own(account, name):
    activity = account.send(event=name)

    assert activity.type.code_name == f"{name} event"
    assert activity.type.is_system is False


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("disabled", "disabled_type"),
        ("new", "new_event_name"),
        ("nul \0 inside", "unknown_type"),
        ("line\nbreak", "bad_text"),
    ],
)
def test_event_of_a_type_that_is_not_logged_is_answered_and_kept(account, contact, event, code):
    make_activity_type("disabled", enabled=False)
    account.channel.accepts_new_event_names = event != "new"
    account.channel.save()

    response = account.post(account.form(event=event))

    assert response.content == SPAWNED
    assert Activity.objects.count() == 0
    row = rejection_of(response)
    assert (row.code, row.door, row.channel) == (code, "activecampaign", account.channel)
    assert b"visit=" in bytes(row.payload)


# Contacts, and what they agreed to


def test_event_of_a_merged_contact_is_the_survivors(account, contact):
    survivor = make_contact(first_name="Ada")
    merge = request_merge(survivor=survivor, loser=contact, reason=ContactMerge.Reason.SAME_EMAIL)
    carry_out_merges([merge.pk])

    assert activity_of(account.post(account.form())).contact == survivor


@pytest.fixture
def revoked(account, contact):
    """The contact has revoked the tracking consent of the account's channel."""
    consent = make_consent()
    account.channel.tracking_consent = consent
    account.channel.save()
    for agreed in (True, False):
        record_agreement(contact, consent, agreed=agreed, channel=account.channel)


@pytest.mark.usefixtures("revoked")
def test_browser_of_a_contact_who_revoked_tracking_is_not_tracked(account):
    response = account.post(account.form(), headers=BROWSER)

    assert response.content == SPAWNED
    assert Activity.objects.count() == 0
    row = rejection_of(response)
    assert (row.code, row.status, bytes(row.payload)) == ("consent", "filtered", b"")


@pytest.mark.usefixtures("revoked")
def test_server_answers_for_consent_itself_unless_the_channel_enforces_it(account):
    assert activity_of(account.post(account.form()))

    account.channel.enforce_consent = True
    account.channel.save()

    row = rejection_of(account.post(account.form()))
    assert row.code == "consent"
    assert b"visit=" in bytes(row.payload)


# Pages


def test_preflight_is_answered_for_every_page(account):
    headers = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "access-control-allow-origin,crossdomain",
    }

    response = account.http.options("/event", headers=headers)

    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert response["Access-Control-Allow-Headers"] == "access-control-allow-origin,crossdomain"
    assert "Access-Control-Allow-Credentials" not in response


def test_answer_may_be_read_by_every_page(account, contact):
    for fields in (account.form(), {}):
        response = account.post(fields, headers=BROWSER)

        assert response["Access-Control-Allow-Origin"] == BROWSER["Origin"]


def test_known_event_costs_few_queries(account, contact, django_assert_max_num_queries):
    account.post(account.form())

    with django_assert_max_num_queries(11):
        account.post(account.form())
