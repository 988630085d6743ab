"""Many merges, and what is recorded meanwhile: everything ends up with one survivor."""

import threading
import time
from functools import partial

import pytest
from django.db import connection, transaction

from activities.drafts import Draft
from activities.models import Activity
from activities.recording import Source, record_activities
from consents.agreements import record_agreement
from contacts.merging import carry_out_merges, request_merge
from contacts.models import Contact, ContactMerge, MovedRows
from contacts.resolving import find_contact
from tests.contacts.merged import MARKETER, merge
from tests.factories import make_activity, make_channel, make_consent, make_contact
from tests.threads import run_at_once
from tests.work import do_merges


def settle_all():
    """Settle every merge, once the transactions of other users of this server are over."""
    deadline = time.monotonic() + 120
    while ContactMerge.objects.filter(status="done", is_settled=False).exists():
        assert time.monotonic() < deadline
        do_merges()
        time.sleep(0.02)


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
