"""Readers get every row once, in the order in which transactions ended, whatever dies meanwhile."""

import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import DeadlockDetected

from activities.logs import ACTIVITIES
from activities.models import Activity
from contacts.logs import TOUCHED
from contacts.models import Touched
from contacts.touching import touch
from database.transactions import as_django_error
from readers import reading
from readers.models import ReaderState
from readers.reading import Reader, try_again
from tests.config.hub import ROOT
from tests.factories import make_activity, make_channel, make_contact
from tests.readers.log import ids_read, keeper, keeping, pks_of
from tests.readers.transactions import in_other_transaction
from tests.readers.waiting import read_next
from tests.threads import run_at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("read_table"),
]


def test_rows_are_read_once_and_in_order():
    reader, contact = keeper(ACTIVITIES), make_contact()
    first, second = make_activity(contact), make_activity(contact)

    assert read_next(reader, 10) is False
    third = make_activity(contact)
    read_next(reader, 10)
    read_next(reader, 10)

    assert ids_read(ACTIVITIES) == [first.pk, second.pk, third.pk]


def test_a_full_batch_says_that_more_may_wait():
    reader, contact = keeper(ACTIVITIES), make_contact()
    pks = [make_activity(contact).pk for _ in range(5)]

    assert [read_next(reader, 2) for _ in range(4)] == [True, True, False, False]
    assert ids_read(ACTIVITIES) == pks


def test_a_row_that_is_committed_late_is_read_after_those_that_came_meanwhile():
    reader, contact, channel = keeper(ACTIVITIES), make_contact(), make_channel()
    read_next(reader)
    commit = in_other_transaction(lambda: make_activity(contact, channel=channel, value="late"))
    meanwhile = make_activity(contact, channel=channel)
    read_next(reader)

    # What began after the open transaction waits for it: it may be the first of all.
    assert ids_read(ACTIVITIES) == []

    commit()
    read_next(reader)
    late = Activity.objects.get(value="late")
    assert late.pk < meanwhile.pk
    assert ids_read(ACTIVITIES) == [late.pk, meanwhile.pk]


def test_a_row_with_a_lower_number_that_is_committed_later_is_read():
    reader, contact, channel = keeper(ACTIVITIES), make_contact(), make_channel()
    read_next(reader)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('activities_activity_id_seq')")
        (lower,) = cursor.fetchone()
    higher = make_activity(contact, channel=channel)
    read_next(reader)
    make_activity(contact, channel=channel, id=lower)
    read_next(reader)

    assert ids_read(ACTIVITIES) == [higher.pk, lower]


def test_batches_end_in_the_order_of_transactions():
    """In the order of numbers the first batch would leave an earlier transaction behind."""
    reader, contact, channel = keeper(ACTIVITIES), make_contact(), make_channel()
    read_next(reader)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('activities_activity_id_seq')")
        (lower,) = cursor.fetchone()
    higher = make_activity(contact, channel=channel)
    make_activity(contact, channel=channel, id=lower)

    read_next(reader, 1)
    read_next(reader, 1)

    assert ids_read(ACTIVITIES) == [higher.pk, lower]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_nothing_is_missed_and_nothing_read_twice_among_open_transactions(read_table, data):
    """Transactions begin, write and end in any order, while the reader reads."""
    reader, contact, channel = keeper(ACTIVITIES), make_contact(), make_channel()
    opened = []
    for _ in range(data.draw(st.integers(3, 12))):
        step = data.draw(st.sampled_from(["open", "commit", "write", "read"]))
        if step == "open":
            opened.append(in_other_transaction(*[lambda: make_activity(contact, channel=channel)]))
        elif step == "commit" and opened:
            opened.pop(data.draw(st.integers(0, len(opened) - 1)))()
        elif step == "write":
            make_activity(contact, channel=channel)
        else:
            reading.read_next(reader, data.draw(st.integers(1, 3)))
    for commit in opened:
        commit()
    deadline = time.monotonic() + 120
    while sorted(ids_read(ACTIVITIES)) != pks_of(Activity) and time.monotonic() < deadline:
        read_next(reader, 2)

    # A row that is read twice breaks the unique constraint of the table, and the reader fails.
    assert not ReaderState.objects.exclude(last_error="").exists()
    assert sorted(ids_read(ACTIVITIES)) == pks_of(Activity)


def test_several_workers_read_while_several_threads_write():
    contact, channel = make_contact(), make_channel()
    reader = keeper(ACTIVITIES)
    over = threading.Event()

    def write():
        for number in range(25):
            with transaction.atomic():
                make_activity(contact, channel=channel)
                if number % 5 == 0:
                    time.sleep(random.random() / 100)
                make_activity(contact, channel=channel)

    def write_last():
        write()
        over.set()

    def read():
        while not over.is_set():
            read_next(reader, 7)

    run_at_once(write, write, write_last, read, read)
    while read_next(reader, 100):
        pass

    assert sorted(ids_read(ACTIVITIES)) == pks_of(Activity)
    assert Activity.objects.count() == 150


def test_a_reader_reads_in_one_worker_at_a_time():
    contact = make_contact()
    make_activity(contact)
    is_reading, go = threading.Event(), threading.Event()

    def wait(ids):
        is_reading.set()
        go.wait(30)

    def read_slowly():
        read_next(Reader("keeper", {ACTIVITIES: wait}))
        connections.close_all()

    thread = threading.Thread(target=read_slowly)
    thread.start()
    assert is_reading.wait(30)

    assert read_next(keeper(ACTIVITIES)) is False
    assert ids_read(ACTIVITIES) == []
    assert ReaderState.objects.get().attempts == 0  # to find it taken is no failure

    go.set()
    thread.join(30)
    read_next(keeper(ACTIVITIES))
    assert ids_read(ACTIVITIES) == []


