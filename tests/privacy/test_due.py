"""By when a request is due, by the calendar; in Python and in the database alike."""

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone

from privacy.models import PersonRequest
from privacy.requests import due
from privacy.requests.due import due_after, left_in_words, urgency_of
from tests.factories import make_contact

DAYS = [
    (date(2026, 3, 5), 0, date(2026, 4, 5)),
    (date(2027, 1, 31), 0, date(2027, 2, 28)),
    (date(2028, 1, 31), 0, date(2028, 2, 29)),
    (date(2027, 1, 28), 0, date(2027, 2, 28)),
    (date(2026, 8, 31), 0, date(2026, 9, 30)),
    (date(2026, 12, 31), 0, date(2027, 1, 31)),
    (date(2026, 11, 30), 0, date(2026, 12, 30)),
    # The months are counted from the receipt, and not from a day that was moved.
    (date(2027, 1, 31), 1, date(2027, 3, 31)),
    (date(2026, 11, 30), 2, date(2027, 2, 28)),
    (date(2026, 12, 31), 2, date(2027, 3, 31)),
]


@pytest.mark.parametrize(("received", "months", "expected"), DAYS)
def test_a_month_ends_on_the_date_of_the_receipt_or_the_last_day(received, months, expected):
    assert due_after(received, months) == expected


@pytest.mark.django_db
def test_the_database_counts_the_same_days():
    for received, months, expected in DAYS:
        request = PersonRequest.objects.create(
            kind="access",
            way="email",
            contact=make_contact(),
            received_on=received,
            extended_months=months,
            extension_ground="complex" if months else "",
            told_on=received if months else None,
        )
        assert request.due_on == expected


@pytest.mark.parametrize(
    ("day", "words", "urgency"),
    [
        (date(2026, 11, 27), "3 days overdue", "bad"),
        (date(2026, 11, 29), "1 day overdue", "bad"),
        (date(2026, 11, 30), "Due today", "bad"),
        (date(2026, 12, 1), "Due tomorrow", "warning"),
        (date(2026, 12, 7), "7 days left", "warning"),
        (date(2026, 12, 8), "8 days left", "neutral"),
    ],
)
def test_what_is_left_is_said_in_days(monkeypatch, day, words, urgency):
    monkeypatch.setattr(due, "today", lambda: date(2026, 11, 30))

    assert (left_in_words(day), urgency_of(day)) == (words, urgency)


def test_days_are_those_of_the_hub_and_not_of_the_user(monkeypatch, settings):
    settings.TIME_ZONE = "Europe/Vienna"
    timezone.get_default_timezone.cache_clear()
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    try:
        with timezone.override("America/New_York"):
            assert due.today() == date(2026, 12, 1)
    finally:
        timezone.get_default_timezone.cache_clear()
