from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from activities.counting import count_by_hour, recount_activities
from activities.models import Activity, ActivityCount, ActivityType
from tests.factories import make_activity, make_contact

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(minute=30, second=0, microsecond=0)


def ago(**time):
    return NOW - timedelta(**time)


def hour_of(at):
    return timezone.localtime(at).replace(minute=0)


@pytest.fixture
def long_log(monkeypatch):
    monkeypatch.setattr("activities.counting._FEW", -2)


def counted(since, until=NOW):
    """The counts of page visits by hour."""
    visit = ActivityType.objects.get(code_name="pagevisit").pk
    counts = Counter()
    for hour, type_id, number in count_by_hour(since, until):
        assert type_id == visit
        counts[hour] += number
    return dict(counts)


def test_a_short_log_is_counted_as_of_now():
    make_activity(occurred_at=ago(hours=3))

    assert recount_activities(NOW) == 0

    make_activity(occurred_at=ago(hours=3, minutes=1))
    make_activity(occurred_at=NOW)
    make_activity(occurred_at=NOW + timedelta(minutes=1))
    assert counted(ago(days=1)) == {hour_of(ago(hours=3)): 2, hour_of(NOW): 1}


def test_a_long_log_has_its_hours_counted_beforehand(long_log, django_assert_num_queries):
    contact = make_contact()
    for at in (ago(hours=3), ago(hours=3, minutes=1), ago(hours=1), ago(days=40)):
        make_activity(contact, occurred_at=at)

    assert recount_activities(NOW) == 2

    # What was counted is not read again, and what came after it is.
    Activity.objects.filter(occurred_at=ago(hours=3)).delete()
    make_activity(contact, occurred_at=NOW)
    with django_assert_num_queries(2):
        found = count_by_hour(ago(days=1), NOW)
    assert sum(one.number for one in found) == 4
    assert counted(ago(days=1)) == {
        hour_of(ago(hours=3)): 2,
        hour_of(ago(hours=1)): 1,
        hour_of(NOW): 1,
    }


def test_hours_are_counted_anew_with_what_arrived_late(long_log):
    make_activity(occurred_at=ago(hours=2))
    recount_activities(NOW)
    make_activity(occurred_at=ago(hours=5))

    recount_activities(NOW)

    assert counted(ago(days=1)) == {hour_of(ago(hours=2)): 1, hour_of(ago(hours=5)): 1}


def test_the_hour_that_is_not_over_is_not_counted_beforehand(long_log):
    make_activity(occurred_at=NOW)

    recount_activities(NOW)

    assert not ActivityCount.objects.exists()


def test_counts_begin_with_an_hour(long_log):
    for at in (ago(hours=2, minutes=20), ago(hours=3)):
        make_activity(occurred_at=at)
    recount_activities(NOW)

    assert counted(ago(hours=2)) == {hour_of(ago(hours=2, minutes=20)): 1}


def test_an_hour_belongs_to_a_day_of_the_hubs_time_zone(long_log):
    with timezone.override("Asia/Kolkata"):
        make_activity(occurred_at=ago(hours=30))

        recount_activities(NOW)

        ((hour, _, _),) = count_by_hour(ago(days=2), NOW)
        assert hour.minute == 0
        assert hour.utcoffset() == timedelta(hours=5, minutes=30)
        assert timedelta(0) <= ago(hours=30) - hour < timedelta(hours=1)
