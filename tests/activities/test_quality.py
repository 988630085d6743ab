"""Quality: every activity of a channel counts once, by what became of it."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from activities.drafts import Draft
from activities.erasing import erase_contact
from activities.inspector import keep_refused_request
from activities.models import EventCount, RecordedCount, RejectedActivity
from activities.problems import InvalidActivity, Status
from activities.quality import Quality, count_events, forget_old_counts, quality_of
from activities.recording import Source, record_activities
from activities.seen import SEEN
from tests.factories import make_channel, make_contact
from tests.readers.waiting import catch_up, read_next
from tests.threads import run_at_once


def click(**fields):
    return Draft(type="click", value="Buy", **fields)


def record(*drafts, channel, contact=None):
    source = Source(door="test", channel=channel, request_id=uuid4())
    record_activities(drafts, contact_guid=(contact or make_contact()).guid, source=source)


def counts_of(channel):
    since = timezone.now() - timedelta(hours=1)
    return dict(quality_of([channel.pk], since)[channel.pk].counts)


@pytest.mark.django_db
def test_activities_count_by_what_became_of_them():
    channel = make_channel()
    remark = InvalidActivity("late", "", "It is late.")

    record(click(), click(), click(remarks=(remark,)), Draft(type="nonsense"), channel=channel)
    record(click(), channel=make_channel())

    assert counts_of(channel) == {
        Status.VALID: 2,
        Status.INVALID_ACCEPTED: 1,
        Status.INVALID_REJECTED: 1,
    }


@pytest.mark.django_db
def test_repeats_count_once():
    channel, client_id = make_channel(), uuid4()

    for _ in range(3):
        record(click(client_id=client_id), channel=channel)

    assert counts_of(channel) == {Status.VALID: 1}


@pytest.mark.django_db
def test_refused_requests_count_unless_a_stranger_sent_them():
    channel = make_channel()
    problem = InvalidActivity("no_identity", "user", "Nobody.")
    keep = partial(
        keep_refused_request,
        problem,
        door="test",
        request_id=uuid4(),
        payload=b"",
        payload_length=0,
        channel=channel,
    )

    keep()
    keep(is_stranger=True)

    assert counts_of(channel) == {Status.INVALID_REJECTED: 1}
    assert RejectedActivity.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_counting_at_once_loses_nothing_and_locks_nobody_out():
    channel, contact = make_channel(), make_contact()
    drafts = [click(), Draft(type="nonsense"), click(remarks=(InvalidActivity("x", "", "x"),))]

    run_at_once(*[partial(record, *drafts, channel=channel, contact=contact)] * 24)

    assert counts_of(channel) == {
        Status.VALID: 24,
        Status.INVALID_ACCEPTED: 24,
        Status.INVALID_REJECTED: 24,
    }


@pytest.mark.django_db
def test_only_what_came_since_then_counts():
    channel, now = make_channel(), timezone.now()
    count_events({(channel.pk, Status.VALID): 5}, now - timedelta(days=2))
    count_events({(channel.pk, Status.VALID): 7}, now)

    quality = quality_of([channel.pk], now - timedelta(days=1))

    assert quality[channel.pk].counts == {Status.VALID: 7}


@pytest.mark.django_db
def test_quality_of_many_channels_is_three_queries(django_assert_num_queries):
    channels = [make_channel().pk for _ in range(5)]

    with django_assert_num_queries(3):
        assert list(quality_of(channels, timezone.now())) == channels


@pytest.mark.parametrize(
    ("valid", "accepted", "rejected", "figure", "weather"),
    [
        (0, 0, 0, None, ""),
        (10, 0, 0, 100.0, "sunny"),
        (99_999, 1, 0, 99.99, "cloudy"),
        (95, 5, 0, 95.0, "cloudy"),
        (9_499, 0, 501, 94.99, "rainy"),
        (90, 0, 10, 90.0, "rainy"),
        (899, 1, 100, 89.9, "stormy"),
        (0, 0, 1, 0.0, "stormy"),
    ],
)
def test_weather_follows_the_figure(valid, accepted, rejected, figure, weather):
    quality = Quality(
        {
            Status.VALID: valid,
            Status.INVALID_ACCEPTED: accepted,
            Status.INVALID_REJECTED: rejected,
            Status.FILTERED: 1_000,
        }
    )

    assert (quality.figure, quality.weather) == (figure, weather)


def test_failures_count_against_the_quality():
    assert Quality({Status.VALID: 9, Status.FAILED: 1}).figure == 90.0


@pytest.mark.django_db(transaction=True)
def test_what_was_recorded_counts_the_same_before_and_after_it_was_read():
    channel = make_channel()
    remark = InvalidActivity("late", "", "It is late.")
    record(click(), click(), click(remarks=(remark,)), channel=channel)
    expected = {Status.VALID: 2, Status.INVALID_ACCEPTED: 1}
    assert counts_of(channel) == expected
    read_next(SEEN, 1)
    assert counts_of(channel) == expected

    catch_up()

    assert counts_of(channel) == expected
    assert RecordedCount.objects.get().count == 3


@pytest.mark.django_db(transaction=True)
def test_erasing_does_not_change_what_was_recorded():
    """Or the remarks on what is erased would weigh more than they did."""
    channel, contact = make_channel(), make_contact()
    record(click(), channel=channel, contact=contact)
    catch_up()

    erase_contact(contact.pk)

    assert counts_of(channel) == {Status.VALID: 1}


@pytest.mark.django_db
def test_old_counts_are_forgotten_with_the_rejections(settings):
    settings.REJECTED_KEPT_DAYS = 30
    channel, now = make_channel(), timezone.now()
    count_events({(channel.pk, Status.VALID): 1}, now - timedelta(days=31))
    count_events({(channel.pk, Status.VALID): 1}, now - timedelta(days=29))
    for days in (31, 29):
        hour = now - timedelta(days=days)
        RecordedCount.objects.create(channel=channel, hour=hour, count=1)

    forget_old_counts()

    assert EventCount.objects.count() == 1
    assert RecordedCount.objects.count() == 1


@pytest.mark.django_db
def test_marked_tests_are_in_the_inspector_also_if_they_are_valid():
    channel = make_channel()

    record(click(test_code="mine", payload=b"{}"), click(), channel=channel)

    (row,) = RejectedActivity.objects.all()
    assert (row.status, row.code, row.test_code) == (Status.VALID, "recorded", "mine")


@pytest.mark.django_db
def test_connections_count_in_rows_of_their_own():
    channel = make_channel()
    count_events({(channel.pk, Status.VALID): 1}, timezone.now())

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() % 16")
        (slot,) = cursor.fetchone()
    assert EventCount.objects.get().slot == slot


@pytest.mark.django_db
def test_failure_to_count_is_an_error_as_django_has_it():
    channel = make_channel()

    with pytest.raises(DatabaseError), transaction.atomic():
        count_events({(channel.pk, "longer than any status may be"): 1}, timezone.now())
