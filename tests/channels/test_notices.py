"""Users are told by email of keys that end soon while a sender still uses them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.utils import timezone

from channels.keys import rotate_api_key
from channels.models import ApiKey
from channels.notices import tell_of_ending_keys
from jobs.declaring import periodic
from tests.factories import make_channel, make_key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def developer():
    user = User.objects.create(username="dev", email="dev@example.com", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_apikey"))
    # Without the right, or without the admin, nobody is told.
    User.objects.create(username="other", email="other@example.com", is_staff=True)
    User.objects.create(username="root", email="root@example.com", is_superuser=True)
    return user


def make_used_key(name="Shop", **fields):
    key, _ = make_key(make_channel(name="Website"), name=name)
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now(), **fields)
    key.refresh_from_db()
    return key


def in_days(days):
    return timezone.now() + timedelta(days=days)


def test_who_may_change_a_key_that_ends_in_use_is_told_once():
    key = make_used_key("Our\nshop", expires_at=in_days(2))

    tell_of_ending_keys()
    tell_of_ending_keys()

    (message,) = mail.outbox
    assert message.to == ["dev@example.com"]
    assert message.subject == "The API key “Our shop” ends soon and is still used"
    assert "of the channel “Website” ends on" in message.body
    assert "Rotate the key and give the sender the new one" in message.body
    assert f"/admin/channels/apikey/{key.pk}/change/" in message.body


def test_of_a_rotated_key_it_says_which_one_the_sender_needs():
    key = make_used_key()
    rotate_api_key(key, name="Shop, version 2", ends_at=in_days(1))

    tell_of_ending_keys()

    assert "Give the sender the key that has replaced it, “Shop, version 2”" in mail.outbox[0].body


def test_who_moves_the_end_is_told_again_before_it():
    key = make_used_key(expires_at=in_days(1))
    tell_of_ending_keys()
    ApiKey.objects.filter(pk=key.pk).update(expires_at=in_days(10))
    tell_of_ending_keys()
    assert len(mail.outbox) == 1

    ApiKey.objects.filter(pk=key.pk).update(expires_at=in_days(3) - timedelta(minutes=1))
    tell_of_ending_keys()

    assert len(mail.outbox) == 2


def test_keys_that_nobody_uses_or_that_do_not_end_are_not_told_of():
    make_used_key()
    unused = make_used_key(expires_at=in_days(1))
    ApiKey.objects.filter(pk=unused.pk).update(last_used_at=in_days(-2))

    tell_of_ending_keys()

    assert mail.outbox == []


def test_a_notice_that_the_mail_server_does_not_take_is_sent_later(monkeypatch):
    make_used_key(expires_at=in_days(1))

    def refuse(backend, messages):
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        with pytest.raises(ConnectionRefusedError):
            tell_of_ending_keys()
    periodic["tell of keys that end"].do()

    assert len(mail.outbox) == 1
