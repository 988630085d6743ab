"""The erasure that a request asks for: who says so, what becomes of requests, and the end."""

from threading import Event

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from activities.erasing import erase_contact
from contacts.jobs import ERASURES
from contacts.models import Contact, Erasure
from jobs.working import work_off
from privacy.models import Certificate, PersonRequest
from privacy.requests import answering, erasing
from privacy.requests.people import CannotDo, live_contact_of
from tests.contacts.merged import merge
from tests.factories import make_activity, make_contact
from tests.privacy.asked import ask, ask_and_check
from tests.threads import run_at_once, wait_until_somebody_waits

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    contact = make_contact(email="ann@example.com", first_name="Ann")
    make_activity(contact)
    return contact


@pytest.fixture
def ben():
    return User.objects.create_superuser("ben")


def erase(request, ground, *, by):
    """Ask for the erasure, or begin it, as a user who sees who the person is now."""
    return erasing.ask_or_erase(request.pk, ground, shown=shown_now(request), by=by)


def approve(request, *, by):
    erasing.approve(request.pk, shown=shown_now(request), by=by)


def shown_now(request):
    contact = live_contact_of(PersonRequest.objects.get(pk=request.pk))
    return erasing.shown_of(contact) if contact else ""


def said(request):
    return list(request.events.order_by("pk").values_list("says", flat=True))


def test_an_erasure_ends_the_request_with_its_certificate(ann, admin_user):
    request = ask_and_check("erasure", ann, by=admin_user, notes="About Ann.")

    assert erase(request, "consent", by=admin_user)
    work_off(ERASURES)

    request.refresh_from_db()
    assert not Contact.objects.exists()
    assert (request.status, request.contact, request.notes) == ("done", None, "")
    assert request.ended_by == admin_user
    certificate = Certificate.objects.get()
    assert (request.certificate_number, certificate.source) == (certificate.number, "request")
    assert said(request)[-2:] == [
        "Began the erasure. They have withdrawn their consent (Article 17(1)(b)).",
        "Done: nothing of the person is left.",
    ]


def test_an_erasure_waits_for_the_identity_and_begins_once(ann, admin_user):
    request = ask("erasure", ann)
    with pytest.raises(CannotDo, match="Check first"):
        erase(request, "consent", by=admin_user)
    answering.confirm_identity(request.pk, "known", "", by=admin_user)
    erase(request, "consent", by=admin_user)

    for late in (
        lambda: erase(request, "consent", by=admin_user),
        lambda: answering.refuse(request.pk, "others", "", by=admin_user),
        lambda: answering.withdraw(request.pk, "", by=admin_user),
    ):
        with pytest.raises(CannotDo, match="begun"):
            late()
    assert Erasure.objects.count() == 1


def test_a_second_user_approves_if_so_set(ann, admin_user, ben, settings):
    settings.ERASURE_NEEDS_TWO = True
    request = ask_and_check("erasure", ann, by=admin_user)
    with pytest.raises(CannotDo, match="Nobody asks"):
        approve(request, by=ben)

    assert not erase(request, "not_needed", by=admin_user)
    assert not Erasure.objects.exists()
    with pytest.raises(CannotDo, match="Another user has asked"):
        erase(request, "law", by=ben)
    with pytest.raises(CannotDo, match="another user has to approve"):
        approve(request, by=admin_user)
    approve(request, by=ben)
    work_off(ERASURES)

    request.refresh_from_db()
    assert (request.status, request.erasure_approved_by) == ("done", ben)
    assert request.erasure_asked_by == admin_user
    assert request.ended_by == ben


def test_who_asked_takes_it_back(ann, admin_user, ben, settings):
    settings.ERASURE_NEEDS_TWO = True
    request = ask_and_check("erasure", ann, by=admin_user)
    erase(request, "not_needed", by=admin_user)

    erasing.take_back(request.pk, by=admin_user)

    request.refresh_from_db()
    assert (request.erasure_asked_at, request.erasure_ground) == (None, "")
    with pytest.raises(CannotDo, match="Nobody asks"):
        approve(request, by=ben)
    with pytest.raises(CannotDo, match="Nobody asks"):
        erasing.take_back(request.pk, by=admin_user)


def test_the_database_lets_nobody_approve_of_their_own(ann, admin_user):
    request = ask("erasure", ann)

    with pytest.raises(IntegrityError, match="nobody_approves_of_an_erasure_that_they_asked_for"):
        PersonRequest.objects.filter(pk=request.pk).update(
            erasure_asked_by=admin_user, erasure_approved_by=admin_user
        )


