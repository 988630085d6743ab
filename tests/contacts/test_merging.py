"""Two records of one person become one, and nothing of it is lost."""

import threading
import time
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from activities.drafts import Draft
from activities.models import Activity
from activities.recording import Source, record_activities
from consents.agreements import is_agreed, record_agreement
from contacts.merging import (
    CannotMerge,
    approve_merge,
    carry_out_merges,
    choose_survivor,
    count_rows,
    dismiss_merge,
    preview_merge,
    request_merge,
)
from contacts.models import Contact, ContactMerge, MovedRows
from contacts.resolving import find_contact
from tests.factories import make_activity, make_channel, make_consent, make_contact
from tests.threads import run_at_once
from tests.work import do_merges

MARKETER = ContactMerge.Reason.MARKETER


def merge(survivor, loser):
    request = request_merge(survivor=survivor, loser=loser, reason=MARKETER)
    carry_out_merges([request.pk])
    request.refresh_from_db()
    return request


def settle_all():
    """Settle every merge, once the transactions of other users of this server are over."""
    deadline = time.monotonic() + 120
    while ContactMerge.objects.filter(status="done", is_settled=False).exists():
        assert time.monotonic() < deadline
        do_merges()
        time.sleep(0.02)


@pytest.fixture
def marketer(db):
    return User.objects.create_user("marketer")


@pytest.mark.django_db
def test_merge_moves_everything_and_counts_it():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    consent = make_consent()
    activities = [make_activity(loser), make_activity(loser), make_activity(survivor)]
    record_agreement(loser, consent, agreed=True)

    done = merge(survivor, loser)

    assert done.status == ContactMerge.Status.DONE
    assert done.moved == {"activities": 2, "agreements": 1}
    assert done.finished_at is not None
    assert set(survivor.activities.all()) == set(activities)
    assert is_agreed(survivor, consent)


@pytest.mark.django_db
def test_merge_keeps_the_guid_that_an_activity_was_logged_under():
    survivor, loser = make_contact(), make_contact()
    activity = make_activity(loser)

    merge(survivor, loser)

    activity.refresh_from_db()
    assert activity.contact == survivor
    assert activity.logged_as == loser.guid


@pytest.mark.django_db
def test_merge_fills_blanks_only_and_keeps_both_snapshots():
    survivor = make_contact(email="ann@example.com", first_name="Ann", country="USA")
    loser = make_contact(first_name="Anna", last_name="Archer", birthday="1990-02-03", state="CA")

    done = merge(survivor, loser)

    survivor.refresh_from_db()
    assert (survivor.first_name, survivor.last_name) == ("Ann", "Archer")
    assert str(survivor.birthday) == "1990-02-03"
    assert survivor.state == "CA"
    assert done.survivor_before == {
        "guid": str(survivor.guid),
        "email": "ann@example.com",
        "first_name": "Ann",
        "country": "USA",
    }
    assert done.loser_before == {
        "guid": str(loser.guid),
        "first_name": "Anna",
        "last_name": "Archer",
        "birthday": "1990-02-03",
        "state": "CA",
    }


@pytest.mark.django_db
def test_merge_gives_no_state_to_a_contact_outside_the_usa():
    survivor, loser = make_contact(country="DEU"), make_contact(state="CA")

    merge(survivor, loser)

    survivor.refresh_from_db()
    assert survivor.state == ""


@pytest.mark.django_db
def test_merged_guid_resolves_to_the_survivor_through_chains():
    first, second, third = make_contact(), make_contact(), make_contact()

    merge(second, first)
    merge(third, second)

    assert find_contact(first.guid) == third
    first.refresh_from_db()
    assert first.merged_into == second


@pytest.mark.django_db
def test_opposite_requests_collapse_to_one_survivor():
    one, other = make_contact(), make_contact()
    requests = [
        request_merge(survivor=one, loser=other, reason=MARKETER),
        request_merge(survivor=other, loser=one, reason=MARKETER),
    ]

    for request in requests:
        carry_out_merges([request.pk])

    assert list(Contact.objects.live()) == [one]
    assert set(ContactMerge.objects.values_list("status", flat=True)) == {"done"}


@pytest.mark.django_db
def test_survivor_is_the_one_with_an_email_else_the_older():
    older, newer, known = make_contact(), make_contact(), make_contact(email="ann@example.com")

    assert choose_survivor(newer, older) == (older, newer)
    assert choose_survivor(older, known) == (known, older)


@pytest.mark.django_db
def test_contact_cannot_be_merged_with_itself_or_its_survivor():
    survivor, loser = make_contact(), make_contact()
    merge(survivor, loser)

    with pytest.raises(CannotMerge):
        request_merge(survivor=survivor, loser=survivor, reason=MARKETER)
    with pytest.raises(CannotMerge):
        request_merge(survivor=survivor, loser=loser, reason=MARKETER)


@pytest.mark.django_db
def test_different_emails_wait_for_a_decision():
    ann, bob = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")

    request = merge(ann, bob)

    assert request.status == ContactMerge.Status.REVIEW
    assert set(Contact.objects.live()) == {ann, bob}


