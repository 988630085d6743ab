"""The usual activities are recorded by one call of a function; whatever is not, by the steps."""

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from activities import batches, one_call
from activities.drafts import Draft
from activities.models import (
    Activity,
    ActivityClaim,
    ActivityType,
    EventCount,
    PropertyRule,
    RejectedActivity,
)
from activities.quality import quality_of
from activities.recording import record_activities, record_for_contacts_soon, record_soon
from activities.submissions import Source
from channels.models import Channel
from contacts.merging import carry_out_merges, request_merge
from contacts.models import Contact, ContactMerge
from contacts.resolving import UnknownContact
from crosssite.models import TrackedSite
from tests.config.hub import wait_until
from tests.factories import make_activity_type, make_channel, make_contact, make_rule
from tests.loops import open_hub
from tests.threads import held, run_at_once, run_in_loop, wait_until_somebody_waits
from tests.work import do_merges

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "custom_loan"
# By one call of the function, and by the steps that can do everything.
CALL, STEPS = "call", "steps"


@pytest.fixture
def ways(monkeypatch):
    """How each submission was written, in order."""
    ways, in_one_call, steps_of = [], one_call.in_one_call, batches.steps_of

    def noted_call(submissions):
        questions, usual = in_one_call(submissions)
        ways.extend(CALL for _ in usual)
        return questions, usual

    def noted_steps(submissions):
        ways.extend(STEPS for _ in submissions)
        return steps_of(submissions)

    monkeypatch.setattr(one_call, "in_one_call", noted_call)
    monkeypatch.setattr(batches, "steps_of", noted_steps)
    return ways


def source_for(channel=None, **fields):
    channel = channel or make_channel()
    return Source(door="test", channel=channel, request_id=uuid4(), **fields)


def record_in_thread(drafts, **about):
    return record_activities(drafts, **about)


def record_in_loop(drafts, **about):
    async def record():
        async with open_hub():
            return await record_soon(drafts, **about)

    return run_in_loop(record())


both_ways = pytest.mark.parametrize("record", [record_in_thread, record_in_loop])


@pytest.fixture
def loan():
    """A type that this process knows as it is now."""
    made = make_activity_type(NAME)
    record_activities([Draft(type=NAME)], contact_guid=make_contact().guid, source=source_for())
    Activity.objects.all().delete()
    EventCount.objects.all().delete()
    return made


def counts():
    """What became of activities: channel, status, number."""
    qualities = quality_of(Channel.objects.values_list("pk", flat=True), timezone.now())
    return sorted(
        (channel_id, status, count)
        for channel_id, quality in qualities.items()
        for status, count in quality.counts.items()
    )


