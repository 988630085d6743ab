import threading
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from activities import expiring
from activities.models import (
    Activity,
    ActivityClaim,
    ActivityCount,
    ActivityTypeUse,
    ContactSeen,
    DataInput,
)
from activities.seen import SEEN, catch_up
from consents.agreements import record_agreement
from consents.models import ConsentAgreement
from contacts.models import ContactChange, Touched
from contacts.records import lock_records
from jobs.working import work_off
from privacy.jobs import RETENTION
from privacy.models import LastActivity, RetentionRule, RetentionRun
from privacy.retention import running
from privacy.retention.rules import cancel, start
from readers.reading import declared_readers
from tests.automations.running import enter, make_automation
from tests.factories import (
    make_activity,
    make_activity_type,
    make_channel,
    make_consent,
    make_contact,
)
from tests.privacy.old import ago, deleted_by, make_old, rule_for, tried
from tests.readers.waiting import read_next

pytestmark = pytest.mark.django_db

committed = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def all_read(request, monkeypatch):
    """What is not committed no reader reads; tests that commit ask the readers themselves."""
    if not request.node.get_closest_marker("django_db").kwargs.get("transaction"):
        monkeypatch.setattr(expiring, "unread_by_any", lambda log: ("false", []))


@pytest.fixture
def loan():
    return make_activity_type()


def left():
    return set(Activity.objects.values_list("pk", flat=True))


def test_a_dry_run_counts_and_deletes_nothing(loan):
    old = make_old(loan, 2, days=40)
    older = make_old(loan, 1, days=75)
    make_old(loan, 1, days=29)
    make_old(make_activity_type("other"), 1, days=99)
    ActivityTypeUse.objects.create(type=loan, count=4)

    run = tried(rule_for(loan, days=30))

    assert (run.found, run.deleted, run.kept, run.total) == (3, 0, 0, 4)
    assert (run.oldest, run.newest) == (older[0].occurred_at, old[1].occurred_at)
    assert run.examples == [older[0].pk, old[0].pk, old[1].pk]
    months = [timezone.localtime(one.occurred_at).strftime("%Y-%m") for one in (*older, *old)]
    assert run.months == {month: months.count(month) for month in months}
    assert len(left()) == 5


def test_old_activities_of_a_type_go_and_others_stay(loan):
    make_old(loan, 3, days=40)
    young = make_old(loan, 2, days=29)
    other = make_old(make_activity_type("other"), 1, days=99)

    run = deleted_by(rule_for(loan, days=30))

    assert (run.status, run.found, run.deleted, run.kept) == ("done", 3, 3, 0)
    assert left() == {one.pk for one in (*young, *other)}


def test_a_rule_for_all_types_leaves_those_with_a_rule_of_their_own(loan):
    own = make_old(loan, 1, days=40)
    make_old(make_activity_type("other"), 1, days=40)
    make_activity(occurred_at=ago(40))
    rule_for(loan, days=400)

    run = deleted_by(rule_for(days=30))

    assert (run.deleted, left()) == (2, {own[0].pk})


def test_a_time_that_cannot_be_true_yet_counts_from_when_it_was_recorded(loan):
    ahead = {"occurred_at": timezone.now() + timedelta(days=3650)}
    (old,) = make_old(loan, 1, days=40, **ahead)
    (young,) = make_old(loan, 1, days=29, **ahead)

    assert tried(rule_for(loan, days=30)).examples == [old.pk]
    deleted_by(RetentionRule.objects.get(activity_type=loan))

    assert left() == {young.pk}


@pytest.mark.parametrize("heads", [1, 2, 100])
def test_everything_goes_in_portions_of_any_size(loan, monkeypatch, heads):
    monkeypatch.setattr(expiring, "HEADS", heads)
    real = expiring.delete_old
    monkeypatch.setattr(running, "delete_old", lambda old, at: real(old, at, heads=heads, most=2))
    contacts = [make_contact() for _ in range(3)]
    for contact in contacts:
        make_old(loan, 3, days=40, contact=contact)
    young = make_old(loan, 1, days=2, contact=contacts[0])

    run = deleted_by(rule_for(loan, days=30))

    assert (run.deleted, run.kept, left()) == (9, 0, {young[0].pk})


