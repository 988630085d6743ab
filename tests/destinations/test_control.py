"""Pausing, resuming, and sending again; and what users are told of a pause by the hub."""

from datetime import timedelta
from smtplib import SMTPDataError

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from destinations import control
from destinations.control import pause, resume, send_again, send_again_since
from destinations.marking import DRY
from destinations.models import Destination, Queue
from destinations.notices import tell_of_pauses
from tests.automations.mailbox import HANGS_UP, mailbox
from tests.destinations.delivering import (
    deliver,
    id_of,
    ids_of,
    make_deliveries,
    make_delivery,
    make_destination,
    pass_time,
    statuses,
)
from tests.destinations.receiver import receiver, says, taken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]
__all__ = ["mailbox"]  # a fixture
PausedBy = Destination.PausedBy


def test_while_it_is_paused_everything_waits_and_nothing_is_tried():
    with receiver() as crm:
        destination = make_destination(crm.url)
        assert pause(destination)
        assert not pause(destination)
        made = make_deliveries(destination, 3)
        deliver()
        assert (crm.got, destination.paused_by) == ([], PausedBy.USER)
        assert statuses(destination) == ["waiting"] * 3

        assert resume(destination) == 3
        deliver()

    assert sorted(crm.ids) == sorted(ids_of(made))
    destination.refresh_from_db()
    assert (destination.paused_at, destination.paused_by) == (None, "")


def test_resuming_tries_at_once_what_waited_for_its_next_attempt():
    with receiver(says(500)) as crm:
        destination = make_destination(crm.url)
        make_deliveries(destination, 10)
        for _ in range(4):
            deliver()
            pass_time(minutes=5)
        crm.answers = taken
        pause(destination)
        resume(destination)
        queue = Queue.objects.get()
        assert (queue.failures, queue.failing_since, queue.rests_until) == (0, None, None)
        deliver()

    assert statuses(destination) == ["delivered"] * 10


def test_resuming_leaves_alone_what_is_due_and_locks_the_rest_in_the_order_of_workers():
    destination, now = make_destination(), timezone.now()
    due = make_delivery(destination, due_at=now - timedelta(hours=1))
    later = make_delivery(destination, due_at=now + timedelta(hours=1))
    with CaptureQueriesContext(connection) as asked:
        assert resume(destination) == 2

    (locked,) = [one["sql"] for one in asked if "FOR NO KEY UPDATE" in one["sql"]]
    assert locked.endswith("ORDER BY 1 ASC FOR NO KEY UPDATE")
    due_at = due.due_at
    due.refresh_from_db()
    later.refresh_from_db()
    assert due.due_at == due_at
    assert now <= later.due_at <= timezone.now()


@pytest.mark.parametrize("status", ["delivered", "failed", "skipped"])
def test_a_delivery_is_sent_again_under_the_same_id(status):
    with receiver() as crm:
        destination = make_destination(crm.url)
        delivery = make_delivery(
            destination, status=status, reason="x", attempts=10, delivered_at=timezone.now()
        )
        deliver()
        assert crm.got == []
        assert send_again([delivery.pk]) == 1
        deliver()

    assert crm.ids == [id_of(delivery)]
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.reason) == ("delivered", 1, "")


def test_without_a_payload_nothing_is_sent_again():
    delivery = make_delivery(make_destination(), status="skipped", reason="x", payload=None)

    assert send_again([delivery.pk]) == 0
    assert statuses(delivery.destination) == ["skipped"]


def test_everything_since_a_time_is_sent_again_in_its_order(settings):
    settings.DELIVERY_SLOTS = 1
    now = timezone.now()
    with receiver() as crm:
        destination, other = make_destination(crm.url), make_destination(crm.url)
        done = {"status": "delivered", "delivered_at": now, "attempts": 1}
        make_delivery(destination, **done, created_at=now - timedelta(hours=3))
        make_delivery(destination, **done, kind="test")
        make_delivery(other, **done)
        make_delivery(destination, status="skipped", reason=DRY)
        made = [
            make_delivery(destination, **done),
            make_delivery(destination, status="failed", reason="x"),
        ]
        assert send_again_since(destination, now - timedelta(hours=2)) == 2
        deliver()

    assert crm.ids == ids_of(made)


def test_many_are_sent_again_in_portions(monkeypatch):
    monkeypatch.setattr(control, "_PORTION", 2)
    destination = make_destination()
    make_deliveries(destination, 5, status="failed", reason="x", attempts=3)

    assert send_again_since(destination, timezone.now() - timedelta(hours=1)) == 5

    assert statuses(destination) == ["waiting"] * 5
    assert set(destination.deliveries.values_list("attempts", "reason")) == {(0, "")}


