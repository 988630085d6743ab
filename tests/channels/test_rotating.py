"""Rotating API keys: both are valid for a time, and the hub remembers from where they are used."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from channels.keys import CannotRotate, note_use, rotate_api_key
from channels.models import ApiKey
from tests.channels.keys import find_api_key
from tests.factories import make_channel, make_key
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db


def in_days(days):
    return timezone.now() + timedelta(days=days)


def test_both_keys_are_valid_until_the_old_one_ends():
    channel = make_channel()
    key, text = make_key(channel, access="groups")

    new, new_text = rotate_api_key(key, name="iOS app", ends_at=in_days(14))

    assert (new.channel, new.access, new.name) == (channel, "groups", "iOS app")
    assert find_api_key(text, access="groups") == key
    assert find_api_key(new_text, access="groups") == new
    ApiKey.objects.filter(pk=key.pk).update(expires_at=in_days(-1))
    assert ApiKey.objects.get(pk=key.pk).opens("groups") is False


def test_a_key_that_ends_run_at_once_is_refused():
    key, text = make_key()

    rotate_api_key(key, name="New", ends_at=timezone.now())

    assert find_api_key(text, access="tracking") is None


def test_a_key_does_not_live_longer_because_it_is_rotated():
    soon = in_days(1)
    key, _ = make_key(expires_at=soon)

    rotate_api_key(key, name="New", ends_at=in_days(14))

    assert ApiKey.objects.get(pk=key.pk).expires_at == soon


@pytest.mark.parametrize("fields", [{"enabled": False}, {"expires_at": in_days(-1)}])
def test_a_key_that_opens_nothing_is_not_rotated(fields):
    key, _ = make_key(**fields)

    with pytest.raises(CannotRotate):
        rotate_api_key(key, name="New", ends_at=in_days(1))

    assert ApiKey.objects.count() == 1


def test_a_key_is_rotated_once():
    key, _ = make_key()
    rotate_api_key(key, name="New", ends_at=in_days(1))

    with pytest.raises(CannotRotate):
        rotate_api_key(key, name="Newer", ends_at=in_days(1))

    assert ApiKey.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_users_who_rotate_a_key_run_at_once_one_does():
    key, _ = make_key()

    def rotate():
        try:
            rotate_api_key(key, name="New", ends_at=in_days(1))
        except CannotRotate:
            return False
        return True

    assert sorted(run_at_once(rotate, rotate)) == [False, True]
    assert ApiKey.objects.count() == 2


def test_a_replaced_key_ends_and_replaces_another():
    key, _ = make_key()
    for fields in ({"replaced_by": make_key()[0]}, {"replaced_by": key, "expires_at": in_days(1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.filter(pk=key.pk).update(**fields)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2a00:1450:4001:82b::200e", "2a00:1450:4001::/48"),
        ("10.0.5.7", "10.0.5.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("no address", ""),
    ],
)
def test_of_an_address_on_the_internet_the_network_is_kept(address, kept, monkeypatch):
    key, _ = make_key()

    note_use(key, address=address, origin="https://app.example.com")

    key.refresh_from_db()
    assert key.last_used_address == kept
    assert key.last_used_origin == "https://app.example.com"


def test_where_from_is_written_with_the_time_and_once_a_minute(django_assert_num_queries):
    key, _ = make_key()
    note_use(key, address="10.0.0.1")

    with django_assert_num_queries(0):
        note_use(key, address="10.0.0.2", origin="https://other.example.com")

    key.refresh_from_db()
    assert (key.last_used_address, key.last_used_origin) == ("10.0.0.1", "")


def test_what_a_caller_sends_as_its_origin_is_cut():
    key, _ = make_key()

    note_use(key, origin="\0" + "x" * 1000)

    key.refresh_from_db()
    assert key.last_used_origin == "x" * 255


@pytest.mark.parametrize(
    ("ends", "used", "enabled", "is_urgent"),
    [
        (timedelta(days=2), timedelta(hours=1), True, True),
        (timedelta(days=10), timedelta(hours=1), True, False),
        (timedelta(days=2), timedelta(days=2), True, False),
        (timedelta(days=2), None, True, False),
        (timedelta(days=2), timedelta(hours=1), False, False),
        (timedelta(seconds=-1), timedelta(hours=1), True, False),
    ],
)
def test_a_rotated_key_that_is_used_shortly_before_its_end_is_told_of(
    ends, used, enabled, is_urgent
):
    now = timezone.now()
    key, _ = make_key()
    rotate_api_key(key, name="New", ends_at=now + ends)
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=used and now - used, enabled=enabled)

    key.refresh_from_db()

    assert key.ends_in_use is is_urgent
    assert ApiKey.objects.ending_in_use().exists() is is_urgent


def test_a_key_that_was_not_rotated_is_told_of_as_well():
    key, _ = make_key()
    now = timezone.now()
    ApiKey.objects.filter(pk=key.pk).update(expires_at=now + timedelta(days=1), last_used_at=now)

    key.refresh_from_db()

    assert key.ends_in_use
    assert ApiKey.objects.ending_in_use().get() == key
