"""How fast emails leave: rates, quiet hours, and how many a contact gets in a week."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from automations.emails.pacing import take_leave
from automations.emails.quiet import read_quiet_hours
from automations.models import Email, Pace
from consents.agreements import record_agreement
from tests.automations.emails import make_email, send, send_again_later, state_of
from tests.factories import make_consent, make_contact
from tests.threads import run_at_once

VIENNA = ZoneInfo("Europe/Vienna")


def make_newsletter(count, *, contact=None):
    consent = make_consent("Newsletter")
    emails = []
    for number in range(count):
        reader = contact or make_contact(email=f"{number}@example.com")
        record_agreement(reader, consent, agreed=True)
        emails.append(make_email(reader, consent=consent))
    return emails


@pytest.mark.django_db
@pytest.mark.parametrize("is_transactional", [False, True])
def test_no_more_emails_leave_in_a_second_than_allowed(settings, is_transactional):
    settings.EMAILS_PER_SECOND = 10
    Pace.objects.create(pk=1, tokens=10, refilled_at=timezone.now())

    first = take_leave(8, is_transactional=is_transactional)
    second = take_leave(8, is_transactional=is_transactional)

    assert (first.count, first.more_at) == (8, None)
    assert second.count == 2
    assert timezone.now() < second.more_at < timezone.now() + timedelta(seconds=0.2)


@pytest.mark.django_db
def test_what_nobody_took_for_an_hour_is_no_more_than_that_of_a_second(settings):
    settings.EMAILS_PER_SECOND = 10
    Pace.objects.create(pk=1, tokens=3, refilled_at=timezone.now() - timedelta(hours=1))

    assert take_leave(100, is_transactional=False).count == 10


@pytest.mark.django_db
def test_no_more_emails_leave_in_a_day_than_allowed(settings):
    settings.EMAILS_PER_DAY, settings.TIME_ZONE = 5, "Europe/Vienna"
    with timezone.override(VIENNA):
        assert take_leave(4, is_transactional=False).count == 4
        leave = take_leave(4, is_transactional=False)
        assert leave.count == 1
        assert take_leave(4, is_transactional=False).count == 0
        midnight = timezone.localtime(leave.more_at)
        assert (midnight.hour, midnight.minute) == (0, 0)
        assert midnight.date() == timezone.localdate() + timedelta(days=1)
        Pace.objects.update(day=timezone.localdate() - timedelta(days=1))
        assert take_leave(4, is_transactional=False).count == 4


@pytest.mark.django_db
def test_transactional_emails_count_for_the_day_and_are_not_stopped_by_it(settings):
    settings.EMAILS_PER_DAY = 5

    assert take_leave(3, is_transactional=True).count == 3
    assert take_leave(5, is_transactional=False).count == 2
    leave = take_leave(4, is_transactional=True)
    assert (leave.count, leave.more_at) == (4, None)
    assert take_leave(1, is_transactional=False).count == 0


@pytest.mark.django_db
def test_what_was_asked_for_leaves_after_a_broadcast_has_used_up_the_day(mailbox, settings):
    settings.EMAILS_PER_DAY = 3
    make_newsletter(5)
    send()

    asked_for = make_email()
    send()

    assert len(mailbox.received) == 4
    assert state_of(asked_for).status == "sent"
    assert Email.objects.filter(status="prepared").count() == 2


@pytest.mark.django_db
def test_leave_that_was_not_used_is_given_back(settings):
    settings.EMAILS_PER_DAY = 5
    with transaction.atomic():
        take_leave(5, is_transactional=False)
        transaction.set_rollback(True)

    assert take_leave(5, is_transactional=False).count == 5


@pytest.mark.django_db(transaction=True)
def test_all_workers_share_one_rate(settings):
    settings.EMAILS_PER_DAY = 50

    def take():
        return sum(take_leave(3, is_transactional=False).count for _ in range(10))

    taken = run_at_once(*[take] * 4)

    assert sum(taken) == 50


@pytest.mark.django_db
def test_emails_above_the_daily_rate_wait_for_the_next_day(mailbox, settings):
    settings.EMAILS_PER_DAY = 3
    emails = make_newsletter(5)

    send()

    assert len(mailbox.received) == 3
    waiting = Email.objects.filter(status="prepared")
    assert [email.due_at.hour for email in waiting] == [0, 0]
    assert set(waiting.values_list("attempts", flat=True)) == {0}
    Pace.objects.update(day=timezone.localdate() - timedelta(days=1))
    send_again_later()
    assert mailbox.count_by_id() == {email.message_id: 1 for email in emails}


@pytest.mark.django_db
def test_emails_leave_as_fast_as_allowed(mailbox, settings):
    settings.EMAILS_PER_SECOND = 20
    emails = [make_email() for _ in range(30)]

    send()

    assert mailbox.count_by_id() == {email.message_id: 1 for email in emails}
    began = sorted(Email.objects.values_list("handed_over_at", flat=True))
    assert began[-1] - began[0] >= timedelta(seconds=0.4)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-07-01 20:59", None),
        ("2026-07-01 21:00", "2026-07-02 07:00"),
        ("2026-07-02 06:59", "2026-07-02 07:00"),
        ("2026-07-02 07:00", None),
        # Clocks are set forward in the night to 29 March, and back in that to 25 October.
        ("2026-03-28 23:00", "2026-03-29 07:00"),
        ("2026-10-24 23:00", "2026-10-25 07:00"),
        ("2026-10-25 05:00", "2026-10-25 07:00"),
    ],
)
def test_quiet_hours_end_in_the_morning(now, until):
    quiet = read_quiet_hours("21:00-07:00", "Europe/Vienna")

    found = quiet.until(datetime.fromisoformat(now).replace(tzinfo=VIENNA).astimezone(UTC))

    assert (found and found.strftime("%Y-%m-%d %H:%M")) == until


def test_quiet_hours_may_be_of_one_day():
    quiet = read_quiet_hours("12:00 - 14:30", "UTC")

    assert quiet.until(datetime(2026, 7, 1, 13, tzinfo=UTC)) == datetime(
        2026, 7, 1, 14, 30, tzinfo=UTC
    )
    assert quiet.until(datetime(2026, 7, 1, 15, tzinfo=UTC)) is None
    assert read_quiet_hours("  ", "UTC") is None


@pytest.mark.parametrize("text", ["21-7", "21:00", "24:00-07:00", "09:00-09:00", "night"])
def test_quiet_hours_that_cannot_be_understood_are_refused_by_name(text):
    with pytest.raises(ImproperlyConfigured, match=f"EMAIL_QUIET_HOURS .*{text}"):
        read_quiet_hours(text, "UTC")


@pytest.mark.django_db
def test_in_quiet_hours_only_what_was_asked_for_leaves(mailbox, settings):
    now = timezone.now()
    settings.EMAIL_QUIET_HOURS = (
        f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}"
    )
    (newsletter,) = make_newsletter(1)
    asked_for = make_email()

    send()

    assert mailbox.count_by_id() == {asked_for.message_id: 1}
    waiting = state_of(newsletter)
    assert (waiting.status, waiting.attempts) == ("prepared", 0)
    assert abs(waiting.due_at - now - timedelta(hours=1)) < timedelta(minutes=1)


@pytest.mark.django_db
def test_a_contact_gets_no_more_emails_in_a_week_than_allowed(mailbox, settings):
    settings.EMAILS_PER_CONTACT_AND_WEEK = 2
    contact = make_contact(email="ada@example.com")
    make_newsletter(4, contact=contact)
    make_email(contact)

    send()

    assert len(mailbox.received) == 3
    held = Email.objects.filter(status="held")
    assert len(held) == 2
    assert all("within seven days" in email.reason for email in held)
