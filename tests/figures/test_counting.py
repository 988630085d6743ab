from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from pyroaring import BitMap64

from activities.erasing import erase_contact
from activities.models import Activity, ActivityType
from adminsite.periods import read_period
from automations.models import EmailEvent
from consents.agreements import record_agreement
from consents.models import ConsentAgreement
from contacts.changes import Origin, change_contact
from contacts.models import Contact, ContactChange, ContactMerge, Touched
from figures import following, people
from figures.correcting import tidy
from figures.counts import sums_of
from figures.following import FIGURES
from figures.models import Count, KnownPeople, PeopleSeen
from groups.models import MembershipEvent
from tests.automations.mails import add_event, make_email
from tests.factories import (
    make_activity,
    make_channel,
    make_consent,
    make_contact,
    make_group,
)
from tests.readers.waiting import read_next

pytestmark = pytest.mark.django_db

# What is committed can be read, and nothing else.
committed = pytest.mark.django_db(transaction=True)

NOW = timezone.now()
NOON = (NOW - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)


def count():
    """Let the reader's functions have all that there is."""
    following.count_activities(list(Activity.objects.values_list("pk", flat=True)))
    following.look_who_is_known(list(Contact.objects.values_list("pk", flat=True)))


def seen(since=NOON - timedelta(days=390), until=None):
    return set(people.union_of(row.seen for row in people.read_seen(since, until)))


def new(since=NOON - timedelta(days=390), until=None):
    return set(people.union_of(row.new for row in people.read_seen(since, until)))


def counts(kind):
    rows = Count.objects.filter(kind=kind).order_by("at", "key")
    return list(rows.values_list("at", "key", "count"))


def test_activities_are_counted_by_the_quarter_and_older_ones_by_the_hour():
    channel = make_channel()
    old = NOON - timedelta(days=30)
    for at in (NOON, NOON + timedelta(minutes=14), NOON + timedelta(minutes=15)):
        make_activity(channel=channel, occurred_at=at)
    make_activity(channel=channel, occurred_at=old + timedelta(minutes=50))

    count()

    key = str(channel.pk)
    assert counts("channel") == [
        (old, key, 1),
        (NOON, key, 2),
        (NOON + timedelta(minutes=15), key, 1),
    ]


def test_nobody_counts_twice():
    contact, other = make_contact(), make_contact()
    for at in (NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2)):
        make_activity(contact, occurred_at=at)
    make_activity(other, occurred_at=NOON)

    count()

    assert seen() == {contact.pk, other.pk}
    assert seen(NOON + timedelta(minutes=15)) == {contact.pk}


def test_people_are_new_when_the_first_thing_that_was_read_of_them_happened():
    contact = make_contact()
    make_activity(contact, occurred_at=NOON + timedelta(hours=1))
    make_activity(contact, occurred_at=NOON)
    count()
    make_activity(contact, occurred_at=NOON + timedelta(hours=3))

    count()

    assert new(NOON, NOON + timedelta(hours=1)) == {contact.pk}
    assert new(NOON + timedelta(hours=1)) == set()


def test_what_is_too_old_or_still_to_come_is_not_counted_but_makes_nobody_new():
    contact = make_contact()
    make_activity(contact, occurred_at=NOW - timedelta(days=401))
    make_activity(contact, occurred_at=NOW + timedelta(days=2))
    count()
    make_activity(contact, occurred_at=NOON)

    count()

    assert [row[0] for row in counts("type")] == [NOON]
    assert (seen(), new()) == ({contact.pk}, set())


def test_those_with_a_name_or_an_email_are_known():
    contacts = [make_contact(email="a@example.com"), make_contact(last_name="Keller")]
    anonymous = make_contact()
    everybody = BitMap64([*(one.pk for one in contacts), anonymous.pk])

    count()

    assert set(people.named_among(everybody)) == {one.pk for one in contacts}


def test_who_gives_a_name_is_known_from_then_on_and_who_loses_it_no_more():
    contact = make_contact()
    count()
    for name in ("Anna", ""):
        change_contact(contact, {"first_name": name}, Origin(ContactChange.Source.CODE))
        following.look_who_changed(list(ContactChange.objects.values_list("pk", flat=True)))

        assert set(people.named_among(BitMap64([contact.pk]))) == ({contact.pk} if name else set())


def merge(survivor, loser):
    """A merge that was carried out."""
    Activity.objects.filter(contact=loser).update(contact=survivor)
    Contact.objects.filter(pk=loser.pk).update(merged_into=survivor)
    merged = ContactMerge.objects.create(
        survivor=survivor, loser=loser, status=ContactMerge.Status.DONE, reason="journey"
    )
    FIGURES.logs[next(log for log in FIGURES.logs if log.name == "merges")]([merged.pk])