def test_a_contact_is_touched_once_however_many_of_its_activities_go(loan):
    contact, other = make_contact(), make_contact()
    for days in (40, 50, 60):
        make_old(loan, 2, days=days, contact=contact)
    make_old(loan, 1, days=3, contact=other)

    deleted_by(rule_for(loan, days=30))

    (touched,) = Touched.objects.all()
    assert (touched.contact, touched.aged) == (contact, True)


def test_what_was_counted_is_counted_no_more(loan):
    make_old(loan, 2, days=20)
    (young,) = make_old(loan, 1, days=2)
    catch_up()
    assert ActivityTypeUse.objects.get(type=loan).count == 3

    deleted_by(rule_for(loan, days=10))

    use = ActivityTypeUse.objects.get(type=loan)
    assert (use.count, use.last_at) == (1, young.occurred_at)
    rows = ActivityCount.objects.filter(type=loan, count__gt=0)
    assert sum(rows.values_list("count", flat=True)) == 1


def test_the_last_of_a_type_leaves_no_time(loan):
    make_old(loan, 1, days=20)
    catch_up()
    assert ActivityTypeUse.objects.get(type=loan).count == 1

    deleted_by(rule_for(loan, days=10))

    use = ActivityTypeUse.objects.get(type=loan)
    assert (use.count, use.last_at) == (0, None)


def test_ids_that_clients_chose_and_data_inputs_go_along(loan):
    channel = make_channel()
    client_id = uuid.uuid4()
    (old,) = make_old(loan, 1, days=40, channel=channel, client_id=client_id)
    ActivityClaim.objects.create(channel=channel, client_id=client_id, activity_id=old.pk)
    another = ActivityClaim.objects.create(
        channel=make_channel(), client_id=client_id, activity_id=old.pk + 1
    )
    applied = {"outcome": "applied", "applied_at": timezone.now()}
    DataInput.objects.create(contact=old.contact, activity=old, fields={"city": "Graz"}, **applied)
    change = ContactChange.objects.create(
        contact=old.contact, source="data_input", activity_id=old.pk, before={}, after={"a": "b"}
    )

    deleted_by(rule_for(loan, days=30))

    assert not DataInput.objects.exists()
    assert list(ActivityClaim.objects.values_list("channel", flat=True)) == [another.channel_id]
    # What became of the contact is no activity.
    assert ContactChange.objects.get(pk=change.pk).activity_id == old.pk


@pytest.mark.parametrize("by", ["data input", "run"])
def test_what_is_still_needed_stays_and_is_counted(loan, by):
    needed, other = make_old(loan, 2, days=40)
    if by == "run":
        automation = make_automation({"type": "wait", "for": "300 days"})
        run = enter(automation, needed.contact, cause="activity", cause_id=needed.pk)
        enter(automation, other.contact, cause="user", cause_id=other.pk)
    else:
        given = DataInput.objects.create(contact=needed.contact, activity=needed, fields={})
    rule = rule_for(loan, days=30)

    assert (tried(rule).found, tried(rule).kept) == (2, 1)
    found = deleted_by(rule)

    assert (found.deleted, found.kept, left()) == (1, 1, {needed.pk})
    if by == "run":
        run.status, run.finished_at = "done", timezone.now()
        run.save()
    else:
        given.outcome, given.applied_at = "applied", timezone.now()
        given.save()
    assert deleted_by(rule).deleted == 1
    assert left() == set()


def test_agreements_are_no_activities(loan):
    (old,) = make_old(loan, 1, days=40)
    record_agreement(old.contact, make_consent(), agreed=True, channel=old.channel, language="en")

    deleted_by(rule_for(loan, days=30))

    assert ConsentAgreement.objects.count() == 1


