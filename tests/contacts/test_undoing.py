"""A merge is undone: two contacts again, and what cannot come back is said."""

import pytest
from django.contrib.auth.models import User

from activities.erasing import erase_contact
from activities.models import DataInput
from activities.seen import catch_up
from consents.agreements import is_agreed, record_agreement
from contacts.editing import update_contact
from contacts.merging import CannotMerge, carry_out_merges, request_merge
from contacts.models import (
    Contact,
    ContactChange,
    ContactIdentifier,
    ContactMerge,
    MovedRows,
    UndoneMerge,
)
from contacts.resolving import find_contact
from contacts.undoing import CannotUndo, plan_undo, undo_merge
from tests.contacts.merged import merge, record, undo
from tests.factories import make_activity, make_consent, make_contact
from tests.work import do_data_inputs, do_merges

pytestmark = pytest.mark.django_db

MARKETER = ContactMerge.Reason.MARKETER


def test_undo_gives_back_what_the_merge_moved():
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    consent = make_consent()
    own, given = make_activity(survivor), make_activity(loser)
    record_agreement(loser, consent, agreed=True)
    done = merge(survivor, loser)

    restored, not_restored = undo(done)

    survivor.refresh_from_db()
    loser.refresh_from_db()
    assert restored == {"activities": 1, "agreements": 1, "fields": ["city"]}
    assert not_restored == []
    assert (survivor.city, loser.city, loser.merged_into) == ("", "Bern", None)
    assert (list(survivor.activities.all()), list(loser.activities.all())) == ([own], [given])
    assert (is_agreed(survivor, consent), is_agreed(loser, consent)) == (False, True)
    assert find_contact(loser.guid) == loser


def test_the_plan_tells_what_the_undo_then_does():
    survivor, loser = make_contact(email="ann@example.com"), make_contact(city="Bern")
    make_activity(loser)
    done = merge(survivor, loser)
    update_contact(survivor.pk, {"city": "Rome"})

    planned = plan_undo(done).as_json

    restored, not_restored = undo(done)
    assert planned == {"restored": restored, "not_restored": not_restored}


def test_undo_gives_back_the_email():
    survivor, loser = make_contact(first_name="Ann"), make_contact(email="ann@example.com")
    done = merge(survivor, loser)

    undo(done)

    survivor.refresh_from_db()
    loser.refresh_from_db()
    assert (survivor.email, loser.email) == ("", "ann@example.com")
    assert Contact.objects.with_email("ANN@example.com").get() == loser


def test_undo_gives_back_what_the_survivor_had_where_the_loser_won():
    user = User.objects.create_user("marketer")
    survivor = make_contact(email="ann@example.com", country="DEU", city="Berlin")
    loser = make_contact(email="anna@example.com", country="USA", state="CA", city="Reno")
    done = merge(survivor, loser, decided_by=user, loser_wins=["email", "country"])
    survivor.refresh_from_db()
    merged = (survivor.email, survivor.country, survivor.state, survivor.city)

    restored, not_restored = undo(done)

    survivor.refresh_from_db()
    loser.refresh_from_db()
    assert merged == ("anna@example.com", "USA", "CA", "Berlin")
    assert (survivor.email, survivor.country, survivor.state) == ("ann@example.com", "DEU", "")
    assert loser.email == "anna@example.com"
    assert (restored, not_restored) == ({"fields": ["email", "country", "state"]}, [])


def test_what_was_changed_since_stays_and_is_listed():
    survivor = make_contact(email="ann@example.com")
    loser = make_contact(city="Bern", job_title="Clerk", zip="3000")
    done = merge(survivor, loser)
    update_contact(survivor.pk, {"city": "Rome", "zip": "1"})
    update_contact(survivor.pk, {"zip": "3000"})

    restored, not_restored = undo(done)

    survivor.refresh_from_db()
    assert (survivor.city, survivor.zip, survivor.job_title) == ("Rome", "3000", "")
    assert restored == {"fields": ["job_title"]}
    why = "was changed since the merge: stays with the survivor as it is"
    assert not_restored == [
        {"what": "city", "count": 1, "why": why},
        {"what": "zip", "count": 1, "why": why},
    ]


