"""Timelines and groups over the read API."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consents.agreements import record_agreement
from contacts.changes import Origin, change_contact
from contacts.models import ContactChange, ContactIdentifier
from groups.models import ContactGroup, Membership, MembershipEvent
from tests.automations.mails import add_event, make_email
from tests.automations.running import enter, make_automation
from tests.factories import (
    make_activity,
    make_activity_type,
    make_consent,
    make_contact,
    make_group,
)
from tests.wire.app import assert_problem
from tests.wire.reader import Reader

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


@pytest.fixture
def reader():
    return Reader()


def timeline(reader, contact, **parameters):
    return reader.get_json(f"/contacts/{contact.guid}/timeline", **parameters)


def at(hours):
    return NOON + timedelta(hours=hours)


def make_history(contact, number=1):
    """An entry of each kind, so many times, all of a kind at once."""
    consent, group = make_consent(f"C{contact.pk}"), make_group(f"g-{contact.pk}")
    for n in range(number):
        make_activity(contact, occurred_at=at(1))
        ContactChange.objects.create(
            contact=contact,
            source="code",
            before={"city": str(n)},
            after={"city": str(n + 1)},
            at=at(2),
        )
        record_agreement(contact, consent, agreed=not n % 2, at=at(3))
        MembershipEvent.objects.create(
            group=group, contact=contact, entered=not n % 2, at=at(4), cause="user"
        )


def test_a_timeline_has_every_kind_of_entry_newest_first(reader):
    ada = make_contact()
    make_history(ada)

    told = timeline(reader, ada)

    assert told["next"] is None
    assert [entry["type"] for entry in told["entries"]] == [
        "group.entered",
        "consent",
        "contact",
        "activity",
    ]
    group, consent, change, activity = (entry["data"] for entry in told["entries"])
    assert (group["group"], group["cause"]) == (f"g-{ada.pk}", "user")
    assert (consent["consent"], consent["agreed"]) == (f"C{ada.pk}", True)
    assert (change["before"], change["after"]) == ({"city": "0"}, {"city": "1"})
    assert (activity["type"], activity["url"]) == ("pagevisit", "https://www.example.com/")
    assert told["entries"][0]["at"] == at(4).isoformat()


def test_nothing_of_another_contact_is_told(reader):
    make_history(make_contact())

    assert timeline(reader, make_contact())["entries"] == []


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12])
def test_pages_have_every_entry_once_also_those_of_one_instant(reader, limit):
    ada = make_contact()
    make_history(ada, number=3)
    everything = timeline(reader, ada)["entries"]

    pages = list(reader.pages(f"/contacts/{ada.guid}/timeline", limit=limit))

    assert len(everything) == 12
    assert [entry for page in pages for entry in page["entries"]] == everything


def test_kinds_that_stand_at_one_instant_are_told_once(reader):
    ada = make_contact()
    for n in range(2):
        make_activity(ada, occurred_at=NOON, value=f"v{n}")
        ContactChange.objects.create(
            contact=ada, source="code", before={"city": ""}, after={"city": str(n)}, at=NOON
        )

    pages = list(reader.pages(f"/contacts/{ada.guid}/timeline", limit=1))

    assert len({str(page["entries"]) for page in pages}) == 4


def test_a_timeline_is_narrowed_by_kinds_and_times(reader):
    ada = make_contact()
    make_history(ada)

    def types(**parameters):
        return [one["type"] for one in timeline(reader, ada, **parameters)["entries"]]

    assert types(kinds="activities,consents") == ["consent", "activity"]
    assert types(since=at(3).isoformat()) == ["group.entered", "consent"]
    assert types(until=at(3).isoformat()) == ["contact", "activity"]
    assert types(since=at(2).isoformat(), until=at(3).isoformat()) == ["contact"]


def test_automations_and_emails_are_in_it(reader):
    ada = make_contact(email="ada@example.com")
    run = enter(make_automation(), ada, entered_at=at(1))
    email = make_email(ada, run=run, step="a", prepared_at=at(2), sent_at=at(3))
    add_event(email, "sent", at=at(3))
    add_event(email, "clicked", at=at(4), detail="https://www.example.com/loans")
    make_email(ada, prepared_at=at(5), status="held", reason="No consent", subject="{{ a }}")

    held, clicked, sent, entered = timeline(reader, ada)["entries"]

    assert (held["type"], held["data"]["subject"], held["data"]["status"]) == ("email", "", "held")
    assert clicked == {
        "type": "email.clicked",
        "at": at(4).isoformat(),
        "data": {
            "email": email.pk,
            "template": email.template.code_name,
            "detail": "https://www.example.com/loans",
            "severity": "",
            "by_robot": False,
        },
    }
    assert (sent["type"], sent["data"]["subject"], sent["data"]["run"]) == (
        "email",
        "Hello",
        run.pk,
    )
    assert sent["data"]["sent_at"] == at(3).isoformat()
    assert entered["type"] == "automation.entered"
    assert (entered["data"]["automation"], entered["data"]["status"]) == ("welcome", "running")
    kinds = timeline(reader, ada, kinds="automations,email_events")["entries"]
    assert [one["type"] for one in kinds] == ["email.clicked", "automation.entered"]


@pytest.mark.parametrize(
    "moment",
    [
        "2026-08-01T14:00:00+02:00",
        "2026-08-01t12:00:00z",
        "2026-213T12:00Z",
        "2026-08-01 12:00:00Z",
    ],
)
def test_a_moment_is_understood_in_every_form_that_is_documented(reader, moment):
    ada = make_contact()
    make_activity(ada, occurred_at=datetime(2026, 8, 1, 12, tzinfo=UTC))

    def count(**parameters):
        query = "&".join(f"{name}={text}" for name, text in parameters.items())
        page = reader.get_json(f"/contacts/{ada.guid}/timeline?kinds=activities&{query}")
        return len(page["entries"])

    assert (count(since=moment), count(until=moment)) == (1, 0)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"kinds": "activities,x"}, "kinds"),
        ({"kinds": ","}, "kinds"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-13-01T00:00:00Z"}, "since"),
        ({"since": "2026-08-01T12:00:00"}, "since"),
        ({"until": "2026-08-01"}, "until"),
    ],
)
def test_what_cannot_be_understood_is_refused(reader, parameters, field):
    path = f"/contacts/{make_contact().guid}/timeline?{urlencode(parameters)}"

    assert_problem(reader.read(path), 400, "bad_parameter", field)


def test_an_instant_at_the_edge_of_time_is_no_fault(reader):
    for text in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"):
        path = f"/contacts/{make_contact().guid}/timeline?{urlencode({'since': text})}"
        assert reader.read(path).status_code in (200, 400)


def test_a_timeline_costs_the_same_whatever_is_in_it(reader, django_assert_num_queries):
    ada = make_contact()
    make_history(ada)
    timeline(reader, ada)
    with CaptureQueriesContext(connection) as one:
        timeline(reader, ada)
    make_activity(ada, type=make_activity_type())
    make_history(ben := make_contact(), number=3)
    make_activity(ben, type=make_activity_type("other"))

    with django_assert_num_queries(len(one)):
        assert len(timeline(reader, ben)["entries"]) == 13


def test_changes_of_today_are_in_it(reader):
    ada = make_contact()
    change_contact(ada, {"city": "Ulm"}, Origin(ContactChange.Source.CODE))

    (entry,) = timeline(reader, ada)["entries"]

    assert entry["data"]["after"] == {"city": "Ulm"}


def test_groups_are_told_in_pages(reader):
    made = [make_group(f"g{n}", description="For tests") for n in range(3)]
    make_group("dynamic", static=False)

    pages = list(reader.pages("/groups", limit=3))

    assert [len(page["groups"]) for page in pages] == [3, 1]
    first, last = pages[0]["groups"][0], pages[1]["groups"][0]
    assert first == {
        "code_name": made[0].code_name,
        "name": made[0].name,
        "description": "For tests",
        "static": True,
        "enabled": True,
        "has_members": True,
        "built_at": None,
    }
    assert (last["static"], last["has_members"]) == (False, False)


def test_members_are_told_in_pages(reader):
    people = [make_contact(email=f"p{n}@example.com") for n in range(5)]
    group = make_group("VIP", members=people)
    make_group("other", members=[make_contact()])

    pages = list(reader.pages("/groups/vip/members", limit=2))

    told = [member for page in pages for member in page["members"]]
    since = Membership.objects.get(group=group, contact=people[0]).since
    assert [len(page["members"]) for page in pages] == [2, 2, 1]
    assert [member["email"] for member in told] == [contact.email for contact in people]
    assert told[0] == {
        "guid": str(people[0].guid),
        "email": "p0@example.com",
        "since": since.isoformat(),
    }
    assert pages[0]["group"] == "VIP"


def test_a_group_that_is_switched_off_or_was_not_built_has_no_members(reader):
    ada = make_contact()
    make_group("off", members=[ada], enabled=False)
    make_group("unbuilt", members=[ada], static=False)

    for code_name in ("off", "unbuilt"):
        assert reader.get_json(f"/groups/{code_name}/members")["members"] == []


@pytest.mark.parametrize("code_name", ["x", "%00", "ö", "a b", "7" * 500])
def test_a_group_that_is_not_there_is_unknown(reader, code_name):
    assert_problem(reader.read(f"/groups/{code_name}/members"), 404, "unknown_group")


def test_members_and_groups_cost_the_same_whatever_their_number(reader, django_assert_num_queries):
    group = make_group("vip", members=[make_contact()])
    for path in ("/groups", "/groups/vip/members"):
        reader.get_json(path)
        with CaptureQueriesContext(connection) as one:
            reader.get_json(path)
        make_group(f"more{ContactGroup.objects.count()}")
        contact = make_contact()
        ContactIdentifier.objects.create(
            contact=contact, site_id="1", kind="user_id", value=str(contact.pk)
        )
        Membership.objects.create(group=group, contact=contact)

        with django_assert_num_queries(len(one)):
            reader.get_json(path)
