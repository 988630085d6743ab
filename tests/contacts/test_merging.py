"""Two records of one person become one, and nothing of it is lost."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

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
from contacts.models import Contact, ContactMerge
from contacts.resolving import find_contact
from tests.contacts.merged import MARKETER
from tests.factories import make_activity, make_consent, make_contact
from tests.work import do_merges


def merge(survivor, loser):
    request = request_merge(survivor=survivor, loser=loser, reason=MARKETER)
    carry_out_merges([request.pk])
    request.refresh_from_db()
    return request


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
