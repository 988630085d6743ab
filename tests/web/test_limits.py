"""Limits count within pieces of time, and for all processes together."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from web import limits
from web.limits import forget_old_counts, is_within
from web.models import LimitCount


@pytest.mark.django_db
def test_so_many_are_within_the_limit_and_no_more():
    assert [is_within(3, seconds=3600, bucket="x") for _ in range(5)] == [True] * 3 + [False] * 2
    assert is_within(3, seconds=3600, bucket="y")


@pytest.mark.django_db
def test_next_piece_of_time_counts_anew(monkeypatch):
    now = time.time()
    monkeypatch.setattr(limits.time, "time", lambda: now)
    assert not is_within(0, seconds=60, bucket="x")
    assert is_within(1, seconds=60, bucket="y")
    assert not is_within(1, seconds=60, bucket="y")

    monkeypatch.setattr(limits.time, "time", lambda: now + 60)
    assert is_within(1, seconds=60, bucket="y")


@pytest.mark.django_db(transaction=True)
def test_those_who_come_at_once_do_not_pass_the_limit():
    def ask_often(_):
        try:
            return sum(is_within(300, seconds=3600, bucket="crowd") for _ in range(50))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(ask_often, range(12))) == 300


@pytest.mark.django_db
def test_counts_are_kept_as_long_as_their_piece_of_time(monkeypatch):
    is_within(3, seconds=3600, bucket="now")
    now = time.time()
    monkeypatch.setattr(limits.time, "time", lambda: now - 3600)
    is_within(3, seconds=3600, bucket="before")
    monkeypatch.undo()

    forget_old_counts()

    assert LimitCount.objects.count() == 1
    assert is_within(2, seconds=3600, bucket="now")
    assert not is_within(2, seconds=3600, bucket="now")


@pytest.mark.django_db
def test_who_is_counted_cannot_be_read_in_the_table():
    is_within(3, seconds=3600, bucket="192.0.2.1")
    is_within(3, seconds=3600, bucket="192.0.2.2")

    assert LimitCount.objects.count() == 2
    assert "192.0.2" not in str(list(LimitCount.objects.values()))


@pytest.mark.django_db
def test_counting_does_not_wait_for_the_disk():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'web_limitcount'")

        assert cursor.fetchone() == ("u",)
