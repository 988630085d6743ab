"""Contacts who may be one person are found, and held for a decision."""

import pytest
from django.contrib.auth.models import User

from contacts.duplicates import (
    cancel_search,
    hold_pairs,
    request_search,
    search_for_duplicates,
)
from contacts.jobs import DUPLICATES
from contacts.merging import dismiss_merge, request_merge
from contacts.models import ContactMerge, DuplicateSearch
from contacts.similar_emails import are_similar, is_one_letter_off
from contacts.undoing import undo_merge
from jobs.working import work_off
from tests.contacts.merged import merge
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def search():
    """What a search finds: pairs of survivor and loser by reason."""
    request_search()
    work_off(DUPLICATES)
    assert DuplicateSearch.objects.latest("pk").status == DuplicateSearch.Status.DONE
    return held()


def held():
    waiting = ContactMerge.objects.filter(status=ContactMerge.Status.REVIEW)
    return {(merge.reason, merge.survivor_id, merge.loser_id) for merge in waiting.order_by("pk")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+49 170 123-45 67", "0170 1234567"),
        ("0049 (170) 1234567", "+491701234567"),
        ("(212) 555-0123", "+1 212 555 0123"),
        ("555 0123", "5550123"),
    ],
)
def test_a_phone_in_any_spelling_is_the_same(one, other):
    older, newer = make_contact(mobile_phone=one), make_contact(business_phone=other)

    assert search() == {("same_phone", older.pk, newer.pk)}


@pytest.mark.parametrize(
    ("one", "other"),
    [("12345", "12345"), ("0000000000", "000 000 0000"), ("+49 170 1234567", "+49 171 1234567")],
)
def test_what_is_no_number_or_another_one_says_nothing(one, other):
    make_contact(mobile_phone=one)
    make_contact(mobile_phone=other)

    assert search() == set()


def test_the_phone_of_a_company_says_nothing():
    for _ in range(6):
        make_contact(business_phone="+49 30 1234567")

    assert search() == set()


def test_the_same_name_and_company_in_another_spelling():
    one = make_contact(first_name="Anna", last_name="Müller", company_name="Acme, Inc.")
    other = make_contact(first_name="ANNA ", last_name="müller", company_name="ACME Inc")
    make_contact(first_name="Anna", last_name="Müller")
    make_contact(first_name="Anna", last_name="Müller", company_name="Other")

    assert search() == {("same_name", one.pk, other.pk)}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("ann@gmail.com", "ann@googlemail.com", True),
        ("ann.lee@gmail.com", "annlee@gmail.com", True),
        ("ann.lee@example.com", "annlee@example.com", False),
        ("ann+shop@gmail.com", "ann@gmail.com", True),
        ("ann+shop@example.com", "ann@example.com", True),
        ("ann@me.com", "ann@icloud.com", True),
        ("ann@gmial.com", "ann@gmail.com", True),
        ("ann@gmai.com", "ann@gmail.com", True),
        ("ann@gmail.co", "ann@gmail.com", True),
        ("a.nn@gnail.com", "ann@gmail.com", True),
        ("ann@exmaple.com", "ann@example.com", True),
        ("ann@mail.com", "ann@gmail.com", False),
        ("ann@hotmail.com", "ann@hotmail.co.uk", False),
        ("ann@example.com", "anna@example.com", False),
        ("ann@one.example", "ann@two.example", False),
        ("info@exmaple.com", "info@example.com", False),
    ],
)
def test_emails_are_similar_if_people_mistype_them_so(one, other, expected):
    first, second = make_contact(email=one), make_contact(email=other)

    assert search() == ({("similar_email", first.pk, second.pk)} if expected else set())


def test_one_email_is_not_similar_to_itself_or_to_nothing():
    assert not are_similar("ann@example.com", "ann@example.com")
    assert not are_similar("", "ann@example.com")
    assert not is_one_letter_off("abcd", "badc")


def test_pairs_that_were_decided_about_or_wait_are_not_suggested_again():
    user = User.objects.create_user("marketer")
    one, other = make_contact(mobile_phone="5550123"), make_contact(mobile_phone="5550123")
    assert search() == {("same_phone", one.pk, other.pk)}
    assert search() == {("same_phone", one.pk, other.pk)}
    dismiss_merge(ContactMerge.objects.get(), by=user)

    assert search() == set()


def test_an_undone_pair_is_not_suggested_again():
    one, other = make_contact(mobile_phone="5550123"), make_contact(mobile_phone="5550123")
    undo_merge(merge(one, other).pk)
    third = make_contact()
    merge(third, other)

    assert search() == set()


def test_who_has_an_email_survives():
    one = make_contact(mobile_phone="5550123")
    known = make_contact(mobile_phone="5550123", email="ann@example.com")

    assert search() == {("same_phone", known.pk, one.pk)}


def test_a_pair_that_also_shows_to_be_one_person_is_merged_without_a_user():
    one, other = make_contact(mobile_phone="5550123"), make_contact(mobile_phone="5550123")
    search()

    request_merge(survivor=one, loser=other, reason=ContactMerge.Reason.JOURNEY)

    assert ContactMerge.objects.get().status == ContactMerge.Status.PENDING


def test_a_contact_that_was_merged_meanwhile_is_left_out():
    one, other, third = make_contact(), make_contact(), make_contact()
    merge(one, other)

    assert hold_pairs([(other.pk, third.pk)], ContactMerge.Reason.SAME_PHONE, by=None) == 0


def test_a_search_says_what_it_found_and_one_waits_at_most():
    make_contact(mobile_phone="5550123")
    make_contact(mobile_phone="5550123")
    first, second = request_search(), request_search()

    work_off(DUPLICATES)

    first.refresh_from_db()
    assert first == second
    assert first.found == {"same_phone": 1, "same_name": 0, "similar_email": 0}


def test_a_cancelled_search_finds_nothing_more():
    make_contact(mobile_phone="5550123")
    make_contact(mobile_phone="5550123")
    search = request_search()
    assert cancel_search(search)

    search_for_duplicates([search.pk])

    assert not cancel_search(search)
    assert held() == set()


def test_a_search_holds_so_many_pairs_for_a_reason_at_most(monkeypatch):
    monkeypatch.setattr("contacts.duplicates.MOST_PAIRS", 2)
    for number in range(4):
        make_contact(mobile_phone=f"555012{number}")
        make_contact(mobile_phone=f"555012{number}")

    assert len(search()) == 2
    assert len(search()) == 4
