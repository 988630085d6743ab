"""Jobs: what is due is done, and a row that cannot be done holds up no other."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from activities import data_input
from activities.jobs import DATA_INPUTS
from activities.models import DataInput
from contacts import merging
from contacts.changes import Changes
from contacts.jobs import MERGES
from contacts.merging import request_merge
from contacts.models import Contact, ContactMerge
from jobs import working
from jobs.working import pause_after, try_again, work_off
from tests.factories import make_activity, make_channel, make_contact
from tests.threads import run_at_once
from tests.work import do_data_inputs


def give(contact, channel, **fields):
    activity = make_activity(contact, channel=channel)
    return DataInput.objects.create(contact=contact, activity=activity, fields=fields)


def poison(contact, channel, **fields):
    """A data input that no door would take: the database refuses its country."""
    return give(contact, channel, country="ger", **fields)


@pytest.fixture
def channel(db):
    return make_channel()


def test_poison_holds_up_no_other_row(channel):
    people = [make_contact() for _ in range(9)]
    bad = poison(people[4], channel)
    for person in people:
        give(person, channel, city="Bern")

    assert work_off(DATA_INPUTS)

    bad.refresh_from_db()
    assert Contact.objects.filter(city="Bern").count() == 9
    assert (bad.outcome, bad.attempts) == ("pending", 1)
    assert bad.due_at > timezone.now() + timedelta(seconds=8)
    assert bad.last_error.startswith("IntegrityError: ")
    assert "country_is_three_letters" in bad.last_error


def test_errors_tell_no_values_of_rows(channel):
    bad = poison(make_contact(), channel, city="Secret City", notes="Secret notes")

    work_off(DATA_INPUTS)

    bad.refresh_from_db()
    assert "Secret" not in bad.last_error


def test_younger_data_input_of_the_contact_does_not_wait_and_is_not_undone(channel):
    contact = make_contact()
    bad = poison(contact, channel, city="Bern", job_title="Banker")
    work_off(DATA_INPUTS)
    give(contact, channel, city="Basel")
    work_off(DATA_INPUTS)
    contact.refresh_from_db()
    assert contact.city == "Basel"

    DataInput.objects.filter(pk=bad.pk).update(fields={"city": "Bern", "job_title": "Banker"})
    assert try_again(DATA_INPUTS, [bad.pk]) == 1
    work_off(DATA_INPUTS)

    contact.refresh_from_db()
    bad.refresh_from_db()
    assert (contact.city, contact.job_title) == ("Basel", "Banker")
    assert (bad.outcome, bad.attempts, bad.last_error) == ("applied", 0, "")


def test_row_that_failed_waits_for_its_time(channel):
    bad = poison(make_contact(), channel)

    work_off(DATA_INPUTS)
    work_off(DATA_INPUTS)
    bad.refresh_from_db()
    assert bad.attempts == 1

    do_data_inputs()
    bad.refresh_from_db()
    assert bad.attempts == 2


def test_as_many_failures_are_counted_as_the_column_holds(channel):
    bad = poison(make_contact(), channel)
    type(bad).objects.filter(pk=bad.pk).update(attempts=32_766)

    for _ in range(2):
        do_data_inputs()
        bad.refresh_from_db()
        assert (bad.outcome, bad.attempts) == ("pending", 32_767)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 10), (2, 20), (5, 160), (9, 2560), (10, 3600), (30_000, 3600)]
)
def test_pauses_grow_to_an_hour(attempts, seconds):
    assert pause_after(attempts) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 1), (3, 4), (10, 512), (11, 600)])
def test_pauses_begin_and_end_where_they_are_told_to(attempts, seconds):
    pause = pause_after(attempts, first=timedelta(seconds=1), longest=timedelta(minutes=10))

    assert pause == timedelta(seconds=seconds)


def test_worker_that_is_told_to_stop_gives_back_what_it_has_not_begun(channel, monkeypatch):
    given = give(make_contact(), channel, city="Bern")
    stopping = threading.Event()
    monkeypatch.setattr(working, "stopping", stopping)
    claim = working._claim

    def claim_and_be_told(*args):
        stopping.set()
        return claim(*args)

    monkeypatch.setattr(working, "_claim", claim_and_be_told)
    assert work_off(DATA_INPUTS)

    given.refresh_from_db()
    assert given.outcome == "pending"
    assert given.due_at <= timezone.now()


def test_worker_that_is_told_to_stop_within_a_batch_gives_back_the_rest_of_it(channel, monkeypatch):
    given = [give(make_contact(), channel, city="Bern") for _ in range(3)]
    stopping, add = threading.Event(), Changes.add
    monkeypatch.setattr(working, "stopping", stopping)
    monkeypatch.setattr(data_input, "stopping", stopping)

    def add_and_be_told(*args):
        stopping.set()
        add(*args)

    monkeypatch.setattr(Changes, "add", add_and_be_told)
    assert work_off(DATA_INPUTS)

    rows = DataInput.objects.filter(pk__in=[one.pk for one in given]).order_by("contact")
    assert [one.outcome for one in rows] == ["applied", "pending", "pending"]
    assert all(one.due_at <= timezone.now() and one.attempts == 0 for one in rows[1:])


def test_worker_that_is_told_to_stop_gives_back_merges_with_a_contact_in_common(db, monkeypatch):
    survivor = make_contact()
    asked = [
        request_merge(survivor=survivor, loser=make_contact(), reason=ContactMerge.Reason.MARKETER)
        for _ in range(4)
    ]
    stopping, carry_out_round = threading.Event(), merging._carry_out_round
    monkeypatch.setattr(working, "stopping", stopping)
    monkeypatch.setattr(merging, "stopping", stopping)

    def carry_out_round_and_be_told(keys):
        stopping.set()
        return carry_out_round(keys)

    monkeypatch.setattr(merging, "_carry_out_round", carry_out_round_and_be_told)
    assert work_off(MERGES)

    rows = ContactMerge.objects.filter(pk__in=[one.pk for one in asked]).order_by("pk")
    assert [one.status for one in rows] == ["done", "pending", "pending", "pending"]
    assert all(one.due_at <= timezone.now() and one.attempts == 0 for one in rows)


def test_what_a_worker_held_that_was_killed_is_due_again_later(channel):
    given = give(make_contact(), channel, city="Bern")
    lease = timezone.now() + timedelta(seconds=DATA_INPUTS.lease)
    assert working._claim(DATA_INPUTS, lease) == [given.pk]
    # Here it is killed.
    work_off(DATA_INPUTS)
    assert not Contact.objects.filter(city="Bern").exists()

    DataInput.objects.update(due_at=timezone.now())
    work_off(DATA_INPUTS)
    assert Contact.objects.filter(city="Bern").exists()


def test_work_is_done_in_few_queries(channel, django_assert_max_num_queries):
    for _ in range(100):
        give(make_contact(), channel, city="Bern")

    with django_assert_max_num_queries(20):
        work_off(DATA_INPUTS)
    assert Contact.objects.filter(city="Bern").count() == 100


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_work_and_do_nothing_twice():
    channel = make_channel()
    for _ in range(40):
        give(make_contact(), channel, city="Bern")

    def work():
        work_off(DATA_INPUTS)
        return True

    assert run_at_once(work, work, work) == [True] * 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT activity_id) FROM contacts_contactchange")
        assert cursor.fetchone() == (40, 40)