def test_two_who_are_one_count_once_after_a_merge():
    survivor, loser = make_contact(created_at=NOON), make_contact(created_at=NOON)
    make_activity(survivor, occurred_at=NOON + timedelta(hours=1))
    make_activity(loser, occurred_at=NOON)
    make_activity(loser, occurred_at=NOON + timedelta(hours=2))
    count()

    merge(survivor, loser)

    assert seen() == {survivor.pk}
    assert seen(NOON + timedelta(hours=2)) == {survivor.pk}
    assert new(NOON, NOON + timedelta(hours=1)) == {survivor.pk}
    assert new(NOON + timedelta(hours=1)) == set()


def test_one_who_was_new_long_ago_is_not_new_again_by_a_merge():
    survivor = make_contact(created_at=NOON - timedelta(days=100))
    loser = make_contact(created_at=NOON)
    make_activity(survivor, occurred_at=NOON - timedelta(days=100))
    make_activity(loser, occurred_at=NOON)
    count()

    merge(survivor, loser)

    assert (seen(NOON), new(NOON)) == ({survivor.pk}, set())


def test_one_who_never_did_anything_is_new_when_the_merged_contact_was():
    survivor, loser = make_contact(created_at=NOON), make_contact(created_at=NOON)
    make_activity(loser, occurred_at=NOON)
    count()

    merge(survivor, loser)

    assert (seen(NOON), new(NOON)) == ({survivor.pk}, {survivor.pk})


def test_a_contact_that_was_merged_twice_in_a_batch_is_the_last_survivor():
    first, second, third = (make_contact(created_at=NOON) for _ in range(3))
    for contact in (first, second, third):
        make_activity(contact, occurred_at=NOON)
    count()
    merges = [
        ContactMerge.objects.create(survivor=survivor, loser=loser, reason="journey")
        for survivor, loser in ((second, first), (third, second))
    ]

    FIGURES.logs[next(log for log in FIGURES.logs if log.name == "merges")](
        [one.pk for one in merges]
    )

    assert seen() == {third.pk}


def test_touched_contacts_are_looked_at_again():
    contact, other = make_contact(created_at=NOON), make_contact(created_at=NOON)
    moved = make_activity(contact, occurred_at=NOON)
    make_activity(contact, occurred_at=NOON + timedelta(hours=1))
    count()
    Activity.objects.filter(pk=moved.pk).update(contact=other)
    touched = [Touched.objects.create(contact=one).pk for one in (contact, other)]

    FIGURES.logs[next(log for log in FIGURES.logs if log.name == "touched contacts")](touched)

    assert seen(NOON, NOON + timedelta(hours=1)) == {other.pk}
    assert seen(NOON + timedelta(hours=1)) == {contact.pk}
    assert new(NOON, NOON + timedelta(hours=1)) == {other.pk}
    assert new(NOON + timedelta(hours=1)) == {contact.pk}


def touched_by_age(*contacts):
    rows = [Touched.objects.create(contact=one, aged=True).pk for one in contacts]
    FIGURES.logs[next(log for log in FIGURES.logs if log.name == "touched contacts")](rows)


def test_who_loses_the_oldest_activities_to_age_is_new_nowhere():
    later = NOON + timedelta(hours=1)
    contact, other = make_contact(created_at=NOON), make_contact(created_at=NOON)
    for one in (contact, other):
        make_activity(one, occurred_at=NOON)
        make_activity(one, occurred_at=later)
    count()
    Activity.objects.filter(contact=contact, occurred_at=NOON).delete()

    touched_by_age(contact, other)

    assert (seen(NOON, later), seen(later)) == ({other.pk}, {contact.pk, other.pk})
    assert (new(NOON, later), new(later)) == ({other.pk}, set())
    make_activity(contact, occurred_at=later + timedelta(hours=2))
    following.count_activities([Activity.objects.latest("pk").pk])
    assert new(later) == set()


def test_who_was_new_after_the_first_activity_stays_so_if_that_goes():
    """One is new where the first activity that was read happened, also if an earlier one came."""
    later = NOON + timedelta(hours=1)
    contact = make_contact(created_at=NOON)
    first_read = make_activity(contact, occurred_at=later)
    following.count_activities([first_read.pk])
    early = make_activity(contact, occurred_at=NOON)
    following.count_activities([early.pk])

    early.delete()
    touched_by_age(contact)

    assert (seen(NOON, later), new(later)) == (set(), {contact.pk})


@committed
def test_an_erased_person_is_taken_out():
    contact, other = make_contact(first_name="Anna"), make_contact(first_name="Ben")
    for one in (contact, other):
        make_activity(one, occurred_at=NOON)
    read_next(FIGURES)

    erase_contact(contact.pk)

    assert (seen(), new()) == ({other.pk}, {other.pk})
    (part,) = KnownPeople.objects.all()
    for kept in (part.named, part.ever_seen):
        assert set(BitMap64.deserialize(bytes(kept))) == {other.pk}