def test_two_readers_have_positions_of_their_own():
    first, second = keeper(TOUCHED, name="first"), Reader("second", {TOUCHED: lambda ids: None})
    contact = make_contact()
    with transaction.atomic():
        touch(contact.pk)

    read_next(second)
    read_next(first)

    assert ids_read(TOUCHED) == pks_of(Touched)


def test_a_worker_that_is_killed_in_a_batch_leaves_nothing_behind():
    pks = [make_activity().pk for _ in range(3)]
    reader = keeper(ACTIVITIES)
    read_next(reader, 1)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.readers.worker", connection.settings_dict["NAME"]],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout.readline() == f"{pks[1:]}\n"
        worker.kill()

    deadline = time.monotonic() + 120
    while len(ids_read(ACTIVITIES)) < 3 and time.monotonic() < deadline:
        read_next(reader)  # as soon as PostgreSQL has noticed
        time.sleep(0.05)

    assert ids_read(ACTIVITIES) == pks


def test_a_batch_that_fails_keeps_its_place_and_its_error_and_is_tried_again_later(monkeypatch):
    pk = make_activity().pk

    def fail(ids):
        keeping(ACTIVITIES)(ids)
        raise ValueError("A poison row.\nDETAIL: of somebody")

    assert read_next(Reader("keeper", {ACTIVITIES: fail})) is False

    state = ReaderState.objects.get()
    assert (state.attempts, state.last_error) == (1, "ValueError: A poison row.")
    assert state.due_at > timezone.now()
    read_next(keeper(ACTIVITIES))  # it pauses
    assert ids_read(ACTIVITIES) == []

    assert try_again(keeper(ACTIVITIES))
    read_next(keeper(ACTIVITIES))
    state.refresh_from_db()
    assert ids_read(ACTIVITIES) == [pk]
    assert (state.attempts, state.last_error) == (0, "")
    assert not try_again(keeper(ACTIVITIES))


def test_logs_are_read_in_batches_of_their_own(monkeypatch):
    for _ in range(3):
        make_activity()
    sizes = []
    reader = Reader(
        "keeper", {ACTIVITIES: lambda ids: sizes.append(len(ids))}, batch=3, batches={ACTIVITIES: 2}
    )

    assert reading.read_next(reader)
    assert not reading.read_next(reader)

    assert sizes == [2, 1]


def passing_over(is_so):
    return replace(keeper(ACTIVITIES), begins_now=True, passes_over={ACTIVITIES: is_so})


def test_rows_that_mean_nothing_to_a_reader_are_passed_over():
    cares, contact = [], make_contact()
    reader = passing_over(lambda: not cares)
    read_next(reader)
    for _ in range(3):
        make_activity(contact)
    assert read_next(reader, 2) is False

    cares.append(True)
    later = make_activity(contact)
    read_next(reader, 2)
    assert ids_read(ACTIVITIES) == [later.pk]


def test_a_row_of_a_transaction_that_still_runs_is_not_passed_over():
    cares, contact, channel = [], make_contact(), make_channel()
    reader = passing_over(lambda: not cares)
    read_next(reader)
    make_activity(contact, channel=channel)
    commit = in_other_transaction(lambda: make_activity(contact, channel=channel, value="late"))
    meanwhile = make_activity(contact, channel=channel)
    read_next(reader)
    cares.append(True)
    commit()
    read_next(reader)

    assert ids_read(ACTIVITIES) == [Activity.objects.get(value="late").pk, meanwhile.pk]


def test_pauses_grow_up_to_ten_minutes():
    make_activity()

    def fail(ids):
        raise ValueError("Again.")

    pauses = []
    for _ in range(12):
        read_next(Reader("keeper", {ACTIVITIES: fail}))
        state = ReaderState.objects.get()
        pauses.append(round((state.due_at - timezone.now()) / timedelta(seconds=1)))
        ReaderState.objects.update(due_at=timezone.now())

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


def test_as_many_failures_are_counted_as_the_column_holds():
    make_activity()

    def fail(ids):
        raise ValueError("Again.")

    read_next(Reader("keeper", {ACTIVITIES: fail}))
    ReaderState.objects.update(attempts=32_767, due_at=timezone.now())
    read_next(Reader("keeper", {ACTIVITIES: fail}))

    assert ReaderState.objects.get().attempts == 32_767
    assert ReaderState.objects.get().due_at > timezone.now()


def test_a_reader_with_nothing_to_read_writes_nothing(django_assert_num_queries):
    reader = keeper(ACTIVITIES)
    read_next(reader)
    make_activity()
    read_next(reader)
    with django_assert_num_queries(5):
        reading.read_next(reader)
    with transaction.atomic(), connection.cursor() as cursor:
        reading.read_next(reader)
        cursor.execute("SELECT pg_current_xact_id_if_assigned()::text")
        assert cursor.fetchone() == (None,)


@pytest.mark.parametrize(("deadlocks", "is_read"), [(2, True), (3, False)])
def test_a_reader_in_the_way_of_another_transaction_begins_anew_at_once(deadlocks, is_read):
    activity = make_activity(make_contact())
    keep, errors = keeping(ACTIVITIES), [DeadlockDetected("x")] * deadlocks

    def fail_and_keep(ids):
        keep(ids)
        if errors:
            raise as_django_error(errors.pop())

    read_next(Reader("keeper", {ACTIVITIES: fail_and_keep}))

    assert ids_read(ACTIVITIES) == ([activity.pk] if is_read else [])
    assert ReaderState.objects.get().attempts == (0 if is_read else 1)