def test_what_waits_is_counted_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(control, "COUNTED", 2)
    destination = make_destination()
    make_deliveries(destination, 5)
    pause(destination)

    assert resume(destination) == 3


def test_users_who_can_resume_it_are_told_once_of_a_destination_that_is_gone(django_user_model):
    make_user(django_user_model, "dev", "change_destination")
    make_user(django_user_model, "reader", "view_destination")
    make_user(django_user_model, "nobody", "change_destination", email="")
    make_user(django_user_model, "left", "change_destination", is_active=False)
    with receiver(says(410)) as crm:
        destination = make_destination(crm.url, name="Our\nCRM")
        make_deliveries(destination, 2)
        deliver()
    tell_of_pauses()
    tell_of_pauses()

    (message,) = mail.outbox
    assert message.to == ["dev@example.com"]
    assert message.subject == "Throughline has paused the destination “Our CRM”"
    assert "It has answered that it wants nothing any more (410)." in message.body
    assert "2 messages wait" in message.body
    assert "/admin/" in message.body


def test_nobody_is_told_of_what_a_user_has_paused_or_resumed_meanwhile(django_user_model):
    make_user(django_user_model, "dev", "change_destination")
    paused, resumed = make_destination(), make_destination()
    pause(paused)
    pause(resumed, by=PausedBy.FAILURES)
    Queue.objects.filter(destination=resumed).update(untold=True)
    resume(resumed)
    tell_of_pauses()

    assert mail.outbox == []


def test_a_notice_that_the_mail_server_does_not_take_is_sent_later(django_user_model, monkeypatch):
    make_user(django_user_model, "dev", "change_destination")
    destination = make_destination()
    pause(destination, by=PausedBy.FAILURES)
    Queue.objects.update(untold=True)

    def refuse(backend, messages):
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        with pytest.raises(ConnectionRefusedError):
            tell_of_pauses()
    tell_of_pauses()

    assert len(mail.outbox) == 1
    assert "Nothing has arrived there for five days." in mail.outbox[0].body


def untold_destinations(users, emails, names):
    """Users with these emails, and destinations that the hub has paused, not told of yet."""
    for email in emails:
        make_user(users, email.partition("@")[0], "change_destination", email=email)
    for name in names:
        pause(make_destination(name=name), by=PausedBy.FAILURES)
    Queue.objects.update(untold=True)


@pytest.mark.parametrize("says", ["550 5.1.1 No such user", "450 4.2.0 Later"])
def test_a_user_whose_address_is_refused_keeps_no_other_from_being_told(
    django_user_model, mailbox, says
):
    untold_destinations(
        django_user_model, ["ada@example.com", "ben@example.com", "cy@example.com"], ["A", "B"]
    )
    for _ in range(2):
        mailbox.on_recipient.extend(["250 OK", says, "250 OK"])
    tell_of_pauses()
    tell_of_pauses()

    told = sorted((one.to[0], one.message["Subject"][-2:]) for one in mailbox.received)
    assert told == [
        (f"{name}@example.com", f"{letter}”") for name in ("ada", "cy") for letter in ("A", "B")
    ]
    assert not Queue.objects.filter(untold=True).exists()


def test_if_nobody_is_told_of_one_destination_the_next_is_told_and_the_first_later(
    django_user_model, mailbox
):
    untold_destinations(django_user_model, ["ada@example.com"], ["A", "B"])
    mailbox.on_data.extend(["451 4.3.0 Later"])
    with pytest.raises(SMTPDataError):
        tell_of_pauses()
    assert [one.message["Subject"][-2:] for one in mailbox.received] == ["B”"]

    tell_of_pauses()
    assert [one.message["Subject"][-2:] for one in mailbox.received] == ["B”", "A”"]


def test_what_is_refused_for_good_is_not_tried_for_ever(django_user_model, mailbox):
    untold_destinations(django_user_model, ["ada@example.com"], ["A"])
    mailbox.on_recipient.append("550 5.1.1 No such user")
    tell_of_pauses()

    assert not Queue.objects.filter(untold=True).exists()


def test_what_one_user_has_been_told_is_not_told_again_if_the_mail_server_ends_then(
    django_user_model, mailbox
):
    untold_destinations(django_user_model, ["ada@example.com", "ben@example.com"], ["A"])
    mailbox.on_recipient.extend(["250 OK", HANGS_UP])
    with pytest.raises(OSError, match="unexpectedly closed"):
        tell_of_pauses()
    tell_of_pauses()

    assert [one.to for one in mailbox.received] == [["ada@example.com"]]


def make_user(model, name, permission, **fields):
    user = model.objects.create(
        **{"username": name, "email": f"{name}@example.com", "is_staff": True, **fields}
    )
    user.user_permissions.add(Permission.objects.get(codename=permission))
