"""Limits count within pieces of time, whichever cache there is."""

import time

import pytest
from django.core.cache import caches

from web import limits
from web.limits import is_within

CACHES = {
    "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "limits"},
    "files": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"},
}


@pytest.fixture(params=["memory", "files"])
def cache(request, settings, tmp_path, monkeypatch):
    location = {"LOCATION": str(tmp_path)} if request.param == "files" else {}
    settings.CACHES = {"default": {**CACHES[request.param], **location}}
    cache = caches["default"]
    cache.clear()
    monkeypatch.setattr(limits, "cache", cache)
    return cache


def test_so_many_are_within_the_limit_and_no_more(cache):
    assert [is_within(3, seconds=3600, bucket="x") for _ in range(5)] == [True] * 3 + [False] * 2
    assert is_within(3, seconds=3600, bucket="y")


def test_next_piece_of_time_counts_anew(cache, monkeypatch):
    now = time.time()
    monkeypatch.setattr(limits.time, "time", lambda: now)
    assert not is_within(0, seconds=60, bucket="x")
    assert is_within(1, seconds=60, bucket="y")
    assert not is_within(1, seconds=60, bucket="y")

    monkeypatch.setattr(limits.time, "time", lambda: now + 60)
    assert is_within(1, seconds=60, bucket="y")


def test_count_is_kept_as_long_as_its_piece_of_time(cache, monkeypatch):
    kept_for = {}
    touch = cache.touch
    monkeypatch.setattr(
        cache, "touch", lambda key, timeout: kept_for.update({key: timeout}) or touch(key, timeout)
    )

    is_within(3, seconds=3600, bucket="x")

    assert list(kept_for.values()) == [3600]
