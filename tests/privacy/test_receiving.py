"""A request comes in: of somebody known or unknown, once or again, now or long ago."""

import hashlib
from datetime import date, timedelta
from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contacts.models import ContactIdentifier
from privacy.models import PersonRequest, RequestEvent
from privacy.requests import receiving
from privacy.requests.answering import (
    close_without_data,
    confirm_identity,
    extend,
    withdraw,
)
from privacy.requests.due import today
from privacy.requests.naming import hash_of_person
from privacy.requests.people import CannotDo, contact_with
from privacy.requests.receiving import connect, receive
from tests.contacts.merged import merge
from tests.factories import make_channel, make_contact
from tests.privacy.asked import ask
from tests.threads import run_at_once, wait_until_somebody_waits

pytestmark = pytest.mark.django_db


def said(request):
    return list(request.events.order_by("pk").values_list("says", flat=True))


def test_a_request_is_due_a_month_after_its_receipt(admin_user):
    ann = make_contact(email="ann@example.com")

    came = receive(
        "access",
        contact_id=ann.pk,
        way="letter",
        received_on=date(2026, 1, 31),
        notes="Please send me everything.",
        by=admin_user,
    )

    assert came.is_new
    request = PersonRequest.objects.get()
    assert (request.contact, request.status, request.identity) == (ann, "open", "unchecked")
    assert (request.due_on, request.first_due_on) == (date(2026, 2, 28), date(2026, 2, 28))
    assert request.person_hash == hash_of_person(email="Ann@Example.com")
    assert said(request) == ["Received on 31 January 2026, by letter."]


@pytest.mark.parametrize(
    ("day", "says"),
    [
        (today() + timedelta(days=1), "This day is still to come"),
        (date(2018, 5, 24), "from 25 May 2018 on"),
        (date(1899, 12, 31), "from 25 May 2018 on"),
    ],
)
def test_a_day_that_cannot_be_is_refused(day, says):
    with pytest.raises(CannotDo, match=says) as refused:
        receive("access", email="x@example.com", way="email", received_on=day, by=None)

    assert refused.value.field == "received_on"
    assert not PersonRequest.objects.exists()


def test_a_very_old_receipt_is_overdue_at_once():
    request = ask("access", make_contact(), days=900)

    assert request.due_on < today()


def test_a_second_request_joins_the_open_one_of_the_same_kind():
    ann = make_contact()
    first = ask("access", ann, days=5)

    again = ask("access", ann, days=2, way="phone", notes="Called and asked again.")
    other = ask("erasure", ann)

    assert (again.pk, other.pk != first.pk) == (first.pk, True)
    assert PersonRequest.objects.count() == 2
    event = first.events.get(kind=RequestEvent.Kind.AGAIN)
    day = today() - timedelta(days=2)
    assert event.says == f"Received again on {day.day} {day:%B %Y}, by phone."
    assert event.note == "Called and asked again."
    assert again.received_on == today() - timedelta(days=5)


def test_a_letter_that_had_come_earlier_moves_the_month_back():
    ann = make_contact()
    first = ask("access", ann, days=5)

    ask("access", ann, days=12, way="letter")

    first.refresh_from_db()
    assert first.received_on == today() - timedelta(days=12)
    assert "the month runs from this day" in said(first)[-1]


def test_an_earlier_letter_never_makes_an_extension_unlawful(admin_user):
    ann = make_contact()
    first = ask("access", ann, days=5)
    extend(first.pk, 1, "complex", today(), by=admin_user)

    ask("access", ann, days=40)

    first.refresh_from_db()
    assert first.received_on == today() - timedelta(days=5)


def test_a_request_after_the_end_of_the_first_is_a_new_one():
    first = ask("access", email="nobody@example.com")
    close_without_data(first.pk, by=None)

    assert ask("access", email="nobody@example.com").pk != first.pk


def test_who_was_merged_joins_the_request_of_either():
    ann, other = make_contact(email="ann@example.com"), make_contact()
    of_other = ask("access", other)
    merge(ann, other)

    assert ask("access", ann).pk == of_other.pk
    assert ask("access", other).pk == of_other.pk
    assert ask("erasure", other).contact == ann


def test_somebody_unknown_is_registered_by_the_email_in_any_spelling():
    request = ask("erasure", email="Nobody@Example.com")

    assert request.is_of_unknown
    assert ask("erasure", email="nobody@EXAMPLE.com").pk == request.pk
    assert str(request) == f"Erasure, received on {today().day} {today():%B %Y}"


def test_an_email_that_a_contact_has_is_that_contact():
    ann = make_contact(email="ann@example.com")

    request = ask("access", email="ANN@example.com")

    assert (request.contact, request.email) == (ann, "")


def test_what_is_no_email_is_refused():
    with pytest.raises(CannotDo, match="valid email") as refused:
        ask("access", email="ann at example")

    assert refused.value.field == "who"