def test_the_survivor_keeps_no_state_of_another_country():
    survivor = make_contact(email="ann@example.com", country="DEU")
    loser = make_contact(country="USA", state="CA")
    done = merge(survivor, loser, loser_wins=["country"])
    update_contact(survivor.pk, {"state": "NY"})

    _, not_restored = undo(done)

    survivor.refresh_from_db()
    assert (survivor.country, survivor.state) == ("DEU", "")
    assert "only contacts in the USA have a state" in str(not_restored)


def test_an_email_that_a_third_contact_has_by_now_does_not_come_back():
    survivor, loser = make_contact(), make_contact(email="ann@example.com")
    done = merge(survivor, loser)
    update_contact(survivor.pk, {"email": "new@example.com"})
    third = make_contact(email="Ann@Example.com")

    _, not_restored = undo(done)

    loser.refresh_from_db()
    survivor.refresh_from_db()
    assert (loser.email, survivor.email, third.email) == (
        *("", "new@example.com", "Ann@Example.com"),
    )
    taken = {"what": "email", "count": 1, "why": "another contact has it by now"}
    assert taken in not_restored
    (change,) = loser.changes.all()
    assert (change.source, change.before) == ("undo", {"email": "ann@example.com"})


def test_what_was_logged_under_the_guid_of_the_loser_since_is_its_own():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    older = make_contact()
    merge(loser, older)
    done = merge(survivor, loser)
    late = [record(guid) for guid in (loser.guid, older.guid)]
    record(survivor.guid)

    restored, _ = undo(done)

    assert restored == {"activities": 2}
    assert list(loser.activities.order_by("pk")) == late


def test_a_data_input_that_waits_goes_to_the_contact_who_sent_it():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    done = merge(survivor, loser)
    record(loser.guid, type="datainput", value="Form", contact_fields={"ContactCity": "Rome"})

    undo(done)
    do_data_inputs()

    loser.refresh_from_db()
    survivor.refresh_from_db()
    assert (survivor.city, loser.city) == ("", "Rome")


def test_rows_that_were_deleted_or_given_away_since_are_listed():
    survivor, loser, third = make_contact(email="a@example.com"), make_contact(), make_contact()
    gone, moved = (
        ContactIdentifier.objects.create(
            contact=loser, site_id="1", kind="anonymous_id", value=value
        )
        for value in ("one", "two")
    )
    done = merge(survivor, loser)
    gone.delete()
    ContactIdentifier.objects.filter(pk=moved.pk).update(contact=third)
    ContactIdentifier.objects.create(
        contact=survivor, site_id="1", kind="anonymous_id", value="three"
    )

    restored, not_restored = undo(done)

    assert restored == {}
    assert not_restored == [
        {"what": "identifiers", "count": 1, "why": "were deleted since"},
        {"what": "identifiers", "count": 1, "why": "belong to another contact by now"},
        {
            "what": "identifiers",
            "count": 1,
            "why": "came since, and nothing says whose they are: they stay with the survivor",
        },
    ]


@pytest.mark.parametrize(("since", "counts"), [(True, True), (False, False), (None, True)])
def test_a_refusal_since_the_merge_counts_for_both(since, counts):
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    consent = make_consent()
    record_agreement(loser, consent, agreed=True)
    done = merge(survivor, loser)
    if since is not None:
        record_agreement(survivor, consent, agreed=since)

    undo(done)

    assert is_agreed(loser, consent) is counts
    assert is_agreed(survivor, consent) is bool(since)


def test_of_a_merge_from_before_rows_were_kept_is_told_what_can_be():
    survivor = make_contact(email="ann@example.com")
    loser = make_contact(city="Bern")
    make_activity(loser)
    record_agreement(loser, make_consent(), agreed=True)
    done = merge(survivor, loser)
    MovedRows.objects.all().delete()
    ContactChange.objects.filter(merge=done).delete()

    restored, not_restored = undo(done)

    survivor.refresh_from_db()
    assert restored == {"activities": 1, "fields": ["city"]}
    assert survivor.city == ""
    assert not_restored == [
        {
            "what": "agreements",
            "count": 1,
            "why": "moved before the hub kept which rows those were",
        },
    ]


def test_a_second_undo_is_refused():
    done = merge(make_contact(), make_contact())
    undo(done)

    with pytest.raises(CannotUndo, match=f"Merge {done.pk} was undone already."):
        undo_merge(done.pk)