@pytest.mark.django_db
def test_approved_merge_keeps_the_email_of_the_survivor(marketer):
    ann, bob = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")
    request = merge(ann, bob)

    approve_merge(request, by=marketer)
    carry_out_merges([request.pk])

    request.refresh_from_db()
    ann.refresh_from_db()
    assert request.status == ContactMerge.Status.DONE
    assert request.decided_by == marketer
    assert ann.email == "ann@example.com"
    assert find_contact(bob.guid) == ann


@pytest.mark.django_db
def test_dismissed_merge_keeps_the_contacts_apart(marketer):
    ann, bob = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")
    request = merge(ann, bob)

    dismiss_merge(request, by=marketer)

    assert request.status == ContactMerge.Status.DISMISSED
    carry_out_merges([request.pk])
    request.refresh_from_db()
    assert request.status == ContactMerge.Status.DISMISSED
    with pytest.raises(CannotMerge):
        approve_merge(request, by=marketer)
    assert set(Contact.objects.live()) == {ann, bob}


@pytest.mark.django_db
def test_email_that_arrives_before_the_merge_sends_it_to_review():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    request = request_merge(survivor=survivor, loser=loser, reason=MARKETER)
    Contact.objects.filter(pk=loser.pk).update(email="bob@example.com")

    carry_out_merges([request.pk])

    request.refresh_from_db()
    assert request.status == ContactMerge.Status.REVIEW
    assert Contact.objects.live().count() == 2


@pytest.mark.django_db
def test_preview_and_counts_tell_what_the_merge_then_does():
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Graz")
    make_activity(loser)
    preview, counts = preview_merge(survivor, loser), count_rows(loser)

    done = merge(survivor, loser)

    survivor.refresh_from_db()
    assert {name: getattr(survivor, name) for name in preview} == preview
    assert done.moved == counts == {"activities": 1}


@pytest.mark.django_db
def test_asking_twice_is_one_request():
    survivor, loser = make_contact(), make_contact()

    first = request_merge(survivor=survivor, loser=loser, reason=MARKETER)
    second = request_merge(survivor=survivor, loser=loser, reason=MARKETER)

    assert first == second


@pytest.mark.django_db
def test_asking_about_another_pair_is_another_request():
    ann, bob = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")
    eve = make_contact(email="eve@example.com")

    first = request_merge(survivor=ann, loser=eve, reason=MARKETER)
    second = request_merge(survivor=bob, loser=eve, reason=MARKETER)

    assert first != second
    assert (second.survivor, second.loser) == (bob, eve)


@pytest.mark.django_db
def test_sweep_carries_out_what_is_pending():
    survivor, loser = make_contact(), make_contact()
    request_merge(survivor=survivor, loser=loser, reason=MARKETER)

    do_merges()

    assert find_contact(loser.guid) == survivor


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"email": "ANN@example.com"}, id="email-in-other-case"),
        pytest.param({"country": "Germany"[:3]}, id="country-no-code"),
        pytest.param({"country": "DEU", "state": "CA"}, id="state-outside-usa"),
    ],
)
def test_database_refuses_an_impossible_contact(fields):
    make_contact(email="ann@example.com")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_contact(**fields)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_opposite_merges_at_once_leave_one_survivor(attempt):
    one, other = make_contact(), make_contact()
    for contact in (one, other, one):
        make_activity(contact)
    requests = [
        request_merge(survivor=one, loser=other, reason=MARKETER),
        request_merge(survivor=other, loser=one, reason=MARKETER),
    ]

    run_at_once(*[partial(carry_out_merges, [request.pk]) for request in requests])

    (survivor,) = Contact.objects.live()
    assert survivor.activities.count() == 3
    assert find_contact(one.guid) == find_contact(other.guid) == survivor


@pytest.mark.django_db(transaction=True)
def test_many_merges_at_once_collapse_to_one_survivor():
    contacts = [make_contact() for _ in range(8)]
    for contact in contacts:
        make_activity(contact)
    ring = zip(contacts, contacts[1:] + contacts[:1], strict=True)
    requests = [request_merge(survivor=a, loser=b, reason=MARKETER) for a, b in ring]

    run_at_once(*[partial(carry_out_merges, [request.pk]) for request in requests])

    (survivor,) = Contact.objects.live()
    assert survivor.activities.count() == 8
    assert {find_contact(contact.guid) for contact in contacts} == {survivor}


@pytest.mark.django_db(transaction=True)
def test_activities_recorded_during_a_merge_end_up_with_the_survivor():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    source = Source(door="test", channel=make_channel(), request_id=loser.guid)
    request = request_merge(survivor=survivor, loser=loser, reason=MARKETER)

    def record():
        for number in range(20):
            draft = Draft(type="click", value=str(number))
            record_activities([draft], contact_guid=loser.guid, source=source)

    run_at_once(record, record, record, partial(carry_out_merges, [request.pk]))
    settle_all()

    assert survivor.activities.count() == 60
    assert not Activity.objects.filter(contact=loser).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("begins", ["before-the-merge", "during-the-merge"])
