"""Runs move through their steps, each step once, in the transaction of its effect."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.models import Activity
from automations import moving
from automations.flow import flow_of
from automations.models import Passage, Run
from automations.running import move_on
from automations.steps import all_steps
from groups.models import MembershipEvent
from tests.automations.running import (
    EVERYBODY,
    NOBODY,
    change_steps,
    enter,
    make_automation,
    passed,
    work,
    work_at_once,
)
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
    make_group,
)

pytestmark = pytest.mark.django_db

ADD = {"key": "add", "type": "group", "add": "customers"}
LOG = {"key": "log", "type": "log_activity", "activity": "custom_seen"}
STOP = {"key": "stop", "type": "stop"}


def set_notes(value, key="set"):
    return {"key": key, "type": "set_field", "field": "notes", "value": value}


def notes_of(contact):
    contact.refresh_from_db()
    return contact.notes


def test_a_run_passes_its_steps_and_is_done():
    group = make_group("customers")
    contact = make_contact()
    run = work(enter(make_automation(ADD, set_notes("Bought")), contact))
    assert (run.status, run.step) == ("done", "")
    assert run.finished_at is not None
    assert passed(run) == [("add", "done"), ("set", "done")]
    assert group.memberships.get().contact == contact
    assert notes_of(contact) == "Bought"
    assert contact.changes.get().source == "automation"
    assert MembershipEvent.objects.get().cause == "automation"


def test_an_automation_without_steps_is_over_at_once():
    run = work(enter(make_automation(), make_contact()))
    assert (run.status, passed(run)) == ("done", [])


def test_a_rule_decides_which_way_a_run_goes():
    rule = {"match": "all", "conditions": [{"type": "field_empty", "field": "email"}]}
    ask = {"key": "ask", "type": "if", "rule": rule}
    automation = make_automation(
        ask | {"then": [set_notes("anonymous", "yes")], "else": [set_notes("known", "no")]},
        STOP,
    )
    nobody, somebody = make_contact(), make_contact(email="ada@example.com")
    runs = [enter(automation, nobody), enter(automation, somebody)]
    work()
    assert passed(runs[0]) == [("ask", "then"), ("yes", "done"), ("stop", "done")]
    assert passed(runs[1]) == [("ask", "else"), ("no", "done"), ("stop", "done")]
    assert (notes_of(nobody), notes_of(somebody)) == ("anonymous", "known")


def test_a_split_sends_runs_into_its_branches_by_their_shares():
    split = {"key": "split", "type": "split", "shares": [30, 70], "branches": [[STOP], []]}
    automation = make_automation(split)
    runs = [enter(automation, make_contact()) for _ in range(60)]
    work()
    branches = dict(Passage.objects.filter(step="split").values_list("run", "branch"))
    assert set(branches) == {run.pk for run in runs}
    assert 5 <= sum(branch == 0 for branch in branches.values()) <= 35
    ended = set(Passage.objects.filter(step="stop").values_list("run", flat=True))
    assert ended == {run for run, branch in branches.items() if branch == 0}


def test_a_share_of_nothing_gets_nobody():
    split = {"key": "split", "type": "split", "shares": [0, 100], "branches": [[STOP], []]}
    automation = make_automation(split)
    for _ in range(20):
        enter(automation, make_contact())
    work()
    assert set(Passage.objects.values_list("branch", flat=True)) == {1}


def test_stop_ends_the_run_before_its_other_steps():
    contact = make_contact()
    run = work(enter(make_automation(STOP, set_notes("never")), contact))
    assert (run.status, run.step) == ("done", "stop")
    assert notes_of(contact) == ""


def test_an_activity_is_logged_with_what_the_event_brought_and_the_passage_knows_it():
    make_activity_type("custom_seen", name="Seen")
    make_channel()
    bought = make_activity(contact := make_contact())
    value = {"value": "%EVENT: purchase%, {{ contact.first_name | default: 'no name' }}"}
    run = enter(
        make_automation(LOG | value),
        contact,
        cause="activity",
        cause_id=bought.pk,
        event_name="Purchase",
        event_data="a kite",
    )
    work(run)
    logged = Activity.objects.get(type__code_name="custom_seen")
    assert logged.contact == contact
    assert logged.value == "a kite, no name"
    assert logged.channel == bought.channel
    assert run.passages.get().activity_id == logged.pk


def test_an_activity_without_a_cause_is_of_the_channel_where_the_contact_was_last():
    make_activity_type("custom_seen")
    make_channel()
    last = make_activity(contact := make_contact())
    work(enter(make_automation(LOG), contact))
    logged = Activity.objects.get(type__code_name="custom_seen")
    assert logged.channel == last.channel


def test_a_value_that_is_too_long_is_cut_and_the_passage_says_so():
    make_activity_type("custom_seen")
    make_channel()
    event = {"event_name": "Purchase", "event_data": "x" * 300}
    value = {"value": "%EVENT: purchase%"}
    run = work(enter(make_automation(LOG | value), make_contact(), **event))
    assert len(Activity.objects.get(type__code_name="custom_seen").value) == 250
    assert run.passages.get().detail == "The value was cut after 250 characters."


def test_what_a_channel_may_not_record_of_a_contact_is_skipped():
    make_activity_type("custom_seen")
    channel = make_channel(tracking_consent=make_consent(), enforce_consent=True)
    contact = make_contact()
    make_activity(contact, channel=channel)
    run = work(enter(make_automation(LOG), contact))
    assert (run.status, passed(run)) == ("done", [("log", "skipped")])
    assert "has not agreed" in run.passages.get().detail


def test_two_runs_of_one_contact_log_an_activity_each():
    make_activity_type("custom_seen")
    make_channel()
    automation, contact = make_automation(LOG), make_contact()
    runs = [enter(automation, contact), enter(automation, contact)]
    work()
    logged = set(
        Activity.objects.filter(type__code_name="custom_seen").values_list("pk", flat=True)
    )
    assert {run.passages.get().activity_id for run in runs} == logged
    assert len(logged) == 2


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (None, "There is no activity type “custom_seen”."),
        ({"enabled": False}, "The activity type “custom_seen” is disabled."),
    ],
)
def test_an_activity_that_cannot_be_logged_fails_its_runs_with_a_sentence(fields, reason):
    make_channel()
    if fields is not None:
        make_activity_type("custom_seen", **fields)
    run = work(enter(make_automation(LOG), make_contact()))
    assert (run.status, run.step, run.attempts, run.last_error) == ("running", "log", 1, reason)
    assert run.due_at > run.entered_at


def test_a_field_that_cannot_hold_the_value_fails_that_run_alone():
    step = {"key": "set", "type": "set_field", "field": "country", "value": "%EVENT: form%"}
    automation = make_automation(step)
    good = enter(automation, make_contact(), event_name="form", event_data="aut")
    bad = enter(automation, other := make_contact(), event_name="form", event_data="Austria")
    work()
    for run in (good, bad):
        run.refresh_from_db()
    assert (good.status, good.contact.country) == ("done", "AUT")
    assert (bad.status, bad.attempts) == ("running", 1)
    assert bad.last_error.startswith("The country must be a three-letter country code")
    other.refresh_from_db()
    assert other.country == ""


def test_a_value_that_is_missing_fails_with_what_is_missing():
    run = work(enter(make_automation(set_notes("{{ contact.city }}")), make_contact()))
    assert run.status == "running"
    assert "city" in run.last_error


def test_contacts_abroad_get_no_state():
    step = {"key": "set", "type": "set_field", "field": "state", "value": "CA"}
    run = work(enter(make_automation(step), make_contact(country="AUT")))
    assert passed(run) == [("set", "skipped")]


def test_an_empty_value_empties_a_field():
    contact = make_contact(notes="Old")
    work(enter(make_automation(set_notes("")), contact))
    assert notes_of(contact) == ""


def test_contacts_come_into_groups_and_out_of_them():
    contact = make_contact()
    old, new = make_group("old", members=[contact]), make_group("new")
    work(
        enter(
            make_automation({"type": "group", "add": "NEW"}, {"type": "group", "remove": "old"}),
            contact,
        )
    )
    assert not old.memberships.exists()
    assert new.memberships.get().contact == contact
    assert set(MembershipEvent.objects.values_list("group", "entered")) == {
        (new.pk, True),
        (old.pk, False),
    }


def test_a_group_that_is_gone_or_has_a_rule_fails_until_it_is_a_list():
    run = work(enter(make_automation(ADD), make_contact()))
    assert run.last_error == "There is no contact group “customers”."
    group = make_group("customers", static=False)
    work_at_once(run)
    assert (run.attempts, run.last_error[:27]) == (2, "Customers is a dynamic grou")
    type(group).objects.update(static=True)
    work_at_once(run)
    assert (run.status, run.attempts, run.last_error) == ("done", 0, "")


def test_a_run_that_has_failed_as_often_as_can_be_counted_fails_on():
    run = work(enter(make_automation(ADD), make_contact(), attempts=32_767))
    assert (run.attempts, run.last_error) == (32_767, "There is no contact group “customers”.")


def test_what_was_done_before_a_step_that_fails_stays_done():
    contact = make_contact()
    run = work(enter(make_automation(set_notes("first"), ADD), contact))
    assert (passed(run), run.step) == ([("set", "done")], "add")
    assert notes_of(contact) == "first"


def test_a_run_whose_version_has_not_its_step_fails_with_a_sentence():
    run = enter(make_automation(STOP), make_contact(), step="gone")
    assert work(run).last_error == "This version of the automation has no such step."


def test_runs_stay_on_the_version_that_they_entered():
    automation = make_automation(set_notes("old"), STOP)
    old = enter(automation, first := make_contact())
    change_steps(automation, set_notes("new"))
    new = enter(automation, second := make_contact())
    work()
    assert (notes_of(first), notes_of(second)) == ("old", "new")
    assert (passed(old)[-1], passed(new)[-1]) == (("stop", "done"), ("set", "done"))


def test_what_happens_in_the_transaction_of_a_worker_that_dies_never_happened(monkeypatch):
    group = make_group("customers")
    run = enter(make_automation(ADD), make_contact())
    write = moving.Moves._write

    def die(self):
        write(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(moving.Moves, "_write", die)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        move_on([run.pk])
    assert not group.memberships.exists()
    assert passed(run) == []
    monkeypatch.undo()
    assert work(run).status == "done"
    assert group.memberships.count() == 1


def test_a_run_that_is_over_or_paused_does_not_move():
    automation = make_automation(STOP)
    over = enter(automation, make_contact(), status="stopped", finished_at="2026-01-01T00:00Z")
    paused = enter(automation, make_contact(), status="paused")
    move_on([over.pk, paused.pk])
    assert not Passage.objects.exists()


def test_many_runs_cost_as_many_statements_as_one(django_assert_max_num_queries):
    make_group("customers")
    make_activity_type("custom_seen")
    make_channel()
    automation = make_automation(
        {"type": "if", "rule": NOBODY, "then": [], "else": [ADD]},
        LOG,
        set_notes("{{ contact.email }}"),
    )
    runs = [enter(automation, make_contact(email=f"{n}@example.com")) for n in range(30)]
    with django_assert_max_num_queries(46):
        move_on([run.pk for run in runs])
    assert Run.objects.filter(status="done").count() == 30


leaves = st.sampled_from([set_notes("x"), {"type": "group", "add": "customers"}, {"type": "stop"}])
rules = st.sampled_from([EVERYBODY, NOBODY])


def with_branches(inner):
    asked = st.fixed_dictionaries(
        {"type": st.just("if"), "rule": rules, "then": inner, "else": inner}
    )
    drawn = st.fixed_dictionaries(
        {
            "type": st.just("split"),
            "shares": st.just([20, 30, 50]),
            "branches": st.tuples(inner, inner, inner).map(list),
        }
    )
    return st.lists(leaves | asked | drawn, max_size=3)


flows = st.recursive(st.lists(leaves, max_size=2), with_branches, max_leaves=10)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=flows)
def test_every_run_ends_and_passes_steps_once_in_the_order_of_the_tree(steps):
    with transaction.atomic():
        make_group("customers")
        automation = make_automation(*_without_given_keys(steps))
        runs = [enter(automation, make_contact()) for _ in range(4)]
        work()
        tree = flow_of(automation.versions.get().pk)
        positions = {step.key: tree.position(step.key) for step in all_steps(tree.steps)}
        for run in runs:
            run.refresh_from_db()
            places = [positions[step] for step, _ in passed(run)]
            assert run.status == "done"
            assert places == sorted(set(places))
        transaction.set_rollback(True)


def _without_given_keys(steps):
    if isinstance(steps, list):
        return [_without_given_keys(one) for one in steps]
    if not isinstance(steps, dict):
        return steps
    return {name: _without_given_keys(value) for name, value in steps.items() if name != "key"}