@contextmanager
def held_amid_recording():
    """Activities are inserted, and not committed until what this yields is set."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE tests_gate (); CREATE FUNCTION tests_wait() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ BEGIN PERFORM FROM tests_gate; RETURN NULL; END $$;"
            " CREATE TRIGGER tests_wait AFTER INSERT ON activities_activity"
            " FOR EACH STATEMENT EXECUTE FUNCTION tests_wait()"
        )
    try:
        with held("tests_gate") as release:
            yield release
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION tests_wait CASCADE; DROP TABLE tests_gate")


@both_ways
def test_usual_activities_are_recorded_in_one_call(record, loan, ways):
    contact, client_id, source = make_contact(), uuid4(), source_for()
    site = TrackedSite.objects.create(
        name="Shop", code_name="shop", url="https://shop.example", channel=source.channel
    )
    source.tracked_site_id = site.pk
    before = timezone.now()
    drafts = [
        Draft(
            type=NAME.upper(),
            title="A title",
            value="Ünusual",
            url="https://shop.example/a",
            referrer="https://b.example/",
            properties={"amount": 5, "deep": {"a": [None, "ü", 1.5]}},
            occurred_at="2026-01-02T03:04:05.678901Z",
            client_id=str(client_id),
        ),
        Draft(type=NAME),
    ]

    outcomes = record(drafts, contact_guid=contact.guid, source=source)

    assert ways == [CALL]
    assert [outcome.accepted for outcome in outcomes] == [True, True]
    full, bare = Activity.objects.order_by("pk")
    assert (full.contact, full.logged_as) == (contact, contact.guid)
    assert (full.type, full.channel, full.tracked_site) == (loan, source.channel, site)
    assert (full.title, full.value) == ("A title", "Ünusual")
    assert (full.url, full.referrer) == ("https://shop.example/a", "https://b.example/")
    assert full.properties == {"amount": 5, "deep": {"a": [None, "ü", 1.5]}}
    assert full.occurred_at == datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert before <= full.recorded_at <= timezone.now()
    assert (full.client_id, full.request_id) == (client_id, source.request_id)
    assert (bare.title, bare.value, bare.url, bare.referrer) == (loan.name, "", "", "")
    assert (bare.properties, bare.client_id) == (None, None)
    assert bare.occurred_at == bare.recorded_at
    assert full.recorded_in == bare.recorded_in is not None
    claim = ActivityClaim.objects.get()
    assert (claim.channel, claim.client_id) == (source.channel, client_id)
    assert claim.activity_id == full.pk
    assert counts() == [(source.channel.pk, "valid", 2)]


@both_ways
def test_both_ways_record_the_same(record, loan, ways):
    contact, client_id = make_contact(), uuid4()
    draft = {
        "type": NAME,
        "title": "A title",
        "value": "5",
        "url": "https://a.example/",
        "referrer": "https://b.example/",
        "properties": {"amount": 5},
        "occurred_at": "2026-01-02T03:04:05Z",
        "client_id": str(client_id),
    }
    # The mark as a test is what makes one of them unusual.
    for test_code in ("", "mark"):
        record(
            [Draft(**draft, test_code=test_code)],
            contact_guid=contact.guid,
            source=source_for(),
        )

    assert ways == [CALL, STEPS]
    usual, unusual = Activity.objects.order_by("pk").values()
    different = {name for name in usual if usual[name] != unusual[name]}
    assert different == {"id", "channel_id", "recorded_at", "request_id", "recorded_in"}
    assert [(status, count) for _, status, count in counts()] == [("valid", 1)] * 2


@both_ways
def test_unknown_contact_is_told(record, loan, ways):
    stranger = make_contact()
    Contact.objects.all().delete()

    with pytest.raises(UnknownContact):
        record([Draft(type=NAME)], contact_guid=stranger.guid, source=source_for())

    assert ways == [CALL, STEPS]
    assert not Activity.objects.exists()
    assert counts() == []


@both_ways
def test_merged_contact_is_followed(record, loan, ways):
    survivor, loser = make_contact(), make_contact()
    merge = request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])

    record([Draft(type=NAME)], contact_guid=loser.guid, source=source_for())

    assert ways == [CALL, STEPS]
    activity = Activity.objects.get()
    assert (activity.contact, activity.logged_as) == (survivor, loser.guid)
    assert [count for *_, count in counts()] == [1]


@both_ways
@pytest.mark.parametrize("together", [True, False])
def test_repeated_id_counts_once(record, loan, ways, together):
    contact, source = make_contact(), source_for()
    draft, other = Draft(type=NAME, client_id=str(uuid4())), Draft(type=NAME)
    if not together:
        record([draft], contact_guid=contact.guid, source=source)

    again = [draft, draft, other] if together else [draft, other]
    outcomes = record(again, contact_guid=contact.guid, source=source)

    assert all(outcome.accepted for outcome in outcomes)
    assert ways == ([] if together else [CALL]) + [CALL, STEPS]
    assert Activity.objects.count() == 2
    assert ActivityClaim.objects.count() == 1
    assert sum(count for *_, count in counts()) == 2
    assert not RejectedActivity.objects.exists()


def disable(loan):
    ActivityType.objects.filter(pk=loan.pk).update(enabled=False)


def forget(loan):
    Activity.objects.all().delete()
    ActivityType.objects.filter(pk=loan.pk).delete()


def require(loan):
    make_rule(loan, "months", required=True)


def reject_what_is_missing(loan):
    make_rule(loan, "months", required=True)
    ActivityType.objects.filter(pk=loan.pk).update(on_missing="reject")


def rename(loan):
    ActivityType.objects.filter(pk=loan.pk).update(name="Loans")


@both_ways
@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        (disable, "disabled_type", "invalid_rejected"),
        (forget, "unknown_type", "invalid_rejected"),
        (require, None, "invalid_accepted"),
        (reject_what_is_missing, "missing_property", "invalid_rejected"),
        (rename, None, "valid"),
    ],
)
def test_type_that_has_changed_since_counts_at_once(record, loan, ways, change, code, status):
    source = source_for()
    change(loan)

    (outcome,) = record([Draft(type=NAME)], contact_guid=make_contact().guid, source=source)

    assert ways == [CALL, STEPS]
    assert (outcome.problem and outcome.problem.code) == code
    assert Activity.objects.count() == (code is None)
    assert counts() == [(source.channel.pk, status, 1)]
    # Now it is known.
    record([Draft(type=NAME)], contact_guid=make_contact().guid, source=source)
    assert ways[2:] == ([CALL] if change is rename else [STEPS])


@pytest.mark.parametrize("change", ["insert", "update", "delete", "move"])
def test_every_change_of_a_rule_is_one_of_its_type(loan, change):
    other = make_activity_type("other")
    rule = None if change == "insert" else make_rule(loan, "months")

    def versions():
        return [ActivityType.objects.get(pk=one.pk).version for one in (loan, other)]

    before = versions()
    match change:
        case "insert":
            make_rule(loan, "months")
        case "update":
            PropertyRule.objects.filter(pk=rule.pk).update(required=True)
        case "delete":
            rule.delete()
        case "move":
            PropertyRule.objects.filter(pk=rule.pk).update(activity_type=other)

    changed = [after > earlier for after, earlier in zip(versions(), before, strict=True)]
    assert changed == [True, change == "move"]


@pytest.mark.parametrize(
    ("drafts", "fields"),
    [
        ([Draft(type=NAME), Draft(type="unheard_of")], {}),
        ([Draft(type=NAME, test_code="mark")], {}),
        ([Draft(type="datainput", value="F", contact_fields={"ContactFirstName": "A"})], {}),
    ],
)
def test_what_is_not_usual_goes_by_the_steps(loan, ways, drafts, fields):
    for _ in range(2):
        record_activities(drafts, contact_guid=make_contact().guid, source=source_for(**fields))

    assert ways == [STEPS, STEPS]


def test_usual_ones_do_not_wait_for_others_of_a_group(loan, ways):
    source, contact = source_for(), make_contact()

    async def record_all():
        async with open_hub():
            await asyncio.gather(
                *(
                    record_soon(drafts, contact_guid=contact.guid, source=source)
                    for drafts in ([Draft(type=NAME)], [Draft(type="x")], [Draft(type=NAME)])
                )
            )

    run_in_loop(record_all())

    assert ways == [CALL, CALL, STEPS]
    assert Activity.objects.values("recorded_in").distinct().count() == 1
    assert counts() == [(source.channel.pk, "invalid_rejected", 1), (source.channel.pk, "valid", 2)]


def test_several_people_of_one_request_are_one_transaction(loan, ways):
    people = {make_contact().guid: [Draft(type=NAME)] for _ in range(3)}
    source = source_for()

    async def record_all():
        async with open_hub():
            await record_for_contacts_soon(people, source=source)

    run_in_loop(record_all())

    assert ways == [CALL] * 3
    assert Activity.objects.values("recorded_in").distinct().count() == 1


# A merge at the same time. What is marked as a test goes by the steps.

both_kinds = pytest.mark.parametrize(("test_code", "way"), [("", CALL), ("mark", STEPS)])


def transaction_ids_of_who_waits():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT backend_xid::text FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return [number for (number,) in cursor.fetchall()]


@both_kinds
def test_transaction_id_comes_before_the_contact(loan, ways, test_code, way):
    contact, source = make_contact(), source_for()
    drafts = [Draft(type=NAME, test_code=test_code)]
    with held("contacts_contact") as release:

        def look_and_release():
            wait_until_somebody_waits()
            numbers = transaction_ids_of_who_waits()
            release.set()
            return numbers

        _, numbers = run_at_once(
            partial(record_activities, drafts, contact_guid=contact.guid, source=source),
            look_and_release,
        )

    assert ways == [way]
    assert len(numbers) == 1
    assert numbers[0] is not None


@both_kinds
def test_merge_at_the_same_time_is_settled(loan, ways, test_code, way):
    survivor, loser, source = make_contact(), make_contact(), source_for()
    merge = request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)

    def is_settled():
        return ContactMerge.objects.get(pk=merge.pk).is_settled

    with held_amid_recording() as release:

        def merge_and_release():
            wait_until_somebody_waits()
            carry_out_merges([merge.pk])
            for _ in range(3):
                do_merges()
            was_settled = is_settled()
            release.set()
            return was_settled

        _, was_settled = run_at_once(
            partial(
                record_activities,
                [Draft(type=NAME, test_code=test_code)],
                contact_guid=loser.guid,
                source=source,
            ),
            merge_and_release,
        )

    assert ways == [way]
    assert was_settled is False
    assert Activity.objects.get().contact == loser
    # Other tests, in other databases of the server, may be in a transaction that is older.
    wait_until(lambda: do_merges() or is_settled())
    assert Activity.objects.get().contact == survivor
