"""Runs wait: for a time, until an hour, until a rule holds."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from automations.models import Run
from automations.running import wake
from automations.steps import InvalidAutomation, read_steps
from automations.steps.doing import Batch, Waits, do
from automations.zones import end_of_wait, zones_of
from groups.facts import Topic
from tests.automations.running import (
    NOBODY,
    ago,
    change_steps,
    enter,
    make_automation,
    passed,
    work,
    work_at_once,
)
from tests.factories import make_activity, make_activity_type, make_contact

DONE = {"key": "after", "type": "set_field", "field": "notes", "value": "After"}
TWO_DAYS = {"key": "wait", "type": "wait", "for": "2 days"}


def until(rule, **members):
    return {"key": "wait", "type": "wait", "rule": rule, **members}


def did(*types, **members):
    leaf = {"type": "activity", "activities": list(types or ["purchase"]), **members}
    return {"match": "all", "conditions": [leaf]}


def when(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("since", "hour", "days", "zone", "end"),
    [
        ("2026-03-02T07:00Z", "09:00", [], "UTC", "2026-03-02T09:00Z"),
        ("2026-03-02T11:00Z", "09:00", [], "UTC", "2026-03-03T09:00Z"),
        # Inside of the hour it goes on at once, at its end no more.
        ("2026-03-02T09:59Z", "09:00", [], "UTC", "2026-03-02T09:59Z"),
        ("2026-03-02T10:00Z", "09:00", [], "UTC", "2026-03-03T09:00Z"),
        ("2026-03-03T00:10Z", "23:30", [], "UTC", "2026-03-03T00:10Z"),
        ("2026-03-02T07:30Z", "09:00", [], "Europe/Vienna", "2026-03-02T08:00Z"),
        ("2026-03-02T02:00Z", "09:00", [], "America/New_York", "2026-03-02T14:00Z"),
        # A Friday, and nothing on weekends.
        ("2026-03-06T12:00Z", "09:00", ["mon", "tue"], "UTC", "2026-03-09T09:00Z"),
        ("2026-03-09T12:00Z", "09:00", ["mon"], "UTC", "2026-03-16T09:00Z"),
        ("2026-03-09T09:30Z", "09:00", ["mon"], "UTC", "2026-03-09T09:30Z"),
        # The clocks of Vienna go forward on 29 March, and back on 25 October.
        ("2026-03-28T12:00Z", "09:00", [], "Europe/Vienna", "2026-03-29T07:00Z"),
        ("2026-03-28T12:00Z", "02:30", [], "Europe/Vienna", "2026-03-29T01:30Z"),
        ("2026-10-24T12:00Z", "09:00", [], "Europe/Vienna", "2026-10-25T08:00Z"),
        ("2026-10-24T12:00Z", "02:30", [], "Europe/Vienna", "2026-10-25T00:30Z"),
    ],
)
def test_a_wait_until_an_hour_ends_then_in_its_zone(since, hour, days, zone, end):
    assert end_of_wait(when(since), hour, days, zone) == when(end)


@pytest.mark.django_db
def test_the_zone_of_a_contact_is_what_a_device_said_last():
    contact, silent = make_contact(), make_contact()
    for hours, zone in [(3, "Asia/Tokyo"), (2, "Europe/Vienna"), (1, None), (0, "Mars/Base")]:
        properties = {"context": {"device": {"timezone": zone}}} if zone else None
        make_activity(contact, properties=properties, occurred_at=ago(hours=hours))
    assert zones_of([contact.pk, silent.pk]) == {}
    contact.activities.filter(properties__context__device__timezone="Mars/Base").delete()
    assert zones_of([contact.pk, silent.pk]) == {contact.pk: "Europe/Vienna"}


@pytest.mark.django_db
def test_a_run_waits_for_a_time_and_goes_on():
    run = work(enter(make_automation(TWO_DAYS, DONE), make_contact()))
    assert (run.status, run.step, passed(run)) == ("running", "wait", [])
    assert run.due_at - run.step_since == timedelta(days=2)
    work(run, later=timedelta(days=1))
    assert run.step == "wait"
    work(run, later=timedelta(days=1))
    assert (run.status, passed(run)) == ("done", [("wait", "done"), ("after", "done")])


@pytest.mark.django_db
def test_a_worker_that_looks_too_early_changes_nothing():
    run = work(enter(make_automation(TWO_DAYS), make_contact()))
    planned = run.due_at
    work_at_once(run)
    assert (run.step, run.due_at) == ("wait", planned)


@pytest.mark.django_db
def test_each_wait_counts_from_when_the_run_came_to_it_also_after_an_outage():
    second = {"key": "second", "type": "wait", "for": "1 hour"}
    run = work(enter(make_automation(TWO_DAYS, second), make_contact()))
    work(run, later=timedelta(days=5))
    assert run.step == "second"
    assert timezone.now() + timedelta(minutes=59) < run.due_at


@pytest.mark.django_db
def test_a_run_waits_until_an_hour_in_the_zone_of_its_contact():
    step = {"key": "wait", "type": "wait", "until": "09:00", "zone": "contact"}
    there, here = make_contact(), make_contact()
    make_activity(there, properties={"context": {"device": {"timezone": "Asia/Tokyo"}}})
    automation = make_automation(step)
    # In Tokyo it is ten in the evening.
    since = when("2026-03-02T13:00Z")
    runs = [enter(automation, one, step_since=since) for one in (there, here)]
    (read,) = read_steps([step])
    results = do(Batch(read, runs, since + timedelta(hours=1)))
    assert results == {
        runs[0].pk: Waits(when("2026-03-03T00:00Z")),
        runs[1].pk: Waits(when("2026-03-03T09:00Z")),
    }


@pytest.mark.django_db
def test_a_run_waits_until_a_rule_holds_and_is_woken_by_what_the_rule_cares_about():
    purchase, view = make_activity_type("purchase"), make_activity_type("view")
    contact = make_contact()
    run = work(enter(make_automation(until(did(), at_most="7 days"), DONE), contact))
    wake([contact.pk], [Topic("activity", view.pk)])
    run.refresh_from_db()
    assert run.due_at > timezone.now() + timedelta(hours=1)
    make_activity(contact, type=purchase)
    wake([contact.pk], [Topic("activity", purchase.pk)])
    work(run)
    assert (run.status, passed(run)) == ("done", [("wait", "then"), ("after", "done")])


@pytest.mark.django_db
def test_a_rule_that_holds_already_is_not_waited_for():
    purchase = make_activity_type("purchase")
    make_activity(contact := make_contact(), type=purchase)
    assert work(enter(make_automation(until(did())), contact)).status == "done"


@pytest.mark.django_db
def test_after_the_longest_time_a_run_goes_on_without_the_rule():
    make_activity_type("purchase")
    run = work(enter(make_automation(until(did(), at_most="2 hours"), DONE), make_contact()))
    assert run.due_at - run.step_since == timedelta(hours=2)
    work(run, later=timedelta(hours=2))
    assert (run.status, passed(run)) == ("done", [("wait", "timeout"), ("after", "done")])


@pytest.mark.django_db
def test_a_rule_that_time_alone_turns_is_asked_again_in_that_moment():
    visit = make_activity_type("purchase")
    contact = make_contact()
    make_activity(contact, type=visit, occurred_at=ago(days=2, hours=23))
    rule = {"match": "all", "conditions": [did(days=3)["conditions"][0] | {"negate": True}]}
    run = work(enter(make_automation(until(rule)), contact))
    assert run.step == "wait"
    assert timedelta(minutes=59) < run.due_at - timezone.now() < timedelta(minutes=61)


@pytest.mark.django_db
def test_a_rule_that_nothing_turns_is_asked_again_each_day():
    run = work(enter(make_automation(until(NOBODY)), make_contact()))
    assert run.due_at - run.step_since <= timedelta(days=1, minutes=1)
    work(run, later=timedelta(days=1))
    assert run.step == "wait"


@pytest.mark.django_db
def test_only_runs_that_wait_for_a_rule_are_woken():
    contact = make_contact()
    run = work(enter(make_automation(TWO_DAYS), contact))
    due_at = run.due_at
    wake([contact.pk])
    run.refresh_from_db()
    assert run.due_at == due_at


@pytest.mark.django_db
def test_since_the_entry_counts_what_came_after_the_activity_that_let_in():
    purchase, cart = make_activity_type("purchase"), make_activity_type("cart")
    contact = make_contact()
    make_activity(contact, type=purchase, recorded_at=ago(hours=3))
    added = make_activity(contact, type=cart, recorded_at=ago(hours=2))
    rule = did(since="entry")
    automation = make_automation(until(rule, at_most="1 hour"), DONE)
    cause = {"cause": "activity", "cause_id": added.pk}
    run = enter(automation, contact, **cause)
    assert passed(work(run)) == []
    # What came before the run was let in, but after the activity, counts.
    make_activity(contact, type=purchase, recorded_at=ago(hours=1))
    assert passed(work_at_once(run)) == [("wait", "then"), ("after", "done")]


@pytest.mark.django_db
def test_since_the_entry_is_asked_for_each_run_of_a_contact_by_itself():
    purchase = make_activity_type("purchase")
    contact, other = make_contact(), make_contact()
    ask = {"key": "ask", "type": "if", "rule": did(since="entry"), "then": [], "else": []}
    automation = make_automation(ask)
    early = enter(automation, contact, entered_at=ago(hours=3))
    late = enter(automation, contact, entered_at=ago(hours=1))
    without = enter(automation, other, entered_at=ago(hours=3))
    make_activity(contact, type=purchase, recorded_at=ago(hours=2))
    work()
    assert passed(early) == [("ask", "then")]
    assert passed(late) == [("ask", "else")]
    assert passed(without) == [("ask", "else")]


@pytest.mark.django_db
def test_what_an_activity_brought_together_with_the_cause_counts_by_its_place():
    cart, purchase = make_activity_type("cart"), make_activity_type("purchase")
    contact, at = make_contact(), ago(minutes=5)
    before = make_activity(contact, type=purchase, recorded_at=at)
    added = make_activity(contact, type=cart, recorded_at=at)
    ask = {"key": "ask", "type": "if", "rule": did(since="entry"), "then": [], "else": []}
    automation = make_automation(ask)
    cause = {"cause": "activity", "cause_id": added.pk}
    assert passed(work(enter(automation, contact, **cause))) == [("ask", "else")]
    make_activity(contact, type=purchase, recorded_at=at)
    assert before.pk < added.pk
    assert passed(work(enter(automation, contact, **cause | {"entered_as": 0}))) == [
        ("ask", "then")
    ]


def test_only_steps_may_count_since_the_entry_and_not_with_days():
    with pytest.raises(InvalidAutomation, match="give one") as error:
        read_steps([until(did(since="entry", days=3))])
    assert error.value.path == "steps[0].rule.conditions[0].since"
    with pytest.raises(InvalidAutomation, match="Must be one of: entry"):
        read_steps([until(did(since="yesterday"))])


@pytest.mark.django_db
class TestLateSteps:
    def late(self, then, key="late"):
        return {**DONE, "key": key, "late": {"after": "1 hour", "then": then}}

    def after_outage(self, *steps, hours):
        run = work(enter(make_automation(TWO_DAYS, *steps), make_contact()))
        return work(run, later=timedelta(days=2, hours=hours))

    @pytest.mark.parametrize(("hours", "outcome"), [(0.5, "done"), (2, "skipped")])
    def test_a_step_that_is_later_than_its_rule_allows_is_skipped(self, hours, outcome):
        run = self.after_outage(self.late("skip"), hours=hours)
        assert (run.status, passed(run)) == ("done", [("wait", "done"), ("late", outcome)])

    def test_a_late_step_without_a_rule_is_done(self):
        assert passed(self.after_outage(DONE, hours=20)) == [("wait", "done"), ("after", "done")]

    def test_all_late_steps_up_to_the_next_wait_are_skipped_and_none_behind_it(self):
        wait = {"key": "second", "type": "wait", "for": "3 hours"}
        steps = [self.late("skip"), self.late("skip", "also"), wait, self.late("skip", "again")]
        run = self.after_outage(*steps, hours=5)
        assert passed(run)[1:] == [("late", "skipped"), ("also", "skipped")]
        work(run, later=timedelta(hours=3))
        assert passed(run)[3:] == [("second", "done"), ("again", "done")]

    def test_a_late_step_may_ask_a_user(self):
        run = self.after_outage(self.late("ask"), hours=3)
        assert (run.status, run.asks, run.step) == ("paused", True, "late")
        assert run.reason.startswith("Is it too late for this step? It was planned for ")
        assert passed(run) == [("wait", "done")]

    def test_the_first_step_is_late_if_its_activity_was_long_before_the_entry(self):
        cart = make_activity_type("cart")
        contact = make_contact()
        added = make_activity(contact, type=cart, recorded_at=ago(hours=5))
        now = timezone.now()
        run = enter(
            make_automation(self.late("skip")),
            contact,
            cause="activity",
            cause_id=added.pk,
            entered_at=now,
            step_since=now,
        )
        assert passed(work(run)) == [("late", "skipped")]


@pytest.mark.django_db
def test_a_run_that_fails_keeps_the_time_for_which_its_step_was_planned():
    step = {"key": "add", "type": "group", "add": "gone"}
    run = work(enter(make_automation(TWO_DAYS, step), make_contact()))
    begun = run.step_since
    work(run, later=timedelta(days=2))
    assert (run.step, run.attempts) == ("add", 1)
    assert abs(run.step_since - begun) < timedelta(seconds=1)
    assert Run.objects.get().last_error == "There is no contact group “gone”."


@pytest.mark.django_db
def test_a_longer_wait_of_another_version_does_not_hold_runs_of_the_old_one():
    automation = make_automation(TWO_DAYS)
    run = work(enter(automation, make_contact()))
    change_steps(automation, TWO_DAYS | {"for": "9 days"})
    assert work(run, later=timedelta(days=2)).status == "done"