def test_the_time_of_the_last_activity_is_kept_of_who_has_no_newer_one(loan):
    gone, stays = make_contact(), make_contact()
    newest = make_old(loan, 3, days=40, contact=gone)[-1]
    make_old(loan, 1, days=40, contact=stays)
    make_old(loan, 1, days=3, contact=stays)
    rule = rule_for(loan, days=30)

    deleted_by(rule)

    assert list(LastActivity.objects.values_list("contact", "at")) == [
        (gone.pk, newest.occurred_at)
    ]
    (later,) = make_old(loan, 1, days=35, contact=gone)
    make_old(loan, 1, days=38, contact=gone)
    deleted_by(rule)
    assert list(LastActivity.objects.values_list("contact", "at")) == [(gone.pk, later.occurred_at)]


def test_a_run_that_is_cancelled_in_between_keeps_what_it_has_not_come_to(loan, monkeypatch):
    real = expiring.delete_old
    monkeypatch.setattr(running, "delete_old", lambda old, at: real(old, at, heads=1))
    make_old(loan, 3, days=40)
    rule = rule_for(loan, days=30, enabled=True, enabled_at=timezone.now())
    run = start(rule, dry=False)

    running.go_on([run.pk])
    cancel(run)
    work_off(RETENTION)

    run.refresh_from_db()
    assert (run.status, run.deleted, len(left())) == ("cancelled", 1, 2)


def test_a_portion_that_fails_is_done_again_and_counted_once(loan, monkeypatch):
    real = expiring.delete_old
    make_old(loan, 2, days=40)
    rule = rule_for(loan, days=30, enabled=True, enabled_at=timezone.now())
    run = start(rule, dry=False)

    def dies(old, at):
        real(old, at)
        raise RuntimeError("The worker died.")

    monkeypatch.setattr(running, "delete_old", dies)
    work_off(RETENTION)
    run.refresh_from_db()
    assert (run.deleted, run.attempts, len(left())) == (0, 1, 2)
    monkeypatch.setattr(running, "delete_old", real)
    RetentionRun.objects.update(due_at=timezone.now())
    work_off(RETENTION)

    run.refresh_from_db()
    assert (run.status, run.deleted, run.attempts, left()) == ("done", 2, 0, set())


@committed
def test_what_a_reader_has_not_read_stays_until_it_has():
    loan = make_activity_type()
    contact = make_contact()
    make_old(loan, 1, days=40, contact=contact)
    young = make_activity(contact, type=loan)
    rule = rule_for(loan, days=30)

    first = deleted_by(rule)
    assert (first.deleted, first.kept, len(left())) == (0, 1, 2)
    for reader in declared_readers().values():
        read_next(reader)
    second = deleted_by(rule)
    read_next(SEEN)

    assert (second.deleted, second.kept, left()) == (1, 0, {young.pk})
    seen = ContactSeen.objects.get(contact=contact)
    assert (seen.first_seen, seen.last_seen) == (young.occurred_at, young.occurred_at)
    assert ActivityTypeUse.objects.get(type=loan).count == 1


@committed
def test_who_is_being_erased_and_what_is_being_moved_is_left_alone():
    loan = make_activity_type()
    erased, moved, said, free = make_old(loan, 4, days=40)
    applied = {"outcome": "applied", "applied_at": timezone.now()}
    given = DataInput.objects.create(contact=said.contact, activity=said, fields={}, **applied)
    for reader in declared_readers().values():
        read_next(reader)
    rule = rule_for(loan, days=30)

    def lock():
        Activity.objects.select_for_update().get(pk=moved.pk)
        DataInput.objects.select_for_update().get(pk=given.pk)
        lock_records(erased.contact_id)

    with meanwhile(lock):
        run = deleted_by(rule)

    assert (run.deleted, run.kept) == (1, 3)
    assert left() == {erased.pk, moved.pk, said.pk}
    assert deleted_by(rule).deleted == 3
    assert free.pk not in left()


@contextmanager
def meanwhile(lock):
    """Another transaction holds what `lock` locks."""
    release, is_held = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            lock()
            is_held.set()
            release.wait(60)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert is_held.wait(20)
        yield
    finally:
        release.set()
        thread.join(30)