@committed
def test_the_reader_counts_everything_once():
    consent, contact = make_consent(), make_contact()
    record_agreement(contact, consent, agreed=True, channel=None, language="en")
    record_agreement(contact, consent, agreed=False, channel=None, language="en")
    group = make_group()
    MembershipEvent.objects.create(group=group, contact=contact, entered=True, cause="user")
    email = make_email(contact)
    add_event(email, "opened")
    add_event(email, "opened", by_robot=True)
    make_activity(contact)
    assert ConsentAgreement.objects.count() == 2
    assert EmailEvent.objects.count() >= 2

    read_next(FIGURES)
    read_next(FIGURES)

    assert [row[1:] for row in counts("agreed")] == [(str(consent.pk), 1)]
    assert [row[1:] for row in counts("revoked")] == [(str(consent.pk), 1)]
    assert [row[1:] for row in counts("entered")] == [(str(group.pk), 1)]
    assert ("opened", 1) in [row[1:] for row in counts("email")]
    assert [row[2] for row in counts("type")] == [1]


def test_pages_and_sources_are_those_of_page_visits():
    make_activity(
        url="https://www.example.com/loans/?utm_source=news&utm_campaign=May#top",
        referrer="https://www.google.com/",
        occurred_at=NOON,
    )
    make_activity(
        url="https://www.example.com/loans",
        referrer="https://www.example.com/",
        occurred_at=NOON,
    )
    make_activity(type=ActivityType.objects.get(code_name="click"), occurred_at=NOON)

    count()

    assert counts("page") == [(NOON, "www.example.com/loans", 2)]
    assert counts("referrer") == [(NOON, "www.google.com", 1)]
    assert counts("campaign") == [(NOON, "news / May", 1)]


def test_of_pages_so_many_have_a_row_and_the_others_are_counted_together(monkeypatch):
    monkeypatch.setattr("figures.counts._MOST_OF_A_QUARTER", 2)
    for number, times in enumerate((1, 3, 2)):
        for _ in range(times):
            make_activity(url=f"https://www.example.com/{number}", occurred_at=NOON)
    count()
    assert counts("page") == [
        (NOON, "", 1),
        (NOON, "www.example.com/1", 3),
        (NOON, "www.example.com/2", 2),
    ]

    count()

    assert counts("page") == [
        (NOON, "", 2),
        (NOON, "www.example.com/1", 6),
        (NOON, "www.example.com/2", 4),
    ]


def test_what_has_become_old_is_kept_by_the_hour(monkeypatch):
    monkeypatch.setattr("figures.counts._MOST_OF_AN_HOUR", 1)
    contact = make_contact()
    for minutes, path in ((0, "a"), (16, "b"), (31, "b"), (46, "")):
        at = NOON + timedelta(minutes=minutes)
        make_activity(contact, occurred_at=at, url=f"https://www.example.com/{path}")
    count()
    period = SimpleNamespace(
        since=NOON, until=NOON + timedelta(days=1), before=SimpleNamespace(since=NOON, until=NOON)
    )
    before = sums_of(Count.Kind.TYPE, period)
    later = NOON + timedelta(days=4)

    tidy(later)
    tidy(later)

    assert counts("page") == [(NOON, "", 2), (NOON, "www.example.com/b", 2)]
    assert sums_of(Count.Kind.TYPE, period) == before
    assert [(row.at, set(row.seen), set(row.new)) for row in people.read_seen(NOON)] == [
        (NOON, {contact.pk}, {contact.pk})
    ]


def test_counts_are_forgotten_after_400_days():
    make_activity(occurred_at=NOON)
    count()

    tidy(NOON + timedelta(days=402))

    assert not Count.objects.exists()
    assert not PeopleSeen.objects.exists()


def test_sums_are_of_the_period_and_of_the_one_before():
    channel = make_channel()
    now = datetime(2026, 5, 4, 9, 14, tzinfo=UTC)
    hours = {"today": 8, "today, later": 10, "yesterday": -24 + 8, "yesterday, later": -24 + 10}
    Count.objects.bulk_create(
        Count(
            kind="channel",
            at=now.replace(hour=0, minute=0) + timedelta(hours=hour),
            key=str(channel.pk),
            count=10**number,
        )
        for number, hour in enumerate(hours.values())
    )

    assert sums_of(Count.Kind.CHANNEL, read_period("today", now)) == {str(channel.pk): (1, 100)}
    assert sums_of(Count.Kind.CHANNEL, read_period("yesterday", now)) == {
        str(channel.pk): (1100, 0)
    }
