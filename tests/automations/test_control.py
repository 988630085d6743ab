"""Users pause, archive and copy automations, stop runs, and move them to another version."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automations.control import (
    CannotMove,
    Move,
    archive,
    copy_automation,
    decide_about_late,
    move_runs,
    pause,
    preview_move,
    resume,
    stop_run,
)
from automations.hurrying import go_on_now
from automations.jobs import STATES
from automations.models import Broadcast, Run, StateChange
from automations.running import move_on
from contacts.editing import update_contact
from jobs.working import work_off
from tests.automations.running import change_steps, enter, make_automation, passed, work
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

WAIT = {"key": "wait", "type": "wait", "for": "2 days"}
DONE = {"key": "after", "type": "set_field", "field": "notes", "value": "After"}
ASKS = DONE | {"key": "late", "late": {"after": "1 hour", "then": "ask"}}


def versions_of(automation):
    return automation.versions.order_by("number")


def asking(automation):
    """A run that asks whether its step is too late."""
    run = work(enter(automation, make_contact()))
    return work(run, later=timedelta(days=3))


def test_nobody_moves_in_a_paused_automation_until_it_is_resumed():
    automation = make_automation(WAIT, DONE)
    run = work(enter(automation, make_contact()))
    pause(automation)
    work(run, later=timedelta(days=2))
    assert (run.status, automation.paused_at is not None) == ("paused", True)
    assert passed(run) == []
    resume(automation)
    assert automation.paused_at is None
    assert work(run).status == "done"


def test_runs_follow_a_portion_at_a_time(monkeypatch):
    monkeypatch.setattr("automations.pausing._AT_ONCE", 2)
    monkeypatch.setattr("automations.pausing._MOST", 4)
    automation = make_automation(WAIT)
    for _ in range(9):
        enter(automation, make_contact())
    work()
    for change, status in ((pause, "paused"), (resume, "running"), (archive, "stopped")):
        change(automation)
        work()
        assert set(Run.objects.values_list("status", flat=True)) == {status}
        assert not StateChange.objects.exists()


def test_runs_follow_the_latest_change_of_a_state():
    automation = make_automation(WAIT)
    run = work(enter(automation, make_contact()))
    pause(automation)
    resume(automation)
    assert work(run).status == "running"
    resume(automation)
    pause(automation)
    assert work(run).status == "paused"


def test_nobody_lets_a_run_of_a_paused_automation_go_on():
    automation = make_automation(WAIT, DONE)
    run = work(enter(automation, make_contact()))
    pause(automation)
    assert go_on_now([run.pk]) == 0
    run.refresh_from_db()
    assert (run.step, passed(run)) == ("wait", [])


def test_what_happens_while_an_automation_is_paused_ends_a_wait_for_it_on_resuming():
    rule = {"match": "all", "conditions": [{"type": "country", "values": ["AUT"]}]}
    automation = make_automation({"key": "wait", "type": "wait", "rule": rule})
    contact = make_contact()
    run = work(enter(automation, contact))
    pause(automation)
    work()
    update_contact(contact.pk, {"country": "AUT"})
    resume(automation)
    assert work(run).status == "done"


def test_a_run_that_slipped_in_while_its_automation_was_paused_is_paused_by_the_worker():
    automation = make_automation(DONE)
    pause(automation)
    work()
    run = enter(automation, make_contact(), status="running")
    assert work(run).status == "paused"
    assert passed(run) == []


def test_pausing_leaves_runs_of_other_automations_and_those_that_are_over_alone():
    automation, other = make_automation(WAIT), make_automation(WAIT, code_name="other")
    over = enter(automation, make_contact(), status="done", finished_at="2026-01-01T00:00Z")
    alien = enter(other, make_contact())
    pause(automation)
    work()
    assert set(Run.objects.values_list("pk", "status")) == {
        (over.pk, "done"),
        (alien.pk, "running"),
    }


def test_archiving_ends_the_runs_inside_and_stops_broadcasts():
    automation = make_automation(WAIT)
    run = work(enter(automation, make_contact()))
    broadcast = Broadcast.objects.create(automation=automation, rule={}, audience="All")
    archive(automation)
    work(run)
    broadcast.refresh_from_db()
    assert (run.status, run.step) == ("stopped", "wait")
    assert run.reason == "The automation was archived."
    assert (automation.enabled, automation.archived_at is not None) == (False, True)
    assert broadcast.status == "stopped"


def test_a_copy_has_the_same_steps_under_keys_of_its_own_and_is_switched_off():
    user = User.objects.create(username="marketer")
    automation = make_automation(WAIT, DONE, description="For all")
    first, second = copy_automation(automation, by=user), copy_automation(automation)
    assert (first.name, first.code_name) == ("Welcome (copy)", "welcome-copy")
    assert second.code_name == "welcome-copy-2"
    assert (first.enabled, first.description) == (False, "For all")
    assert [step["type"] for step in first.steps] == ["wait", "set_field"]
    assert not {step["key"] for step in first.steps} & {"wait", "after"}
    assert first.versions.get().created_by == user


def test_one_run_can_be_stopped_once():
    run = work(enter(make_automation(WAIT), make_contact()))
    assert stop_run(run, "A user stopped it.")
    assert (run.status, run.step, run.reason) == ("stopped", "wait", "A user stopped it.")
    assert not stop_run(run, "Again.")
    assert run.reason == "A user stopped it."


def test_a_preview_shows_where_the_runs_of_each_step_would_go():
    automation = make_automation(WAIT, DONE, {"key": "last", "type": "wait", "for": "1 day"})
    work(enter(automation, make_contact()))
    work(enter(automation, make_contact()))
    work(enter(automation, make_contact(), step="last"))
    change_steps(automation, DONE, {"key": "new", "type": "stop"})
    assert preview_move(*versions_of(automation)) == [
        Move("wait", "after", 2),
        Move("last", "", 1),
    ]
    assert Run.objects.filter(version__number=2).count() == 0


def test_a_preview_reads_only_runs_that_are_inside():
    automation = make_automation(WAIT)
    run = enter(automation, make_contact())
    over = {"status": "done", "finished_at": run.entered_at}
    fields = ("automation", "version", "contact", "entered_as", "step", "cause")
    same = {name: getattr(run, name) for name in fields}
    Run.objects.bulk_create(Run(**same, **over) for _ in range(2_000))
    change_steps(automation, DONE)
    old, new = versions_of(automation)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE automations_run")
    with CaptureQueriesContext(connection) as captured:
        preview_move(old, new)
    (counting,) = [one["sql"] for one in captured if "COUNT" in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {counting}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "runs_inside_a_version" in plan


def test_moved_runs_wait_as_the_new_version_says_counted_from_when_they_came():
    automation = make_automation(WAIT, DONE)
    run = work(enter(automation, make_contact()))
    work(run, later=timedelta(hours=30))
    since = run.step_since
    change_steps(automation, WAIT | {"for": "3 days"}, DONE)
    assert move_runs(*versions_of(automation)) == 1
    work(run)
    assert (run.version.number, run.step) == (2, "wait")
    assert run.due_at == since + timedelta(days=3)
    change_steps(automation, WAIT | {"for": "1 day"}, DONE)
    move_runs(*list(versions_of(automation))[1:])
    assert work(run).status == "done"


def test_runs_whose_step_is_gone_go_to_the_next_or_end():
    automation = make_automation(
        WAIT, {"type": "if", "rule": {"match": "all", "conditions": []}, "then": [], "else": []}
    )
    run = work(enter(automation, make_contact()))
    change_steps(automation, DONE)
    move_runs(*versions_of(automation))
    assert (work(run).status, passed(run)) == ("done", [])


def test_a_moved_run_does_no_step_again_that_the_new_version_has_later():
    automation = make_automation(DONE, WAIT)
    run = work(enter(automation, make_contact()))
    change_steps(automation, WAIT, DONE, {"key": "end", "type": "stop"})
    move_runs(*versions_of(automation))
    work(run, later=timedelta(days=2))
    assert passed(run) == [("after", "done"), ("wait", "done"), ("end", "done")]


def test_runs_move_forward_and_within_one_automation_only():
    automation = make_automation(WAIT)
    change_steps(automation, DONE)
    old, new = versions_of(automation)
    with pytest.raises(CannotMove, match="newer version"):
        preview_move(new, old)
    other = make_automation(WAIT, code_name="other").versions.get()
    with pytest.raises(CannotMove, match="two automations"):
        move_runs(other, new)


def test_a_paused_automation_can_be_moved_and_stays_paused():
    automation = make_automation(WAIT)
    run = work(enter(automation, make_contact()))
    pause(automation)
    work()
    change_steps(automation, DONE)
    assert move_runs(*versions_of(automation)) == 1
    run.refresh_from_db()
    assert (run.status, run.step) == ("paused", "")


@pytest.mark.parametrize(("skip", "outcome"), [(False, "done"), (True, "skipped")])
def test_a_user_decides_about_a_late_step(skip, outcome):
    run = asking(make_automation(WAIT, ASKS, {"key": "end", "type": "stop"}))
    assert decide_about_late([run.pk], skip=skip) == 1
    work(run)
    assert (run.status, run.asks, run.reason) == ("done", False, "")
    assert passed(run) == [("wait", "done"), ("late", outcome), ("end", "done")]
    assert decide_about_late([run.pk], skip=skip) == 0


def test_resuming_does_not_decide_about_late_steps():
    automation = make_automation(WAIT, ASKS)
    run = asking(automation)
    pause(automation)
    work()
    resume(automation)
    work(run)
    assert (run.status, run.asks) == ("paused", True)


def test_a_late_step_that_a_user_decides_about_in_a_paused_automation_is_done_on_resuming():
    automation = make_automation(WAIT, ASKS)
    run = asking(automation)
    pause(automation)
    assert decide_about_late([run.pk], skip=False) == 1
    assert (work(run).status, passed(run)) == ("paused", [("wait", "done")])
    resume(automation)
    assert work(run).status == "done"


def test_a_run_that_asks_about_a_step_that_is_gone_goes_on_in_the_new_version():
    automation = make_automation(WAIT, ASKS)
    run = asking(automation)
    change_steps(automation, WAIT, DONE)
    move_runs(*versions_of(automation))
    assert work(run).status == "done"
    assert not run.asks


def test_stopping_ends_a_run_that_asks():
    run = asking(make_automation(WAIT, ASKS))
    assert stop_run(run, "Too late.")
    assert (run.status, run.asks) == ("stopped", False)


def test_controlling_very_many_runs_takes_few_statements(django_assert_max_num_queries):
    automation = make_automation(WAIT)
    for _ in range(20):
        enter(automation, make_contact())
    move_on(list(Run.objects.values_list("pk", flat=True)))
    change_steps(automation, DONE)
    old, new = versions_of(automation)
    with django_assert_max_num_queries(35):
        pause(automation)
        resume(automation)
        preview_move(old, new)
        move_runs(old, new)
        archive(automation)
    work_off(STATES)
    assert Run.objects.filter(status="stopped").count() == 20
