"""Runs move on while other workers do the same, and contacts are merged, erased and changed."""

from datetime import timedelta
from threading import Event, Thread
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction

from activities.drafts import Draft
from activities.erasing import erase_contact
from activities.models import Activity
from activities.recording import Source, record_activities
from automations.control import archive, move_runs, pause, resume
from automations.following import AUTOMATIONS
from automations.jobs import RUNS, STATES
from automations.models import Passage, Run
from automations.running import move_on, wake
from automations.saving import save_automation
from channels.models import Channel
from contacts.editing import update_contact
from contacts.merging import carry_out_merges, request_merge
from contacts.models import Contact, ContactChange, ContactMerge
from database.outages import is_conflict
from groups.following import GROUPS
from groups.membership import remove_members
from groups.models import MembershipEvent
from jobs.working import work_off
from readers.reading import join, read_next
from tests.automations.running import enter, make_automation, passed, work
from tests.factories import make_activity_type, make_channel, make_contact, make_group
from tests.groups import people as groups_of_people
from tests.threads import run_at_once, wait_until_so_many_wait, wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)

ADD = {"key": "add", "type": "group", "add": "customers"}
LOG = {"key": "log", "type": "log_activity", "activity": "custom_seen"}
SET = {"key": "set", "type": "set_field", "field": "notes", "value": "Seen"}
WAIT = {"key": "wait", "type": "wait", "for": "2 days"}
NEVER = {"key": "never", "type": "wait", "rule": {"match": "any", "conditions": []}}


def ask_for_merge(survivor, loser):
    return request_merge(survivor=survivor, loser=loser, reason=ContactMerge.Reason.MARKETER)


def test_workers_that_move_the_same_runs_do_each_step_once():
    group = make_group("customers")
    make_activity_type("custom_seen")
    make_channel()
    automation = make_automation(LOG, ADD, SET)
    runs = [enter(automation, make_contact()) for _ in range(40)]
    keys = [run.pk for run in runs]
    run_at_once(*[lambda: move_on(keys)] * 4)
    work_off(RUNS)
    assert Run.objects.filter(status="done").count() == 40
    assert Passage.objects.count() == 120
    assert Activity.objects.count() == 40
    assert group.memberships.count() == 40
    assert ContactChange.objects.count() == 40


def test_a_merged_contact_is_followed():
    automation = make_automation(WAIT, ADD)
    group = make_group("customers")
    survivor, loser = make_contact(email="ada@example.com"), make_contact()
    run = work(enter(automation, loser))
    carry_out_merges([ask_for_merge(survivor, loser).pk])
    Run.objects.update(step_since="2026-01-01T00:00Z", due_at="2026-01-01T00:00Z")
    work(run)
    assert (run.status, run.contact, run.entered_as) == ("done", survivor, loser.pk)
    assert group.memberships.get().contact == survivor


def test_an_erased_contact_leaves_with_all_passages():
    automation = make_automation(SET, WAIT)
    contact, other = make_contact(), make_contact()
    for one in (contact, other):
        enter(automation, one)
    work()
    erase_contact(contact.pk)
    assert Run.objects.get().contact == other
    assert passed(Run.objects.get()) == [("set", "done")]
    assert Passage.objects.count() == 1


def test_an_erasure_waits_for_the_step_and_takes_what_it_did_along():
    automation = make_automation(LOG, WAIT)
    make_activity_type("custom_seen")
    make_channel()
    run = enter(automation, contact := make_contact())
    moved = Event()

    def move_and_wait():
        with transaction.atomic():
            move_on([run.pk])
            moved.set()
            wait_until_somebody_waits()

    def erase():
        assert moved.wait(30)
        erase_contact(contact.pk)

    run_at_once(move_and_wait, erase)
    assert not Run.objects.exists()
    assert not Passage.objects.exists()
    assert not Activity.objects.exists()


def test_a_run_whose_contact_is_being_merged_waits_for_the_next_round():
    automation = make_automation({"key": "stop", "type": "stop"})
    survivor, loser = make_contact(email="ada@example.com"), make_contact()
    run = enter(automation, loser)
    with transaction.atomic():
        carry_out_merges([ask_for_merge(survivor, loser).pk])

        def move():
            move_on([run.pk])
            connections.close_all()

        # The merge has the run, so the worker passes it by.
        run_at_once(move)
    assert passed(run) == []
    assert work(run).contact == survivor
    assert run.status == "done"


def test_a_run_of_a_contact_who_was_merged_moves_when_the_merge_has_settled():
    survivor = make_contact(email="ada@example.com")
    loser = make_contact(merged_into=survivor)
    # Of a writer who did not see the merge.
    run = work(enter(make_automation({"key": "stop", "type": "stop"}), loser))
    assert (run.status, passed(run)) == ("running", [])
    Run.objects.update(contact=survivor)
    assert work(run).status == "done"


