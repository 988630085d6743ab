"""What time alone changes: windows that end, and names that come to mean something else."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activities.models import ActivityType
from consents.agreements import record_agreement
from consents.models import Consent
from consents.texts import save_text
from groups import building, sweeping, tasks
from groups.building import build_now
from groups.jobs import BUILDS
from groups.models import ContactGroup, GroupBuild, MembershipDue
from groups.requesting import cancel_build, request_build, stop_following
from groups.saving import save_group
from groups.sweeping import compare_meanings, sweep, sweep_once
from groups.tasks import look_at_what_is_due
from jobs.working import work_off
from tests.factories import make_activity, make_activity_type, make_consent, make_contact
from tests.groups.meanwhile import in_between
from tests.groups.people import (
    agreed,
    all_of,
    among,
    change_rule,
    events,
    make_group,
    members,
    visited,
)
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)

MONTH = timedelta(days=30)


@pytest.fixture(autouse=True)
def nothing_compared(monkeypatch):
    monkeypatch.setattr(sweeping, "_compared", frozenset())


def make_visitor(ago, **fields):
    contact = make_contact(**fields)
    make_activity(contact, occurred_at=timezone.now() - ago)
    return contact


def due_now():
    """Have all windows end that are due at some time: as if they were due now."""
    MembershipDue.objects.update(due_at=timezone.now())


def test_a_contact_leaves_when_the_window_ends():
    leaving = make_visitor(MONTH - timedelta(seconds=3))
    staying = make_visitor(timedelta(days=1))
    group = make_group("recent", visited(days=30))
    assert members(group) == [leaving.pk, staying.pk]

    due = MembershipDue.objects.get(group=group, contact=leaving).due_at
    while timezone.now() < due:
        sweep(1)
    sweep(1)

    assert members(group) == [staying.pk]
    assert events(group)[-1] == (leaving.pk, "out", "window", None)
    assert not MembershipDue.objects.filter(contact=leaving).exists()


def test_a_look_that_comes_too_early_changes_nothing_and_is_put_off():
    contact = make_visitor(timedelta(days=1))
    group = make_group("recent", visited(days=30))
    (exact,) = MembershipDue.objects.values_list("due_at", flat=True)
    due_now()

    sweep(1)

    assert members(group) == [contact.pk]
    assert len(events(group)) == 1
    assert MembershipDue.objects.get().due_at == exact


def test_the_end_of_a_window_reaches_the_groups_that_name_the_group():
    contact = make_visitor(timedelta(days=1))
    inner = make_group("inner", visited(days=30))
    outer = make_group("outer", among(inner))
    # As if it were a month later.
    contact.activities.update(occurred_at=timezone.now() - MONTH)
    due_now()

    sweep(1)

    assert (members(inner), members(outer)) == ([], [])
    assert events(outer)[-1] == (contact.pk, "out", "group", inner.pk)


def test_contacts_come_in_when_they_have_been_quiet_long_enough():
    quiet = make_visitor(timedelta(days=2))
    group = make_group("quiet", {"type": "inactive", "days": 7})
    assert members(group) == []
    quiet.activities.update(occurred_at=timezone.now() - timedelta(days=7))
    due_now()

    sweep(1)

    assert members(group) == [quiet.pk]


def test_nothing_due_costs_one_look():
    make_visitor(timedelta(days=1))
    make_group("recent", visited(days=30))

    with CaptureQueriesContext(connection) as queries:
        sweep(1)

    assert len(queries) == 1


def test_looks_for_groups_that_follow_no_rule_are_forgotten():
    make_visitor(timedelta(days=1))
    group, kept = make_group("recent", visited(days=30)), make_group("kept", visited(days=30))
    group.enabled = False
    save_group(group)
    due_now()

    sweep(1)

    assert list(MembershipDue.objects.values_list("group", flat=True)) == [kept.pk]


def test_sweeps_go_on_in_small_batches(monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 2)
    contacts = [make_visitor(timedelta(days=1)) for _ in range(5)]
    group = make_group("recent", visited(days=30))
    for contact in contacts:
        contact.activities.update(occurred_at=timezone.now() - MONTH)
    due_now()

    assert [sweep_once() for _ in range(4)] == [2, 2, 1, 0]
    assert members(group) == []


def test_a_sweep_that_is_not_done_in_time_goes_on_at_once(monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 2)
    contacts = [make_visitor(timedelta(days=1)) for _ in range(3)]
    group = make_group("recent", visited(days=30))
    for contact in contacts:
        contact.activities.update(occurred_at=timezone.now() - MONTH)
    due_now()
    rings = []
    monkeypatch.setattr(tasks, "_SECONDS", 0)
    monkeypatch.setattr(look_at_what_is_due, "delay_on_commit", lambda: rings.append(True))

    look_at_what_is_due()
    assert (len(members(group)), len(rings)) == (1, 1)
    look_at_what_is_due()
    assert (len(members(group)), len(rings)) == (0, 1)


def test_a_sweep_rests_between_full_batches_and_ends_when_the_worker_does(monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 2)
    monkeypatch.setattr(sweeping, "_LOOKS_A_SECOND", 0.001)
    contacts = [make_visitor(timedelta(days=1)) for _ in range(5)]
    group = make_group("recent", visited(days=30))
    for contact in contacts:
        contact.activities.update(occurred_at=timezone.now() - MONTH)
    due_now()
    rests = []
    monkeypatch.setattr(
        sweeping.stopping, "wait", lambda rest: rests.append(rest) or len(rests) > 1
    )

    assert sweep(60)
    assert len(members(group)) == 1
    assert sweep(60)

    assert members(group) == []
    assert len(rests) == 2
    assert all(rest > 1 for rest in rests)


def test_two_workers_sweep_at_once():
    contacts = [make_visitor(timedelta(days=1)) for _ in range(5)]
    group = make_group("recent", visited(days=30))
    for contact in contacts:
        contact.activities.update(occurred_at=timezone.now() - MONTH)
    due_now()

    run_at_once(sweep_once, sweep_once, sweep_once)

    assert members(group) == []
    assert len([event for event in events(group) if event[1] == "out"]) == 5


def waiting_builds():
    return list(
        GroupBuild.objects.filter(status="waiting")
        .order_by("group__code_name")
        .values_list("group__code_name", flat=True)
    )


def test_a_new_text_of_a_consent_builds_the_groups_that_ask_for_the_current_one():
    consent = make_consent()
    contact = make_contact()
    record_agreement(contact, consent, agreed=True)
    current = make_group("current", agreed(consent, version="current"))
    any_version = make_group("any", agreed(consent))
    assert members(current) == [contact.pk]
    compare_meanings()
    assert waiting_builds() == []

    save_text(consent, language="en", short_text="<p>Something else</p>")
    compare_meanings()
    assert waiting_builds() == ["current"]

    change_rule(current, agreed(consent, version="current"))
    assert members(current) == []
    assert members(any_version) == [contact.pk]
    compare_meanings()
    assert waiting_builds() == []


def test_groups_go_by_whether_agreements_to_earlier_texts_count():
    consent, contact = make_consent(older_versions_count=False), make_contact()
    record_agreement(contact, consent, agreed=True)
    strict = make_group("strict", agreed(consent))
    others = make_group("others", agreed(consent, negate=True))
    assert (members(strict), members(others)) == ([contact.pk], [])

    save_text(consent, language="en", short_text="<p>Something else</p>")
    compare_meanings()
    assert waiting_builds() == ["others", "strict"]
    build_now(strict)
    build_now(others)
    assert (members(strict), members(others)) == ([], [contact.pk])

    Consent.objects.update(older_versions_count=True)
    compare_meanings()
    build_now(strict)
    assert members(strict) == [contact.pk]


def test_a_name_that_comes_to_stand_for_something_builds_the_groups_that_name_it():
    make_group("calculating", visited(activities=["custom_loan_calculator"]))
    make_group("visitors", visited())
    compare_meanings()

    make_activity_type()
    compare_meanings()
    assert waiting_builds() == ["calculating"]


def test_a_type_with_another_code_name_builds_the_groups_that_name_it():
    contact = make_contact()
    type = make_activity_type()
    make_activity(contact, type=type)
    group = make_group("calculating", visited(activities=["custom_loan_calculator"]))
    assert members(group) == [contact.pk]

    ActivityType.objects.filter(pk=type.pk).update(code_name="loans")
    compare_meanings()

    assert waiting_builds() == ["calculating"]


def test_what_names_stand_for_is_compared_only_when_it_is_different():
    make_group("visitors", visited())
    compare_meanings()

    with CaptureQueriesContext(connection) as queries:
        compare_meanings()

    assert len(queries) == 2


def test_a_name_that_means_something_else_before_a_build_ends_has_it_built_again(monkeypatch):
    """The sweep looks while the build is under way, and finds no group that is built yet."""
    group = make_group("calculating", visited(activities=["custom_loan_calculator"]), built=False)
    swap = building._swap

    def and_before(*args):
        make_activity_type()
        compare_meanings()
        swap(*args)

    monkeypatch.setattr(building, "_swap", and_before)
    build_now(group)
    assert waiting_builds() == []

    compare_meanings()
    assert waiting_builds() == ["calculating"]


def group_with_a_new_text():
    """A group of those who agree to a current text, whose build a new text has asked for."""
    consent, contact = make_consent(), make_contact()
    record_agreement(contact, consent, agreed=True)
    group = make_group("current", agreed(consent, version="current"))
    compare_meanings()
    save_text(consent, language="en", short_text="<p>Something else</p>")
    compare_meanings()
    return group, GroupBuild.objects.get(status="waiting")


def compare_after_an_unrelated_name():
    make_activity_type("unrelated")
    compare_meanings()


def compare_in_another_process():
    sweeping._compared = frozenset()
    compare_meanings()


ONCE_MORE = pytest.mark.parametrize(
    "compare", [compare_after_an_unrelated_name, compare_in_another_process]
)


@ONCE_MORE
def test_a_build_for_a_meaning_goes_on_when_it_is_compared_again(monkeypatch, compare):
    group, build = group_with_a_new_text()

    in_between(monkeypatch, "_swap", compare)
    work_off(BUILDS)

    build.refresh_from_db()
    assert build.status == "done"
    assert group.builds.count() == 2
    assert members(group) == []


@ONCE_MORE
def test_a_build_that_a_user_asked_for_after_it_was_cancelled_goes_on(monkeypatch, compare):
    group, build = group_with_a_new_text()
    cancel_build(build)
    again = request_build(group)

    in_between(monkeypatch, "_swap", compare)
    work_off(BUILDS)

    again.refresh_from_db()
    assert again.status == "done"
    assert members(group) == []


def test_a_build_for_a_meaning_begins_anew_when_the_name_means_something_else_again(monkeypatch):
    group, build = group_with_a_new_text()

    def change():
        save_text(Consent.objects.get(), language="en", short_text="<p>And again</p>")
        compare_meanings()

    in_between(monkeypatch, "_swap", change)
    work_off(BUILDS)

    build.refresh_from_db()
    assert build.status == "outdated"
    newest = group.builds.latest("pk")
    assert (newest.status, group.builds.count()) == ("done", 3)


def test_a_build_that_waits_is_for_what_names_mean_by_then(monkeypatch):
    group, build = group_with_a_new_text()
    save_text(Consent.objects.get(), language="en", short_text="<p>And again</p>")
    compare_meanings()

    in_between(monkeypatch, "_swap", compare_after_an_unrelated_name)
    work_off(BUILDS)

    build.refresh_from_db()
    assert (build.status, group.builds.count()) == ("done", 2)


@ONCE_MORE
def test_a_build_that_a_user_cancelled_is_not_asked_for_again_for_the_same_meaning(compare):
    _, build = group_with_a_new_text()
    cancel_build(build)

    compare()
    assert waiting_builds() == []

    save_text(Consent.objects.get(), language="en", short_text="<p>And again</p>")
    compare_meanings()
    assert waiting_builds() == ["current"]


@pytest.mark.parametrize("is_cancelled", [True, False])
@ONCE_MORE
def test_a_rule_that_cannot_be_read_is_built_once(is_cancelled, compare):
    group = make_group("visitors", visited())
    rule = all_of({"type": "gone"})
    ContactGroup.objects.filter(pk=group.pk).update(rule=rule, served_rule=rule)
    compare_meanings()
    build = GroupBuild.objects.get(status="waiting")
    if is_cancelled:
        cancel_build(build)
    else:
        work_off(BUILDS)

    compare()

    assert group.builds.latest("pk") == build


def test_a_group_that_cannot_be_followed_again_is_built_again():
    group = make_group("visitors", visited())
    stop_following(group.pk)
    cancel_build(GroupBuild.objects.get(status="waiting"))
    ContactGroup.objects.filter(pk=group.pk).update(served_rule=group.rule)

    stop_following(group.pk)

    assert waiting_builds() == ["visitors"]
