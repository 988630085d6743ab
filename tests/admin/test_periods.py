from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import RequestFactory
from django.utils import timezone

from adminsite.periods import BadPeriod, Span, period_of, problem_of, read_period

NOW = datetime(2026, 5, 6, 9, 14, 30, tzinfo=UTC)


def at(day, hour=0, minute=0, second=0, month=5):
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "since", "until", "before"),
    [
        ("today", at(6), NOW, Span(at(5), at(5, 9, 14, 30))),
        ("yesterday", at(5), at(6), Span(at(4), at(5))),
        ("7", at(30, month=4), NOW, Span(at(23, month=4), at(29, 9, 14, 30, month=4))),
        ("2026-05-01..2026-05-02", at(1), at(3), Span(at(29, month=4), at(1))),
        ("2026-05-05..2026-05-06", at(5), NOW, Span(at(3), at(4, 9, 14, 30))),
        ("2026-05-05..2026-05-31", at(5), NOW, Span(at(3), at(4, 9, 14, 30))),
        ("2026-05-01", at(1), at(2), Span(at(30, month=4), at(1))),
        ("2026-05-05T07:00Z", at(5, 7), at(5, 8), Span(at(4), at(5, 7))),
    ],
)
def test_a_period_is_compared_with_as_many_days_before(key, since, until, before):
    period = read_period(key, NOW)

    assert (period.since, period.until, period.before) == (since, until, before)


@pytest.mark.parametrize(
    "key",
    [
        "", "8", "\u0667", "2026-02-30", "2026-13-01", "yesterday..today", "2026-05-03..2026-05-01",
        "2026-05-07", "0001-01-01", "2025-01-01..2026-01-01", "2026-05-05T07:00", "T", "\0", "..",
        "9999-12-31", "2026-05-05T99:00Z",
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused(key):
    with pytest.raises(BadPeriod):
        read_period(key, NOW)


def test_a_request_for_what_is_no_period_is_about_today_and_says_what_is_wrong():
    request = RequestFactory().get("/", {"from": "2026-05-03", "to": "2026-05-01"})

    assert period_of(request).key == "today"
    assert "other way round" in problem_of(request)


def test_days_are_those_of_the_time_zone_of_the_user():
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        period = read_period("today", NOW)
        before = period.before_name

    assert period.since == at(5, 18, 30)
    assert period.name == "Today until 14:44"
    assert before.endswith(", up to 14:44")


def test_a_day_has_as_many_hours_as_the_clock_has():
    with timezone.override(ZoneInfo("Europe/Berlin")):
        spring = read_period("2026-03-29", NOW)
        assert [bucket.name for bucket in spring.buckets][1:4] == [
            "1:00 to 3:00",
            "3:00 to 4:00",
            "4:00 to 5:00",
        ]
        assert len(spring.buckets) == 23
        assert spring.before == Span(
            datetime(2026, 3, 27, 23, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)
        )


def test_some_days_are_shown_by_the_day():
    names = [bucket.name for bucket in read_period("7", NOW).buckets]

    assert names[0] == "30 Apr"
    assert len(names) == 7
    assert names[-1] == "6 May"


def test_a_list_gets_the_whole_last_minute():
    assert read_period("2026-05-01", NOW).query("at") == (
        "at_from_0=2026-05-01&at_from_1=00:00&at_to_0=2026-05-01&at_to_1=23:59"
    )
    assert read_period("today", NOW).query("at").endswith("at_to_0=2026-05-06&at_to_1=09:14")