def test_an_undo_after_the_survivor_was_merged_again_names_what_to_undo_first():
    survivor, loser, third = make_contact(), make_contact(), make_contact(email="a@example.com")
    first = merge(survivor, loser)
    later = merge(third, survivor)

    with pytest.raises(CannotUndo, match=f"Undo merge {later.pk} first."):
        undo_merge(first.pk)

    undo(later)
    undo(first)
    assert Contact.objects.live().count() == 3


def test_a_merge_that_moved_nothing_or_waits_has_nothing_to_undo():
    one, other = make_contact(), make_contact()
    requests = [
        request_merge(survivor=one, loser=other, reason=MARKETER),
        request_merge(survivor=other, loser=one, reason=MARKETER),
    ]
    with pytest.raises(CannotUndo, match="was not carried out"):
        undo_merge(requests[0].pk)
    carry_out_merges([request.pk for request in requests])

    with pytest.raises(CannotUndo, match="moved nothing"):
        undo_merge(requests[1].pk)


def test_an_erased_merge_is_not_there():
    survivor, loser = make_contact(), make_contact()
    done = merge(survivor, loser)
    erase_contact(loser.pk)

    with pytest.raises(CannotUndo, match=f"There is no merge {done.pk}."):
        undo_merge(done.pk)


@pytest.mark.parametrize("erased", ["survivor", "loser"])
def test_erasing_one_of_two_who_were_parted_leaves_nothing_of_them(erased):
    survivor = make_contact(email="ann@example.com")
    loser = make_contact(city="Bern", job_title="Clerk", email="")
    done = merge(survivor, loser)
    update_contact(survivor.pk, {"city": "Rome"})
    undo(done)
    gone, stays = (survivor, loser) if erased == "survivor" else (loser, survivor)

    erase_contact(gone.pk)

    stays.refresh_from_db()
    assert list(Contact.objects.all()) == [stays]
    assert not ContactMerge.objects.exists()
    assert not UndoneMerge.objects.exists()
    kept = list(stays.changes.order_by("pk").values_list("before", "after"))
    assert kept == ([({"city": ""}, {"city": "Rome"})] if stays == survivor else [])


def test_an_undone_pair_is_not_merged_again_by_itself():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    undo(merge(survivor, loser))
    third = make_contact()
    merge(loser, third)

    for reason in (ContactMerge.Reason.IDENTIFIER, ContactMerge.Reason.JOURNEY):
        with pytest.raises(CannotMerge, match="two people"):
            request_merge(survivor=survivor, loser=loser, reason=reason)
    again = merge(survivor, loser)

    assert find_contact(third.guid) == survivor
    undo(again)
    assert find_contact(third.guid) == loser


def test_a_merge_that_was_asked_for_before_the_undo_is_dismissed():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    done = merge(survivor, loser)
    waiting = ContactMerge.objects.create(
        survivor=survivor, loser=loser, reason=ContactMerge.Reason.IDENTIFIER
    )
    undo(done)

    do_merges()

    waiting.refresh_from_db()
    assert waiting.status == ContactMerge.Status.DISMISSED
    assert waiting.finished_at is not None
    assert Contact.objects.live().count() == 2


def test_the_email_of_whom_one_is_kept_apart_from_is_another_persons():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    undo(merge(survivor, loser))
    fields = {"ContactEmail": "ann@example.com", "ContactCity": "Rome"}
    record(loser.guid, type="datainput", value="Form", contact_fields=fields)

    do_data_inputs()

    survivor.refresh_from_db()
    loser.refresh_from_db()
    (data_input,) = DataInput.objects.all()
    assert (survivor.city, loser.city) == ("Rome", "")
    assert (data_input.outcome, data_input.sent_by) == ("redirected", loser)


@pytest.mark.django_db(transaction=True)
def test_readers_see_both_contacts_again():
    survivor, loser = make_contact(email="ann@example.com"), make_contact()
    own, given = make_activity(survivor), make_activity(loser)
    done = merge(survivor, loser)
    catch_up()
    assert [seen.last_seen for seen in survivor.seen.all()] == [given.occurred_at]
    assert not loser.seen.exists()

    undo(done)
    catch_up()

    assert survivor.seen.get().last_seen == own.occurred_at
    assert loser.seen.get().last_seen == given.occurred_at
