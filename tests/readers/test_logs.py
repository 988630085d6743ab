"""What the logs of the hub give their readers."""

import pytest
from django.db import connection
from django.utils import timezone

from activities.logs import ACTIVITIES
from consents.agreements import record_agreement
from consents.logs import AGREEMENTS
from consents.models import ConsentAgreement
from contacts.logs import MERGES, TOUCHED
from contacts.merging import carry_out_merges, request_merge
from contacts.models import ContactMerge
from readers.logs import Log
from readers.reading import Reader
from tests.factories import make_activity, make_channel, make_consent, make_contact
from tests.readers.log import ids_read, keeper, pks_of
from tests.readers.waiting import read_next

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("read_table"),
]

LOGS = [ACTIVITIES, AGREEMENTS, MERGES, TOUCHED]


def test_merges_are_read_in_the_order_in_which_they_were_done():
    reader = keeper(MERGES)
    one, two, three = (make_contact() for _ in range(3))
    reason = ContactMerge.Reason.MARKETER
    asked_first = request_merge(survivor=one, loser=two, reason=reason)
    asked_second = request_merge(survivor=one, loser=three, reason=reason)
    read_next(reader)
    assert ids_read(MERGES) == []

    carry_out_merges([asked_second.pk])
    read_next(reader)
    carry_out_merges([asked_first.pk])
    read_next(reader)

    assert ids_read(MERGES) == [asked_second.pk, asked_first.pk]


def test_a_done_merge_keeps_its_place():
    one, two = make_contact(), make_contact()
    merge = request_merge(survivor=one, loser=two, reason=ContactMerge.Reason.MARKETER)
    carry_out_merges([merge.pk])
    places = ContactMerge.objects.values_list("recorded_in", "done_as")
    before = places.get()

    merge.status = ContactMerge.Status.DONE
    merge.finished_at = timezone.now()
    merge.save()

    assert places.get() == before
    assert None not in before


def test_agreements_are_read():
    consent, contact = make_consent(), make_contact()
    record_agreement(contact, consent, agreed=True)
    read_next(keeper(AGREEMENTS))
    record_agreement(contact, consent, agreed=False)
    read_next(keeper(AGREEMENTS))

    assert ids_read(AGREEMENTS) == pks_of(ConsentAgreement)
    assert len(ids_read(AGREEMENTS)) == 2


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_every_log_has_what_readers_need(log: Log):
    """A number from a sequence, and an index in the order in which it is read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [log.table, log.number])
        assert cursor.fetchone()[0]
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", [log.table])
        assert any(f"(recorded_in, {log.number})" in definition for (definition,) in cursor)


def test_the_next_rows_of_a_long_log_are_found_by_the_index():
    contact, channel = make_contact(), make_channel()
    make_activity(contact, channel=channel)
    reader = Reader("keeper", {ACTIVITIES: lambda ids: None})
    read_next(reader)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO activities_activity (type_id, contact_id, channel_id, title, value, url,"
            " referrer, occurred_at, recorded_at, logged_as, request_id)"
            " SELECT type_id, contact_id, channel_id, title, value, url, referrer, occurred_at,"
            " recorded_at, logged_as, request_id FROM activities_activity,"
            " generate_series(1, 50000)"
        )
        cursor.execute("ANALYZE activities_activity")
    while read_next(reader):
        pass
    make_activity(contact, channel=channel)

    with connection.execute_wrapper(explain):
        read_next(reader)


def explain(execute, sql, params, many, context):
    if "ORDER BY recorded_in" in sql:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
            plan = "\n".join(line for (line,) in cursor)
        assert "Scan using activities_as_readers_read" in plan
        assert "Filter" not in plan
    return execute(sql, params, many, context)


def test_nothing_is_bound_to_an_activity_by_the_database():
    """So the log can be cut into months."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text FROM pg_constraint"
            " WHERE contype = 'f' AND confrelid = 'activities_activity'::regclass"
        )
        assert cursor.fetchall() == []