def test_a_merged_person_is_erased_whole(ann, admin_user):
    other = make_contact()
    request = ask_and_check("erasure", other, by=admin_user)
    merge(ann, other)

    erase(request, "consent", by=admin_user)
    work_off(ERASURES)

    request.refresh_from_db()
    assert request.status == "done"
    assert not Contact.objects.exists()


def test_an_erasure_by_other_means_ends_what_asked_for_it(ann, admin_user):
    checked = ask_and_check("erasure", ann, by=admin_user)
    access = ask("access", ann, notes="About Ann.")

    erase_contact(ann.pk, reason="command")

    checked.refresh_from_db()
    access.refresh_from_db()
    assert (checked.status, checked.certificate_number is not None) == ("done", True)
    assert (access.status, access.contact, access.notes) == ("open", None, "")
    assert said(access)[-1] == "The person was erased meanwhile."
    with pytest.raises(CannotDo, match="erased meanwhile"):
        answering.make_file(access.pk, by=admin_user)
    answering.close_without_data(access.pk, by=admin_user)
    access.refresh_from_db()
    assert access.status == "nothing"


def test_an_erasure_of_somebody_unchecked_leaves_the_request_to_a_user(ann, admin_user):
    request = ask("erasure", ann)

    erase_contact(ann.pk, reason="command")

    request.refresh_from_db()
    assert (request.status, request.erasure_id) == ("open", None)
    with pytest.raises(CannotDo, match="erased meanwhile"):
        erase(request, "consent", by=admin_user)
    answering.close_without_data(request.pk, by=admin_user)


def test_requests_that_ended_name_nobody_any_more(ann, admin_user):
    refused = ask("access", ann, notes="About Ann.")
    answering.refuse(refused.pk, "excessive", "Ann again.", by=admin_user)

    erase_contact(ann.pk, reason="command")

    refused.refresh_from_db()
    assert (refused.status, refused.contact, refused.notes) == ("refused", None, "")
    assert set(refused.events.values_list("note", flat=True)) == {""}


@pytest.mark.parametrize("kind", ["access", "erasure"])
def test_a_request_that_came_before_the_hub_knew_the_email_names_nobody_any_more(admin_user, kind):
    request = ask(kind, email="Ann@Example.com", by=admin_user, notes="About Ann.")
    answering.write_note(request.pk, "Ann called.", by=admin_user)
    other = ask(kind, email="ben@example.com", by=admin_user, notes="About Ben.")
    answering.write_note(other.pk, "Ben called.", by=admin_user)
    assert (request.contact, other.contact) == (None, None)
    ann = make_contact(email="ann@example.com")

    erase_contact(ann.pk, reason="command")

    request.refresh_from_db()
    assert (request.email, request.notes, request.status) == ("", "", "open")
    assert set(request.events.values_list("note", flat=True)) == {""}
    assert said(request)[-1] == "The person was erased meanwhile."
    other.refresh_from_db()
    assert (other.email, other.notes) == ("ben@example.com", "About Ben.")
    assert "Ben called." in other.events.values_list("note", flat=True)


def test_the_preview_counts_what_goes_and_names_what_stays(ann):
    found = erasing.preview(ann)

    assert found.deleted["activities"] == 1
    assert found.rows == sum(found.deleted.values())
    assert found.told == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("needs_two", [False, True])
def test_nobody_is_erased_whom_the_user_has_not_seen(ann, admin_user, ben, settings, needs_two):
    settings.ERASURE_NEEDS_TWO = needs_two
    request = ask_and_check("erasure", ann, by=admin_user)
    if needs_two:
        erase(request, "consent", by=admin_user)
    shown, begun = erasing.shown_of(ann), Event()

    def confirm():
        assert begun.wait(30)
        if needs_two:
            erasing.approve(request.pk, shown=shown, by=ben)
        else:
            erasing.ask_or_erase(request.pk, "consent", shown=shown, by=admin_user)

    def merge_meanwhile():
        with transaction.atomic():
            merge(ann, make_contact())
            begun.set()
            wait_until_somebody_waits()

    with pytest.raises(erasing.MergedMeanwhile, match="Look again at what goes"):
        run_at_once(confirm, merge_meanwhile)

    assert not Erasure.objects.exists()
    request.refresh_from_db()
    assert (request.erasure_approved_by, request.erasure_ground) == (
        *(None, "consent" if needs_two else ""),
    )