def test_merge_settles_only_when_no_writer_from_before_its_end_is_left(begins):
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    channel = make_channel()
    request = request_merge(survivor=survivor, loser=loser, reason=MARKETER)
    merging, writing, merged = threading.Event(), threading.Event(), threading.Event()

    def carry_out():
        if begins == "before-the-merge":
            assert writing.wait(10)
        with transaction.atomic():
            carry_out_merges([request.pk])
            merging.set()
            assert writing.wait(10)
        merged.set()

    def write_late():
        """What a writer does that resolved the contact just before the merge ended."""
        if begins == "during-the-merge":
            assert merging.wait(10)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_current_xact_id()")
            writing.set()
            assert merged.wait(10)
            run_at_once(do_merges)
            run_at_once(do_merges)
            is_settled = ContactMerge.objects.get().is_settled
            return is_settled, make_activity(loser, channel=channel)

    _, (is_settled_too_early, late) = run_at_once(carry_out, write_late)
    settle_all()

    late.refresh_from_db()
    assert not is_settled_too_early
    assert ContactMerge.objects.get().is_settled
    assert late.contact == survivor


@pytest.mark.django_db(transaction=True)
def test_merge_settles_in_a_dump_that_was_restored_in_another_cluster():
    request = merge(make_contact(), make_contact())
    # Where it came from, transactions had much higher ids.
    ContactMerge.objects.filter(pk=request.pk).update(settles_at_transaction=2**62)

    settle_all()

    request.refresh_from_db()
    assert request.settles_at_transaction < 2**62


@pytest.mark.django_db
def test_very_many_activities_follow_in_chunks(monkeypatch):
    monkeypatch.setattr("contacts.moving.CHUNK", 10)
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    channel = make_channel()
    activities = [make_activity(loser, channel=channel) for _ in range(25)]
    consent = make_consent()
    record_agreement(loser, consent, agreed=True, channel=channel)

    request = merge(survivor, loser)
    assert survivor.activities.count() == 10
    assert survivor.agreements.count() == 1
    do_merges()

    request.refresh_from_db()
    assert survivor.activities.count() == 25
    assert request.moved == {"activities": 25, "agreements": 1}
    rows = MovedRows.objects.filter(merge=request, contact=loser)
    kept = {name: [] for name in rows.values_list("key", flat=True)}
    for one in rows:
        kept[one.key] += one.rows
    assert sorted(kept["activities.activity.contact"]) == [one.pk for one in activities]
    assert kept["consents.consentagreement.contact"] == [survivor.agreements.get().pk]


@pytest.mark.django_db
def test_merges_with_a_contact_in_common_are_done_in_turn():
    ann, bob, eve = make_contact(city="Bern"), make_contact(zip="3000"), make_contact(notes="x")
    requests = [
        request_merge(survivor=ann, loser=bob, reason=MARKETER),
        request_merge(survivor=bob, loser=eve, reason=MARKETER),
    ]

    carry_out_merges([request.pk for request in requests])

    ann.refresh_from_db()
    assert list(Contact.objects.live()) == [ann]
    assert (ann.city, ann.zip, ann.notes) == ("Bern", "3000", "x")


@pytest.mark.django_db
def test_many_merges_take_few_queries(django_assert_max_num_queries):
    pairs = [(make_contact(), make_contact(city="Bern")) for _ in range(30)]
    keys = [request_merge(survivor=one, loser=other, reason=MARKETER).pk for one, other in pairs]

    with django_assert_max_num_queries(29):
        carry_out_merges(keys)

    assert Contact.objects.live().filter(city="Bern").count() == 30


@pytest.mark.django_db
def test_a_pair_that_waits_in_either_order_needs_no_decision_once_it_was_merged():
    one, other, third = make_contact(), make_contact(), make_contact()
    review = ContactMerge.Status.REVIEW
    phone = ContactMerge.Reason.SAME_PHONE
    held = [
        ContactMerge.objects.create(survivor=survivor, loser=loser, reason=phone, status=review)
        for survivor, loser in ((one, other), (other, one), (one, third))
    ]

    ContactMerge.objects.filter(pk=held[0].pk).update(status=ContactMerge.Status.PENDING)
    carry_out_merges([held[0].pk])

    statuses = [ContactMerge.objects.get(pk=merge.pk).status for merge in held]
    assert statuses == ["done", "done", "review"]


@pytest.mark.django_db
def test_a_user_who_may_decide_needs_no_second_decision(marketer):
    ann, bob = make_contact(email="ann@example.com"), make_contact(email="bob@example.com")
    held = request_merge(survivor=ann, loser=bob, reason=MARKETER)

    asked = request_merge(
        survivor=ann,
        loser=bob,
        reason=MARKETER,
        requested_by=marketer,
        decided_by=marketer,
        loser_wins=["email"],
    )
    carry_out_merges([asked.pk])

    ann.refresh_from_db()
    assert asked == held
    assert (ann.email, find_contact(bob.guid)) == ("bob@example.com", ann)