def test_everything_at_once_comes_to_an_end():
    group = make_group("customers")
    make_activity_type("custom_seen")
    make_channel()
    automation = make_automation(LOG, ADD, SET, NEVER)
    noted = {"type": "field", "field": "notes", "operator": "equals", "value": "Seen"}
    dynamic = groups_of_people.make_group(
        "noted", noted, {"type": "group", "groups": ["customers"]}
    )
    contacts = [make_contact() for _ in range(24)]
    runs = [enter(automation, contact) for contact in contacts]
    keys = [run.pk for run in runs]
    merges = [ask_for_merge(contacts[n], contacts[n + 12]).pk for n in range(6)]

    def again(call):
        def calling():
            while True:
                try:
                    return call()
                except Exception as error:  # a deadlock is tried again, as workers do
                    if not is_conflict(error):
                        raise

        return calling

    run_at_once(
        again(lambda: move_on(keys)),
        again(lambda: move_on(keys[::-1])),
        again(lambda: carry_out_merges(merges)),
        again(lambda: [erase_contact(contacts[n].pk) for n in (20, 21)]),
        again(lambda: [update_contact(one.pk, {"city": "Graz"}) for one in contacts[6:10]]),
        again(lambda: wake([one.pk for one in contacts])),
        again(lambda: (pause(automation), resume(automation))),
        again(lambda: [_read(reader) for reader in (GROUPS, AUTOMATIONS) * 6]),
        again(lambda: [_visit(one) for one in contacts[:20]]),
        again(
            lambda: remove_members(
                group, [one.pk for one in contacts], cause=MembershipEvent.Cause.CODE
            )
        ),
    )
    work()
    assert Run.objects.filter(step="never", status="running").count() == 22
    for key in ("log", "add", "set"):
        assert Passage.objects.filter(step=key).count() == 22
    assert Activity.objects.filter(type__code_name="custom_seen").count() == 22
    groups_of_people.follow()
    now_in = set(group.memberships.values_list("contact", flat=True))
    assert set(dynamic.memberships.values_list("contact", flat=True)) == now_in


def _read(reader):
    """Let the reader read what it can; other transactions of this test may hold it up."""
    join(reader)
    read_next(reader)


def _visit(contact):
    source = Source(door="python", channel=Channel.objects.first(), request_id=uuid4())
    draft = Draft(type="pagevisit", value="Home", url="https://www.example.com/")
    record_activities([draft], contact_guid=contact.guid, source=source)


def test_archiving_while_workers_move_runs_leaves_nobody_inside():
    automation = make_automation(SET, NEVER)
    keys = [enter(automation, make_contact()).pk for _ in range(30)]
    run_at_once(lambda: move_on(keys[:15]), lambda: move_on(keys[15:]), lambda: archive(automation))
    work()
    assert set(Run.objects.values_list("status", flat=True)) == {"stopped"}


def test_pausing_waits_for_no_row_of_a_run():
    automation = make_automation(SET)
    run, other = (enter(automation, make_contact()) for _ in range(2))

    def pause_soon():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        pause(automation)

    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        run_at_once(pause_soon)
        run_at_once(lambda: move_on([other.pk]))
    assert passed(other) == []


@pytest.mark.parametrize("halt", [pause, archive])
def test_no_step_is_done_once_halting_is_answered(halt):
    automation = make_automation(SET, NEVER)
    first, second = (enter(automation, make_contact()) for _ in range(2))
    moved, halting = Event(), Event()

    def move_and_wait():
        with transaction.atomic():
            move_on([first.pk])
            moved.set()
            wait_until_so_many_wait(2)

    def halt_meanwhile():
        assert moved.wait(30)
        halting.set()
        halt(automation)
        return passed(first)

    def move_behind():
        assert halting.wait(30)
        wait_until_somebody_waits()
        move_on([second.pk])

    _, when_answered, _ = run_at_once(move_and_wait, halt_meanwhile, move_behind)
    assert when_answered == passed(first) == [("set", "done")]
    assert passed(second) == []


def test_a_run_that_a_worker_pauses_just_now_goes_on_after_resuming():
    automation = make_automation(SET)
    pause(automation)
    run = enter(automation, make_contact())
    paused = Event()

    def pause_run_and_wait():
        with transaction.atomic():
            move_on([run.pk])
            paused.set()
            wait_until_somebody_waits()

    def resume_meanwhile():
        assert paused.wait(30)
        resume(automation)
        work_off(STATES)

    run_at_once(pause_run_and_wait, resume_meanwhile)
    assert work(run).status == "done"


def test_a_run_that_comes_to_a_wait_just_now_is_woken_there():
    contact = make_contact()
    run = enter(make_automation(SET, NEVER), contact)
    with transaction.atomic():
        # As a worker does that could not see yet what the rule waits for.
        later = run.entered_at + timedelta(days=1)
        Run.objects.filter(pk=run.pk).update(step="never", due_at=later)

        def waken():
            wake([contact.pk])
            connection.close()

        thread = Thread(target=waken)
        thread.start()
        wait_until_somebody_waits()
    thread.join(20)
    run.refresh_from_db()
    assert run.due_at < later


def test_a_run_that_is_moved_while_its_worker_locks_contacts_stays_for_the_next_round():
    contact = make_contact()
    automation = make_automation(SET)
    run = enter(automation, contact)
    automation.steps = [ADD]
    save_automation(automation)
    with transaction.atomic():
        Contact.objects.select_for_update().get(pk=contact.pk)

        def move():
            move_on([run.pk])
            connection.close()

        thread = Thread(target=move)
        thread.start()
        wait_until_somebody_waits()
        move_runs(*automation.versions.order_by("number"))
    thread.join(20)
    run.refresh_from_db()
    assert (run.status, run.step, run.attempts) == ("running", "", 0)


def test_a_run_that_has_moved_is_woken_only_where_it_waits_now():
    contact = make_contact()
    run = work(enter(make_automation(NEVER), contact))
    with transaction.atomic():
        Run.objects.filter(pk=run.pk).update(status="stopped", finished_at=run.entered_at)

        def waken():
            wake([contact.pk])
            connection.close()

        thread = Thread(target=waken)
        thread.start()
        wait_until_somebody_waits()
    thread.join(20)
    due_at = run.due_at
    run.refresh_from_db()
    assert (run.status, run.due_at) == ("stopped", due_at)


def test_contacts_enter_while_an_automation_is_saved():
    automation, contact = make_automation(WAIT), make_contact()

    def let_in():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            enter(automation, contact)

    with transaction.atomic():
        save_automation(automation)
        run_at_once(let_in)

    assert Run.objects.get().contact_id == contact.pk
