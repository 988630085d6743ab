"""A dump is restored in another database cluster, and readers go on where they were."""

import pytest
from celery.signals import worker_init
from django.db import OperationalError, connection, transaction

from activities.logs import ACTIVITIES
from activities.models import Activity
from config import asgi
from contacts.logs import MERGES
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge
from database.loop import in_thread
from readers import tasks
from readers.epochs import begin_epochs
from readers.models import Epoch, Position
from readers.positions import place_of
from readers.reading import begin, declared_readers
from tests.factories import make_activity, make_channel, make_contact
from tests.readers.clusters import (
    another_cluster,
    another_database,
    dump,
    moved_to,
    of_tests,
    restore,
)
from tests.readers.log import ids_read, keeper
from tests.readers.transactions import in_other_transaction
from tests.readers.waiting import read_next
from tests.threads import run_in_loop

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("read_table"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with another_cluster(tmp_path_factory.mktemp("cluster")) as parameters:
        yield parameters


def ids_of(model, **conditions):
    return sorted(model.objects.filter(**conditions).values_list("pk", flat=True))


def read_all(reader, limit=2):
    while read_next(reader, limit):
        pass


def unread():
    place = place_of("keeper", ACTIVITIES)
    condition, params = place.unread()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM activities_activity WHERE {condition}", params)
        return sorted(pk for (pk,) in cursor)


def burn_transaction_ids(count):
    with connection.cursor() as cursor:
        for _ in range(count):
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        return cursor.fetchone()[0]


def request(survivor):
    reason = ContactMerge.Reason.MARKETER
    return request_merge(survivor=survivor, loser=make_contact(), reason=reason)


def check_everything_was_read():
    assert sorted(ids_read(ACTIVITIES)) == ids_of(Activity)
    assert sorted(ids_read(MERGES)) == ids_of(ContactMerge, status="done")
    assert unread() == []


def make_a_history(reader):
    """Rows before the first epoch, rows that were read, and rows that were not."""
    contact, channel = make_contact(), make_channel()
    make_activity(contact, channel=channel)
    make_activity(contact, channel=channel)
    read_next(reader, 1)
    carry_out_merges([request(contact).pk])
    request(contact)
    commit = in_other_transaction(lambda: make_activity(contact, channel=channel))
    for _ in range(3):
        make_activity(contact, channel=channel)
    commit()
    carry_out_merges([request(contact).pk])
    read_all(reader, 1)
    for _ in range(2):
        make_activity(contact, channel=channel)
    return contact, channel


def go_on(reader, contact, channel):
    """What happens in the restored database once the hub has started."""
    begin_epochs(reader.logs)
    make_activity(contact, channel=channel)
    read_next(reader, 1)
    with transaction.atomic():
        make_activity(contact, channel=channel)
        make_activity(contact, channel=channel)
    for merge in ContactMerge.objects.filter(status="pending"):
        carry_out_merges([merge.pk])
    carry_out_merges([request(contact).pk])
    read_all(reader)


def test_a_reader_goes_on_in_another_cluster(cluster):
    reader = keeper(ACTIVITIES, MERGES)
    burn_transaction_ids(2000)
    contact, channel = make_a_history(reader)
    read_before, unread_before = ids_read(ACTIVITIES), unread()
    restore(dump(of_tests()), cluster)
    make_activity(contact, channel=channel)  # the old hub goes on, for itself

    with moved_to(cluster):
        assert ids_read(ACTIVITIES) == read_before
        before = Position.objects.get(log="activities").recorded_in
        assert burn_transaction_ids(1) < int(before)  # so they cannot be compared
        go_on(reader, contact, channel)

        check_everything_was_read()
        # First what the old cluster had left, in its order.
        assert ids_read(ACTIVITIES)[len(read_before) :][:2] == unread_before
        assert Epoch.objects.filter(log="activities").count() == 2

        begin_epochs(reader.logs)  # at a later start of the hub
        assert Epoch.objects.filter(log="activities").count() == 2


def test_a_dump_that_comes_back_is_another_epoch(tmp_path):
    reader = keeper(ACTIVITIES, MERGES)
    contact, channel = make_a_history(reader)
    home = of_tests()
    with another_cluster(tmp_path / "cluster") as away:
        restore(dump(home), away)
        with moved_to(away):
            burn_transaction_ids(100)
            go_on(reader, contact, channel)
            make_activity(contact, channel=channel)
            read_before = ids_read(ACTIVITIES)
        came_back = dump(away)
    with another_database(home) as restored:
        restore(came_back, restored)
        with moved_to(restored):
            assert ids_read(ACTIVITIES) == read_before
            go_on(reader, contact, channel)

            check_everything_was_read()
            assert list(
                Epoch.objects.filter(log="activities")
                .order_by("ordinal")
                .values_list("ordinal", flat=True)
            ) == [1, 2, 3]


def test_a_dump_that_is_restored_in_its_own_cluster_begins_no_epoch():
    reader = keeper(ACTIVITIES, MERGES)
    contact, channel = make_a_history(reader)
    home = of_tests()
    with another_database(home) as restored:
        restore(dump(home), restored)
        with moved_to(restored):
            go_on(reader, contact, channel)

            check_everything_was_read()
            assert Epoch.objects.filter(log="activities").count() == 1


def test_rows_from_before_an_epoch_wait_for_who_is_still_writing_them():
    """An epoch begins in a hub that is recording: nothing of before is missed."""
    reader, contact, channel = keeper(ACTIVITIES), make_contact(), make_channel()
    early = make_activity(contact, channel=channel)
    commit = in_other_transaction(lambda: make_activity(contact, channel=channel, value="late"))
    read_next(reader)
    first = Epoch.objects.get().first
    assert ids_read(ACTIVITIES) == []

    commit()
    late = Activity.objects.get(value="late")
    later = make_activity(contact, channel=channel)
    read_next(reader)
    read_next(reader)

    assert ids_read(ACTIVITIES) == [early.pk, late.pk, later.pk]
    assert early.pk < late.pk < first <= later.pk


def test_a_worker_begins_epochs_before_it_does_anything():
    assert worker_init.disconnect(tasks.begin)
    worker_init.connect(tasks.begin)

    tasks.begin()

    logs = {log.name for reader in declared_readers().values() for log in reader.logs}
    assert set(Epoch.objects.values_list("log", "ordinal")) == {(name, 1) for name in logs}
    assert "activities" in logs


def test_a_web_process_begins_epochs_before_it_answers():
    begun = []

    async def receive():
        return {"type": "lifespan.startup" if not begun else "lifespan.shutdown"}

    async def send(message):
        if not begun:
            begun.append(await in_thread(Epoch.objects.count))

    run_in_loop(asgi.application({"type": "lifespan"}, receive, send))

    assert begun == [9]


def test_a_process_starts_without_its_database(monkeypatch):
    def fail(logs):
        raise OperationalError("The database is away.")

    monkeypatch.setattr("readers.reading.begin_epochs", fail)

    begin()

    assert not Epoch.objects.exists()
