"""What is done about an open request: identity, extension, file, end; and what the law forbids."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from privacy.models import AccessFile, PersonRequest
from privacy.requests import answering
from privacy.requests.due import due_after, today
from privacy.requests.letters import letters_for
from privacy.requests.people import CannotDo
from tests.factories import make_contact
from tests.privacy.asked import ask, ask_and_check

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of_ann():
    return ask("access", make_contact(email="ann@example.com"), days=10)


def make_ready(file):
    """The file of a request, as if a worker had made it."""
    AccessFile.objects.filter(pk=file.pk).update(
        status="ready",
        stored_as="file.zip",
        sha256="0" * 64,
        finished_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )


def test_the_identity_is_checked_once_and_says_how_by_whom_and_when(request_of_ann, admin_user):
    answering.doubt_identity(request_of_ann.pk, "No answer yet.", by=admin_user)
    answering.confirm_identity(request_of_ann.pk, "phone", "Called back.", by=admin_user)

    request_of_ann.refresh_from_db()
    assert (request_of_ann.identity, request_of_ann.identity_proof) == ("checked", "phone")
    assert request_of_ann.identity_by == admin_user
    assert request_of_ann.identity_at is not None
    for again in (
        lambda: answering.confirm_identity(request_of_ann.pk, "phone", "", by=admin_user),
        lambda: answering.doubt_identity(request_of_ann.pk, "", by=admin_user),
    ):
        with pytest.raises(CannotDo, match="Another user has checked the identity meanwhile"):
            again()


def test_another_way_to_check_the_identity_has_to_be_written(request_of_ann, admin_user):
    with pytest.raises(CannotDo, match="Write how") as refused:
        answering.confirm_identity(request_of_ann.pk, "other", " ", by=admin_user)

    assert refused.value.field == "text"


@pytest.mark.parametrize("months", [1, 2])
def test_an_extension_counts_from_the_receipt(request_of_ann, admin_user, months):
    told_on = today() - timedelta(days=1)

    answering.extend(request_of_ann.pk, months, "complex", told_on, by=admin_user)

    request_of_ann.refresh_from_db()
    assert request_of_ann.due_on == due_after(request_of_ann.received_on, months)
    assert (request_of_ann.extension_ground, request_of_ann.told_on) == ("complex", told_on)
    with pytest.raises(CannotDo, match="extended already"):
        answering.extend(request_of_ann.pk, 1, "complex", told_on, by=admin_user)


@pytest.mark.parametrize(
    ("days", "told_days", "says"),
    [
        (10, 11, "within the first month"),  # before the receipt
        (80, 20, "within the first month"),  # after the first month
        (10, -1, "still to come"),
    ],
)
def test_an_extension_that_the_person_did_not_learn_in_time_is_refused(
    admin_user, days, told_days, says
):
    request = ask("access", make_contact(), days=days)
    told_on = today() - timedelta(days=told_days)

    with pytest.raises(CannotDo, match=says) as refused:
        answering.extend(request.pk, 2, "many", told_on, by=admin_user)

    assert refused.value.field == "told_on"
    request.refresh_from_db()
    assert request.extended_months == 0


def test_an_extension_can_be_noted_late_if_the_person_was_told_in_time(admin_user):
    request = ask("access", make_contact(), days=40)

    answering.extend(request.pk, 2, "many", today() - timedelta(days=20), by=admin_user)

    request.refresh_from_db()
    assert request.due_on > today()


def test_a_receipt_is_corrected_unless_the_extension_would_come_too_late(
    request_of_ann, admin_user
):
    answering.correct(request_of_ann.pk, today() - timedelta(days=3), "form", by=admin_user)
    request_of_ann.refresh_from_db()
    assert (request_of_ann.received_on, request_of_ann.way) == (
        today() - timedelta(days=3),
        "form",
    )
    with pytest.raises(CannotDo, match="still to come"):
        answering.correct(request_of_ann.pk, today() + timedelta(days=1), "form", by=admin_user)
    answering.extend(request_of_ann.pk, 1, "complex", today(), by=admin_user)

    with pytest.raises(CannotDo, match="told of the extension") as refused:
        answering.correct(request_of_ann.pk, today() - timedelta(days=50), "form", by=admin_user)

    assert refused.value.field == "received_on"


@pytest.mark.parametrize("kind", ["access", "portability"])
def test_a_file_is_made_and_handed_over(kind, admin_user):
    ann = make_contact()
    request = ask(kind, ann)
    with pytest.raises(CannotDo, match="Check first"):
        answering.make_file(request.pk, by=admin_user)
    answering.confirm_identity(request.pk, "account", "", by=admin_user)
    with pytest.raises(CannotDo, match="Make the file first"):
        answering.finish(request.pk, by=admin_user)

    file = answering.make_file(request.pk, by=admin_user)
    assert answering.make_file(request.pk, by=admin_user) == file
    make_ready(file)
    answering.finish(request.pk, by=admin_user)

    request.refresh_from_db()
    assert (file.contact, file.kind) == (ann, kind)
    assert (request.status, request.ended_by) == ("done", admin_user)
    assert [event.kind for event in request.events.order_by("pk")] == [
        *("registered", "identity", "file", "ended"),
    ]


def test_a_request_without_anybody_ends_and_keeps_a_hash_alone(admin_user):
    request = ask("erasure", email="nobody@example.com", notes="Nobody wrote this.")
    answering.write_note(request.pk, "Nobody again.", by=admin_user)

    answering.close_without_data(request.pk, by=admin_user)

    request.refresh_from_db()
    assert (request.status, request.email, request.email_key, request.notes) == (
        *("nothing", "", "", ""),
    )
    assert len(request.person_hash) == 64
    assert set(request.events.values_list("note", flat=True)) == {""}
    with pytest.raises(CannotDo, match="names nobody any more"):
        answering.write_note(request.pk, "Nobody.", by=admin_user)


def test_nothing_is_kept_is_not_said_of_somebody_known(admin_user):
    known, unknown = ask("access", make_contact()), ask("access", email="nobody@example.com")
    make_contact(email="nobody@example.com")

    for request, says in ((known, "keeps data"), (unknown, "by now")):
        with pytest.raises(CannotDo, match=says):
            answering.close_without_data(request.pk, by=admin_user)


def test_a_refusal_and_a_withdrawal_end_the_request_once(request_of_ann, admin_user):
    answering.refuse(request_of_ann.pk, "excessive", "The tenth.", by=admin_user)

    request_of_ann.refresh_from_db()
    assert (request_of_ann.status, request_of_ann.refusal_ground) == ("refused", "excessive")
    for late in (
        lambda: answering.withdraw(request_of_ann.pk, "", by=admin_user),
        lambda: answering.refuse(request_of_ann.pk, "others", "", by=admin_user),
        lambda: answering.extend(request_of_ann.pk, 1, "many", today(), by=admin_user),
        lambda: answering.confirm_identity(request_of_ann.pk, "known", "", by=admin_user),
        lambda: answering.correct(request_of_ann.pk, today(), "form", by=admin_user),
        lambda: answering.make_file(request_of_ann.pk, by=admin_user),
    ):
        with pytest.raises(CannotDo, match="ended this request meanwhile"):
            late()
    other = ask("erasure", make_contact())
    answering.withdraw(other.pk, "Called.", by=admin_user)
    other.refresh_from_db()
    assert other.status == "withdrawn"


def test_what_was_written_about_a_person_goes_whatever_takes_the_contact_away(admin_user):
    ann = make_contact()
    request = ask("access", ann, notes="About Ann.")
    answering.doubt_identity(request.pk, "Ann's passport.", by=admin_user)

    PersonRequest.objects.filter(pk=request.pk).update(contact=None)

    request.refresh_from_db()
    assert request.contact is None
    assert (request.notes, request.identity_note) == ("", "")
    assert set(request.events.values_list("note", flat=True)) == {""}
    assert len(request.person_hash) == 64


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("a_request_is_open_until_it_ends", {"status": "withdrawn"}),
        ("a_request_is_open_until_it_ends", {"ended_at": timezone.now()}),
        (
            "a_request_is_extended_by_two_months_at_most",
            {"extended_months": 3, "extension_ground": "many", "told_on": date(2026, 2, 20)},
        ),
        ("an_extension_says_why_and_when_the_person_was_told", {"extended_months": 1}),
        (
            "a_person_is_told_of_an_extension_within_the_first_month",
            {"extended_months": 1, "extension_ground": "many", "told_on": date(2026, 3, 2)},
        ),
        (
            "a_person_is_told_of_an_extension_within_the_first_month",
            {"extended_months": 1, "extension_ground": "many", "told_on": date(2026, 1, 30)},
        ),
        ("an_identity_is_checked_at_a_time", {"identity": "refused"}),
        ("a_checked_identity_says_how", {"identity": "checked", "identity_at": timezone.now()}),
        (
            "no_data_is_given_or_erased_before_the_identity_is_checked",
            {"status": "done", "ended_at": timezone.now()},
        ),
        ("a_refused_request_says_why", {"status": "refused", "ended_at": timezone.now()}),
        ("an_erasure_has_a_ground", {"erasure_asked_at": timezone.now()}),
        ("an_unknown_person_is_named_until_the_end", {"email": "ann@example.com"}),
    ],
)
def test_the_database_holds_what_must_be_true(constraint, fields):
    request = PersonRequest.objects.create(
        kind="erasure", way="email", contact=make_contact(), received_on=date(2026, 1, 31)
    )

    with pytest.raises(IntegrityError, match=constraint):
        PersonRequest.objects.filter(pk=request.pk).update(**fields)


def test_an_objection_is_done_without_an_identity():
    request = PersonRequest.objects.create(
        kind="objection",
        way="email",
        contact=make_contact(),
        received_on=today(),
        status="done",
        ended_at=timezone.now(),
    )

    assert request.pk


def test_letters_have_the_dates(admin_user):
    request = ask_and_check("access", make_contact(), by=admin_user)
    PersonRequest.objects.filter(pk=request.pk).update(received_on=date(2026, 1, 31))
    request.refresh_from_db()

    letters = {letter.title: letter.text for letter in letters_for(request)}

    assert list(letters) == ["Received", "Who are you?", "It takes longer"]
    assert "On 31 January 2026 we received your request" in letters["Received"]
    assert "answer by 28 February 2026" in letters["Received"]
    assert "answer by 30 April 2026 at the latest" in letters["It takes longer"]
    answering.refuse(request.pk, "others", "", by=admin_user)
    request.refresh_from_db()
    (answer,) = letters_for(request)
    assert "It would harm the rights of other people" in answer.text
    assert "complain to a supervisory authority" in answer.text
