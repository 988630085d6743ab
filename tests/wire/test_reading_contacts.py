"""Contacts over the read API: found, read page by page, and never anybody else's."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities.erasing import erase_contact
from activities.models import RejectedActivity
from activities.seen import catch_up
from consents.agreements import record_agreement
from contacts.models import Contact, ContactChange, ContactIdentifier
from tests.contacts.merged import merge
from tests.factories import (
    make_activity,
    make_channel,
    make_consent,
    make_contact,
    make_group,
)
from tests.wire.app import assert_problem
from tests.wire.reader import ROOT, Reader
from web import limits

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


@pytest.fixture
def reader():
    return Reader()


def guids(page):
    return [contact["guid"] for contact in page["contacts"]]


def test_a_contact_is_told_with_fields_groups_consents_and_identifiers(reader):
    ada = make_contact(email="Ada@Example.com", first_name="Ada", birthday="1990-12-10")
    make_group("vip", members=[ada])
    make_group("Newsletter", members=[ada])
    make_group("off", members=[ada], enabled=False)
    record_agreement(ada, make_consent(), agreed=True)
    ContactIdentifier.objects.create(contact=ada, site_id="1", kind="user_id", value="7")

    response = reader.read(f"/contacts/{ada.guid}")

    told = response.json()
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response["Request-Id"]
    assert told["guid"] == str(ada.guid)
    assert (told["email"], told["first_name"], told["birthday"]) == (
        "Ada@Example.com",
        "Ada",
        "1990-12-10",
    )
    assert told["last_name"] == ""
    assert told["groups"] == ["Newsletter", "vip"]
    assert told["consents"] == {"TrackingConsent": True}
    assert told["identifiers"] == [{"kind": "user_id", "site_id": "1", "value": "7"}]
    assert told["merged_from"] is None
    assert told["created_at"] == ada.created_at.isoformat()


@pytest.mark.django_db(transaction=True)
def test_a_contact_is_told_with_when_it_was_seen(reader):
    activity = make_activity(make_contact())
    catch_up()

    told = reader.get_json(f"/contacts/{activity.contact.guid}")

    assert told["first_seen"] == told["last_seen"] == activity.occurred_at.isoformat()


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM", "ada@EXAMPLE.com"])
def test_a_contact_is_found_by_its_email_in_any_spelling(reader, email):
    ada = make_contact(email="Ada@example.com")
    make_contact(email="ben@example.com")

    assert guids(reader.get_json("/contacts", email=email)) == [str(ada.guid)]


@pytest.mark.parametrize("email", ["ann+list@example.com", "ann%2Blist%40example.com"])
def test_a_contact_is_found_by_an_email_whose_plus_nobody_escaped(reader, email):
    ann = make_contact(email="ann+list@example.com")

    assert guids(reader.get_json(f"/contacts?email={email}")) == [str(ann.guid)]


@pytest.mark.parametrize("email", ["nobody@example.com", "x", "%", "a" * 5000, "'", "ö@ö.example"])
def test_an_email_of_nobody_finds_nobody(reader, email):
    make_contact(email="ada@example.com")
    make_contact()

    assert reader.get_json("/contacts", email=email) == {"contacts": [], "next": None}


def test_contacts_are_found_by_identifiers(reader):
    channel, other = make_channel(site_id="one"), make_channel(site_id="two")
    ada, ben = make_contact(), make_contact()
    for contact, site, kind in ((ada, channel, "user_id"), (ben, other, "anonymous_id")):
        ContactIdentifier.objects.create(
            contact=contact, site_id=site.site_id, kind=kind, value="7:a"
        )

    assert guids(reader.get_json("/contacts", identifier="7:a")) == [str(ada.guid), str(ben.guid)]
    assert guids(reader.get_json("/contacts", identifier="user_id:7:a")) == [str(ada.guid)]
    assert guids(reader.get_json("/contacts", identifier="email_md5:7:a")) == []
    assert guids(reader.get_json("/contacts", identifier="7")) == []


def test_an_identifier_that_became_a_float_is_the_same(reader):
    ada, site = make_contact(), make_channel(site_id="one").site_id
    ContactIdentifier.objects.create(contact=ada, site_id=site, kind="user_id", value="4711")

    for given in ("4711.0", "user_id:4711.0"):
        assert guids(reader.get_json("/contacts", identifier=given)) == [str(ada.guid)]


def test_a_contact_is_found_by_its_guid(reader):
    ada = make_contact()

    assert guids(reader.get_json("/contacts", guid=str(ada.guid).upper())) == [str(ada.guid)]
    unknown = "0b5b5f0e-52a0-4d58-9f43-5f3b1d2d4c11"
    assert reader.get_json("/contacts", guid=unknown) == {"contacts": [], "next": None}


def test_the_guid_of_a_merged_contact_leads_to_the_survivor_and_says_so(reader):
    ada, ben, cem = make_contact(email="ada@example.com"), make_contact(), make_contact()
    merge(ben, cem)
    merge(ada, ben)

    for path, told in (
        (f"/contacts/{cem.guid}", reader.get_json(f"/contacts/{cem.guid}")),
        ("/contacts", reader.get_json("/contacts", guid=cem.guid)["contacts"][0]),
    ):
        assert told["guid"] == str(ada.guid), path
        assert told["merged_from"] == str(cem.guid)
    timeline = reader.get_json(f"/contacts/{cem.guid}/timeline")
    assert (timeline["contact"], timeline["merged_from"]) == (str(ada.guid), str(cem.guid))
    assert guids(reader.get_json("/contacts")) == [str(ada.guid)]


def test_pages_have_every_live_contact_once(reader):
    made = [make_contact() for _ in range(7)]
    merge(made[0], made[6])

    pages = list(reader.pages("/contacts", limit=2))

    assert [len(page["contacts"]) for page in pages] == [2, 2, 2]
    told = [guid for page in pages for guid in guids(page)]
    assert told == [str(contact.guid) for contact in made[:6]]


def test_who_is_added_while_pages_are_read_comes_at_the_end(reader):
    first = [make_contact() for _ in range(2)]
    page = reader.get_json("/contacts", limit=1)
    erase_contact(first[0].pk)
    late = make_contact()

    rest = reader.get_json("/contacts", limit=500 - 499, cursor=page["next"])
    last = reader.get_json("/contacts", limit=1, cursor=rest["next"])

    assert guids(rest) + guids(last) == [str(first[1].guid), str(late.guid)]


def change(contact, at, **fields):
    """That the contact got these fields then."""
    return ContactChange.objects.create(
        contact=contact, source="code", before=dict.fromkeys(fields, ""), after=fields, at=at
    )


def test_contacts_that_have_changed_come_in_the_order_of_their_changes(reader):
    ada, ben, old = (make_contact(first_name=name) for name in ("Ada", "Ben", "Old"))
    change(old, NOON - timedelta(seconds=1), city="Ulm")
    change(ben, NOON + timedelta(minutes=1), city="Ulm")
    change(ada, NOON, city="Ulm")
    change(ben, NOON + timedelta(minutes=2), city="Linz")
    make_contact()

    told = reader.get_json("/contacts", changed_since=NOON.isoformat())

    assert told["next"] is None
    assert [one["guid"] for one in told["contacts"]] == [str(ada.guid), str(ben.guid)]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_what_has_changed_miss_nothing_also_of_one_instant(reader, limit):
    contacts = [make_contact(first_name=f"p{n}") for n in range(5)]
    for contact in contacts:
        change(contact, NOON, city="Ulm")

    pages = list(reader.pages("/contacts", changed_since=NOON.isoformat(), limit=limit))

    told = [one["first_name"] for page in pages for one in page["contacts"]]
    assert told == ["p0", "p1", "p2", "p3", "p4"]


def test_a_change_of_who_was_merged_tells_of_the_survivor_once(reader):
    survivor, loser = make_contact(email="ada@example.com"), make_contact(first_name="Ada")
    change(loser, NOON, city="Ulm")
    change(survivor, NOON, city="Linz")
    Contact.objects.filter(pk=loser.pk).update(merged_into=survivor)

    (told,) = reader.get_json("/contacts", changed_since=NOON.isoformat())["contacts"]

    assert told["guid"] == str(survivor.guid)


def test_what_has_changed_costs_the_same_whatever_it_is(reader, django_assert_num_queries):
    change(make_contact(), NOON, city="Ulm")
    reader.get_json("/contacts", changed_since=NOON.isoformat())
    with CaptureQueriesContext(connection) as one:
        reader.get_json("/contacts", changed_since=NOON.isoformat())
    for _ in range(3):
        change(make_contact(), NOON, city="Ulm")

    with django_assert_num_queries(len(one)):
        assert len(reader.get_json("/contacts", changed_since=NOON.isoformat())["contacts"]) == 4


def test_a_page_costs_the_same_whatever_is_on_it(reader, django_assert_num_queries):
    def add(number):
        for n in range(number):
            contact = make_contact()
            make_group(f"g-{contact.pk}", members=[contact])
            record_agreement(contact, make_consent(f"C{contact.pk}"), agreed=bool(n % 2))

    add(1)
    reader.get_json("/contacts")
    with CaptureQueriesContext(connection) as one:
        reader.get_json("/contacts")
    add(2)

    with django_assert_num_queries(len(one)):
        assert len(reader.get_json("/contacts")["contacts"]) == 3


def test_a_merged_contact_costs_the_same_however_long_the_chain(reader, django_assert_num_queries):
    line = [make_contact() for _ in range(4)]
    reader.get_json(f"/contacts/{line[0].guid}")
    with CaptureQueriesContext(connection) as one:
        reader.get_json(f"/contacts/{line[0].guid}")
    for survivor, loser in zip(line[1:], line, strict=False):
        merge(survivor, loser)

    with django_assert_num_queries(len(one)):
        assert reader.get_json(f"/contacts/{line[0].guid}")["guid"] == str(line[3].guid)


@pytest.mark.parametrize(
    ("parameters", "code", "field"),
    [
        ({"emial": "ada@example.com"}, "unknown_parameter", "emial"),
        ({"updated_since": "2026-01-01"}, "unknown_parameter", "updated_since"),
        ({"email": ""}, "bad_parameter", "email"),
        ({"email": "a\0b"}, "bad_parameter", "email"),
        ({"email": "ada\u200b@example.com"}, "bad_parameter", "email"),
        ({"email": ["a@b.co", "b@b.co"]}, "bad_parameter", "email"),
        ({"email": "a@b.co", "identifier": "7"}, "bad_parameter", "identifier"),
        ({"changed_since": "yesterday"}, "bad_parameter", "changed_since"),
        ({"guid": "x"}, "bad_parameter", "guid"),
        ({"guid": "0b5b5f0e52a04d589f435f3b1d2d4c11"}, "bad_parameter", "guid"),
        ({"limit": "0"}, "bad_parameter", "limit"),
        ({"limit": "501"}, "bad_parameter", "limit"),
        ({"limit": "-1"}, "bad_parameter", "limit"),
        ({"limit": "1.5"}, "bad_parameter", "limit"),
        ({"limit": "٣"}, "bad_parameter", "limit"),
        ({"limit": "9" * 400}, "bad_parameter", "limit"),
        ({"cursor": "x"}, "bad_cursor", "cursor"),
        ({"cursor": "ö"}, "bad_cursor", "cursor"),
        ({"cursor": "A" * 5000}, "bad_cursor", "cursor"),
        ({"cursor": "1"}, "bad_cursor", "cursor"),
    ],
)
def test_what_cannot_be_understood_is_refused(reader, parameters, code, field):
    make_contact()

    assert_problem(reader.read("/contacts", **parameters), 400, code, field)


def test_a_cursor_is_good_for_its_question_alone(reader):
    for _ in range(3):
        make_contact()
    group = make_group("vip", members=[make_contact(), make_contact()])
    cursor = reader.get_json("/contacts", limit=1)["next"]

    assert_problem(
        reader.read("/contacts", cursor=cursor, identifier="7"), 400, "bad_cursor", "cursor"
    )
    members = f"/groups/{group.code_name}/members"
    assert_problem(reader.read(members, cursor=cursor), 400, "bad_cursor", "cursor")
    assert reader.read("/contacts", cursor=cursor, limit=500).status_code == 200


def test_a_cursor_that_was_tampered_with_is_refused(reader):
    for _ in range(2):
        make_contact()
    cursor = reader.get_json("/contacts", limit=1)["next"]

    for position in range(len(cursor)):
        for other in "Aq0_":
            spoiled = cursor[:position] + other + cursor[position + 1 :]
            if spoiled != cursor:
                response = reader.read("/contacts", cursor=spoiled)
                assert_problem(response, 400, "bad_cursor", "cursor")
    for spoiled in (cursor + "=", cursor + "A", cursor[:-1], f" {cursor}"):
        assert_problem(reader.read("/contacts", cursor=spoiled), 400, "bad_cursor", "cursor")


@pytest.mark.parametrize(
    "guid", ["0b5b5f0e-52a0-4d58-9f43-5f3b1d2d4c11", "x", "0", "ö", "%00", "7" * 400]
)
@pytest.mark.parametrize("rest", ["", "/timeline"])
def test_guid_of_nobody_is_not_found(reader, guid, rest):
    assert_problem(reader.read(f"/contacts/{guid}{rest}"), 404, "unknown_contact")


def test_an_erased_contact_is_not_found(reader):
    ada = make_contact(email="ada@example.com")
    erase_contact(ada.pk)

    assert_problem(reader.read(f"/contacts/{ada.guid}"), 404, "unknown_contact")
    assert guids(reader.get_json("/contacts", email="ada@example.com")) == []


PATHS = ["/contacts", "/contacts/x", "/contacts/x/timeline", "/groups", "/groups/x/members", "/x"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("access", ["tracking", "groups", "automation", "activecampaign"])
def test_a_key_of_another_access_type_is_unauthorized(access, path):
    response = Reader(access=access).read(path)

    assert_problem(response, 401, "unauthorized")
    assert response["WWW-Authenticate"] == "Bearer"
    assert "the read API" in response.json()["detail"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("authorization", [None, "", "Bearer tl_a_b", "Basic x"])
def test_a_request_without_a_key_is_unauthorized(reader, path, authorization):
    response = reader.read(path, headers={"Authorization": authorization})

    assert_problem(response, 401, "unauthorized")


def test_a_disabled_key_is_unauthorized():
    assert_problem(Reader(enabled=False).read("/contacts"), 401, "unauthorized")


def test_a_key_for_reading_records_nothing(reader):
    contact = make_contact()

    for response in (
        reader.post("/contacts"),
        reader.get(f"/contacts/{contact.guid}/groups"),
        reader.post("/activities", reader.message({"type": "click"}, contact=contact.guid)),
    ):
        assert_problem(response, 401, "unauthorized")


def test_any_channel_reads_the_whole_hub():
    ada = make_contact()
    website = make_channel(kind="website", domain="www.example.com")

    for channel in (make_channel(), website):
        assert guids(Reader(channel).get_json("/contacts")) == [str(ada.guid)]


def test_no_web_page_may_read_the_answer(reader):
    origin = "https://app.example.com"
    reader.channel.allowed_origins = [origin]
    reader.channel.save()

    response = reader.read("/contacts", headers={"Origin": origin})

    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response


def test_a_key_may_ask_so_often_in_a_minute(reader, settings, monkeypatch):
    settings.READ_API_REQUESTS_PER_MINUTE = 2
    monkeypatch.setattr(limits.time, "time", lambda: 1_000_000.0)
    assert [reader.read("/groups").status_code for _ in range(2)] == [200, 200]

    response = reader.read("/groups")

    assert_problem(response, 429, "too_many_requests")
    assert response["Retry-After"] == "20"
    assert Reader().read("/groups").status_code == 200


def test_a_key_may_be_let_ask_as_often_as_it_wants(reader, settings):
    settings.READ_API_REQUESTS_PER_MINUTE = 0

    assert [reader.read("/groups").status_code for _ in range(3)] == [200] * 3


def test_the_switch_of_the_doors_counts_and_a_read_only_hub_answers(reader, settings):
    settings.READ_ONLY = True
    assert reader.read("/contacts").status_code == 200

    settings.TRACKING_API_ENABLED = False
    assert_problem(reader.read("/contacts"), 404, "tracking_off")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_changed(reader, method):
    response = reader.http.generic(
        method,
        f"{ROOT}/contacts/{make_contact().guid}",
        headers={"Authorization": reader.authorization},
    )

    assert_problem(response, 405, "method_not_allowed")


def test_head_is_answered_as_get_without_the_body(reader):
    headers = {"Authorization": reader.authorization}

    response = reader.http.head(f"{ROOT}/contacts", headers=headers)

    assert (response.status_code, response.content) == (200, b"")


def test_a_path_is_understood_in_any_spelling(reader):
    ada = make_contact()

    response = reader.read(f"//CONTACTS/{str(ada.guid).upper()}/Timeline/")

    assert response.status_code == 200


def test_other_paths_are_unknown(reader):
    for path in ("", "/", "/people", "/contacts/x/y", "/groups/x"):
        assert_problem(reader.read(path), 404, "unknown_endpoint")


def test_questions_leave_nothing_in_the_inspector(reader):
    reader.read("/contacts", headers={"Authorization": "Bearer x"})
    reader.read("/contacts", x="y")

    assert not RejectedActivity.objects.exists()
