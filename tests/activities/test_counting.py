from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from activities.counting import count_by_hour
from activities.erasing import erase_contact
from activities.models import ActivityCount, ActivityType
from activities.seen import SEEN
from tests.factories import make_activity, make_contact
from tests.readers.waiting import read_next

pytestmark = pytest.mark.django_db

# What is committed can be read, and nothing else.
committed = pytest.mark.django_db(transaction=True)

NOW = timezone.now().replace(minute=30, second=0, microsecond=0)


def ago(**time):
    return NOW - timedelta(**time)


def hour_of(at):
    return timezone.localtime(at).replace(minute=0)


def counted(since, until=NOW):
    """The counts of page visits by hour."""
    visit = ActivityType.objects.get(code_name="pagevisit").pk
    counts = Counter()
    for hour, type_id, number in count_by_hour(since, until):
        assert type_id == visit
        counts[hour] += number
    return dict(counts)


def test_what_was_not_read_yet_is_counted():
    make_activity(occurred_at=ago(hours=3))
    make_activity(occurred_at=ago(hours=3, minutes=1))
    make_activity(occurred_at=NOW)
    make_activity(occurred_at=NOW + timedelta(minutes=1))

    assert counted(ago(days=1)) == {hour_of(ago(hours=3)): 2, hour_of(NOW): 1}


@committed
def test_what_was_read_is_counted_beforehand(django_assert_num_queries):
    contact = make_contact()
    for at in (ago(hours=3), ago(hours=3, minutes=20), ago(hours=1), ago(days=40)):
        make_activity(contact, occurred_at=at)
    read_next(SEEN)
    make_activity(contact, occurred_at=NOW)

    with django_assert_num_queries(3):
        found = count_by_hour(ago(days=1), NOW)

    assert sum(one.number for one in found) == 4
    assert counted(ago(days=1)) == {
        hour_of(ago(hours=3)): 2,
        hour_of(ago(hours=1)): 1,
        hour_of(NOW): 1,
    }
    # Three quarters of an hour; what happened before the days that are counted is in none.
    assert sorted(ActivityCount.objects.values_list("quarter", "count")) == [
        (ago(hours=3, minutes=30), 1),
        (ago(hours=3), 1),
        (ago(hours=1), 1),
    ]


@committed
def test_reading_step_by_step_changes_no_count():
    contact = make_contact()
    for hours in (1, 2, 3, 2, 1):
        make_activity(contact, occurred_at=ago(hours=hours))
    before = counted(ago(days=1))

    while read_next(SEEN, 2):
        assert counted(ago(days=1)) == before

    assert counted(ago(days=1)) == before
    assert sum(before.values()) == 5


@committed
def test_what_is_older_than_the_counted_days_is_forgotten():
    make_activity(occurred_at=ago(hours=1))
    read_next(SEEN)
    ActivityCount.objects.update(quarter=ago(days=32))
    make_activity(occurred_at=ago(hours=2))

    read_next(SEEN)

    assert list(ActivityCount.objects.values_list("quarter", "count")) == [(ago(hours=2), 1)]


def test_counts_begin_with_an_hour():
    make_activity(occurred_at=ago(hours=2, minutes=20))
    make_activity(occurred_at=ago(hours=3))

    assert counted(ago(hours=2)) == {hour_of(ago(hours=2, minutes=20)): 1}


@committed
def test_an_hour_belongs_to_a_day_of_the_hubs_time_zone():
    with timezone.override("Asia/Kolkata"):
        make_activity(occurred_at=ago(hours=30))
        read_next(SEEN)

        ((hour, _, _),) = count_by_hour(ago(days=2), NOW)
        assert hour.minute == 0
        assert hour.utcoffset() == timedelta(hours=5, minutes=30)
        assert timedelta(0) <= ago(hours=30) - hour < timedelta(hours=1)


@committed
def test_erasing_takes_what_was_read_out_of_the_counts():
    erased, other = make_contact(), make_contact()
    for contact in (erased, erased, other):
        make_activity(contact, occurred_at=ago(hours=1))
    make_activity(erased, occurred_at=ago(hours=5))
    read_next(SEEN)
    make_activity(erased, occurred_at=ago(hours=1))  # was not counted, and is never

    erase_contact(erased.pk)

    assert counted(ago(days=1)) == {hour_of(ago(hours=1)): 1}
    read_next(SEEN)
    assert counted(ago(days=1)) == {hour_of(ago(hours=1)): 1}