def test_somebody_is_known_by_an_email_of_before_a_merge_or_on_a_site(admin_user):
    ann, other = make_contact(email="ann@example.com"), make_contact(email="a@example.com")
    merge(ann, other, decided_by=admin_user)
    ben = make_contact()
    site = make_channel().site_id
    ContactIdentifier.objects.create(
        contact=ben, site_id=site, kind="user_id", value="ben@example.com"
    )
    cora = make_contact()
    digest = hashlib.sha256(b"cora@example.com").hexdigest()
    ContactIdentifier.objects.create(contact=cora, site_id=site, kind="email_sha256", value=digest)

    found = [contact_with(f"{name}@example.com") for name in ("a", "ben", "cora", "dora")]

    assert found == [ann, ben, cora, None]


def test_an_unknown_person_who_comes_to_be_known_keeps_the_request():
    request = ask("access", email="new@example.com", days=3)
    new = make_contact(email="new@example.com")

    joined = ask("access", new)

    assert (joined.pk, joined.contact, joined.email) == (request.pk, new, "")


def test_an_unknown_person_is_connected_with_a_contact(admin_user):
    request = ask("access", email="ann@elsewhere.example", notes="She wrote from work.")
    ann = make_contact(email="ann@example.com")

    goes_on = connect(request, ann.pk, by=admin_user)

    assert (goes_on.pk, goes_on.contact, goes_on.email) == (request.pk, ann, "")
    assert goes_on.person_hash == hash_of_person(email="ann@example.com")
    with pytest.raises(CannotDo, match="meanwhile"):
        connect(request, ann.pk, by=admin_user)


def test_connecting_with_somebody_who_has_one_open_joins_that_one(admin_user):
    ann = make_contact(email="ann@example.com")
    hers = ask("access", ann, days=1)
    request = ask("access", email="ann@elsewhere.example", days=4, notes="From work.")

    goes_on = connect(request, ann.pk, by=admin_user)

    request.refresh_from_db()
    assert goes_on.pk == hers.pk
    assert goes_on.received_on == today() - timedelta(days=4)
    assert (request.status, request.email, request.notes) == ("joined", "", "")
    assert hers.events.get(kind="again").note == "From work."


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", ["withdrawn", "identity"])
def test_connecting_undoes_nothing_that_another_user_does_just_now(admin_user, deed):
    ann = make_contact(email="ann@example.com")
    hers = ask("access", ann, days=1)
    request = ask("access", email="ann@elsewhere.example", days=4)
    begun = Event()

    def connecting():
        assert begun.wait(30)
        return connect(request, ann.pk, by=admin_user).pk

    def doing():
        with transaction.atomic():
            if deed == "identity":
                confirm_identity(hers.pk, "account", "", by=admin_user)
            else:
                withdraw(hers.pk, "", by=admin_user)
            begun.set()
            wait_until_somebody_waits()

    goes_on, _ = run_at_once(connecting, doing)

    hers.refresh_from_db()
    request.refresh_from_db()
    if deed == "identity":
        assert (goes_on, request.status) == (hers.pk, "joined")
        assert (hers.status, hers.identity) == ("open", "checked")
        assert hers.received_on == today() - timedelta(days=4)
    else:
        assert (goes_on, request.status, request.contact) == (request.pk, "open", ann)
        assert (hers.status, hers.ended_by) == ("withdrawn", admin_user)


def test_a_receipt_that_joins_writes_nothing_but_what_changes(admin_user):
    ann = make_contact(email="ann@example.com")
    ask("access", ann, days=1)

    with CaptureQueriesContext(connection) as asked:
        ask("access", ann, days=4)

    (update,) = [one["sql"] for one in asked if one["sql"].startswith("UPDATE")]
    assert update.startswith('UPDATE "privacy_personrequest" SET "received_on" = ')
    assert '"status"' not in update.partition("WHERE")[0]


def test_somebody_who_was_erased_gets_no_request():
    with pytest.raises(CannotDo, match="was erased meanwhile"):
        receive("access", contact_id=2**40, way="email", received_on=today(), by=None)


def test_the_database_holds_one_open_request_of_a_kind():
    ann = make_contact()
    ask("access", ann)
    ask("access", email="nobody@example.com")
    fields = {"kind": "access", "way": "email", "received_on": today()}

    for who in ({"contact": ann}, {"email": "NOBODY@example.com"}):
        with pytest.raises(IntegrityError, match="one_open_request_per"), transaction.atomic():
            PersonRequest.objects.create(**fields, **who)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_request_that_is_entered_twice_at_once_is_one(is_known):
    ann = make_contact(email="ann@example.com")
    email = "ann@example.com" if is_known else "nobody@example.com"

    def enter():
        return ask("erasure", ann if is_known else None, email=email).pk

    made = run_at_once(*[enter] * 8)

    assert len(set(made)) == 1
    assert PersonRequest.objects.count() == 1
    assert RequestEvent.objects.filter(kind="again").count() == 7


def test_no_request_is_lost_if_another_is_registered_just_now(monkeypatch):
    first = ask("access", email="nobody@example.com")
    found = iter([PersonRequest.objects.none()])
    open_ones = PersonRequest.objects.open
    monkeypatch.setattr(
        receiving.PersonRequest.objects, "open", lambda: next(found, None) or open_ones()
    )

    assert ask("access", email="nobody@example.com").pk == first.pk
