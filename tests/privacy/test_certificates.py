"""Certificates of erasures: what they say, that they are a chain, and that nothing edits them."""

import errno
import hashlib
import json
import os
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import Error, connection, transaction
from django.utils import timezone

from activities.erasing import erase_contact, start_erasure
from contacts.erased_names import Names
from contacts.erasures import go_on
from contacts.models import Contact, ContactIdentifier, Erasure
from destinations.models import Delivery, Destination
from privacy.certificates import as_names, because, certificate_of, certificate_of_erasure
from privacy.erasure_file import CannotWrite
from privacy.models import Certificate, ErasureLine
from privacy.verifying import verify
from tests.factories import make_activity, make_contact
from tests.privacy.proofs import erase, written
from tests.threads import run_at_once
from tests.wire.activecampaign_api import ApiClient

pytestmark = pytest.mark.django_db


def make_person():
    """A contact with everything that names a person."""
    contact = make_contact(email="Ada@Example.com", first_name="Ada", last_name="Lovelace")
    ContactIdentifier.objects.create(
        contact=contact, site_id="1", kind="user_id", value="user-4711"
    )
    return contact


def test_a_certificate_says_what_was_erased_when_by_whom_and_why():
    dpo = User.objects.create(username="dora")
    contact = make_person()
    merged = make_contact(merged_into=contact)
    make_activity(contact)
    names = Names(
        guids=[str(contact.guid), str(merged.guid)],
        emails=["ada@example.com"],
        identifiers=[("1", "user_id", "user-4711")],
    )

    certificate = erase(contact, "A letter of 3 May", by=dpo)

    assert Certificate.objects.get() == certificate
    assert certificate.number == 1
    assert (certificate.by, certificate.user) == ("dora", dpo)
    assert (certificate.reason, certificate.source) == ("A letter of 3 May", "request")
    assert certificate.names == as_names(names.digests())
    assert certificate.tables["contacts"] == 2
    assert certificate.tables["activities"] == 1
    assert certificate.rows == sum(certificate.tables.values())
    assert timedelta() <= timezone.now() - certificate.at < timedelta(minutes=1)
    assert certificate.began_at <= certificate.at


def test_neither_certificates_nor_the_file_name_the_person(file_of_erasures):
    contact = make_person()
    guid = str(contact.guid)

    certificate = erase(contact, f"ADA@example.com wrote; {guid.upper()}, Ada Lovelace, user-4711")

    assert certificate.reason == "(erased) wrote; (erased), (erased), (erased)"
    with connection.cursor() as cursor:
        for table in ("privacy_certificate", "privacy_erasureline"):
            cursor.execute(f"SELECT to_jsonb(one)::text FROM {table} AS one")
            rows = [row for (row,) in cursor.fetchall()]
            assert len(rows) == 1
            assert_names_nobody(rows[0], guid)
    assert_names_nobody(file_of_erasures.read_text(), guid)


def assert_names_nobody(text, guid):
    for name in ("ada@example", "lovelace", "user-4711", guid, guid.replace("-", "")):
        assert name not in text.lower()


def test_certificates_are_a_chain_that_anybody_can_check():
    first, second = erase(), erase()

    assert (first.number, first.previous) == (1, "")
    assert (second.number, second.previous) == (2, first.hash)
    text = json.dumps(second.content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert second.hash == hashlib.sha256(text.encode()).hexdigest()
    assert Certificate.objects.get(pk=2).is_unchanged


def test_the_file_has_the_line_of_an_erasure_and_that_of_its_certificate():
    certificate = erase()

    begun, ended = written()

    assert (begun["kind"], ended["kind"]) == ("erasure", "certificate")
    assert begun["hash"] == certificate.line == ErasureLine.objects.get().pk
    assert begun["content"]["names"] == certificate.names
    assert (ended["hash"], ended["content"]) == (certificate.hash, certificate.content)


def test_without_a_reason_in_words_the_certificate_says_what_asked_for_it():
    contact = make_contact()

    erase_contact(contact.pk)

    certificate = Certificate.objects.get()
    assert (certificate.reason, certificate.source) == ("Python code", "code")
    assert certificate.by.startswith(("The hub: ", "Command line: "))


def test_an_erasure_over_the_api_has_a_certificate():
    contact = make_contact(email="ada@example.com")

    assert ApiClient().delete(f"/contacts/{contact.pk}").status_code == 200

    certificate = Certificate.objects.get()
    assert certificate.by == "An application, over /api/3"
    assert certificate.source == "api"


def test_a_worker_that_ends_an_erasure_knows_why_and_by_whom_it_was_begun():
    dpo = User.objects.create(username="dora")
    contact = make_contact()
    guid = contact.guid
    with because("A letter of 3 May"):
        erasure = start_erasure(contact.pk, reason="request", by=dpo)
    assert certificate_of_erasure(erasure.pk) is None
    User.objects.all().delete()

    go_on([erasure.pk])

    certificate = certificate_of_erasure(erasure.pk)
    assert (certificate.reason, certificate.by) == ("A letter of 3 May", "dora")
    assert certificate_of(guid) == certificate


def test_a_certificate_says_which_destinations_were_asked_and_which_could_not_be():
    contact = make_contact()
    asked, switched_off = (
        Destination.objects.create(
            name=name, code_name=name.lower(), url="https://crm.example.com/", enabled=enabled
        )
        for name, enabled in (("CRM", True), ("Old", False))
    )
    for destination in (asked, switched_off):
        Delivery.objects.create(
            destination=destination,
            contact=contact,
            kind="activity",
            source="activity:1",
            payload={},
            status="delivered",
            attempts=1,
            attempted_at=timezone.now(),
            delivered_at=timezone.now(),
            occurred_at=timezone.now(),
        )

    told = {one["code_name"]: one for one in erase(contact).destinations}

    assert told["crm"] == {"name": "CRM", "code_name": "crm", "asked": True, "why": ""}
    assert told["old"]["asked"] is False
    assert told["old"]["why"].startswith("The destination is switched off.")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE privacy_certificate SET reason = 'another'",
        "DELETE FROM privacy_certificate",
        "TRUNCATE privacy_certificate",
        "UPDATE privacy_erasureline SET reason = 'another'",
        "DELETE FROM privacy_erasureline",
        "TRUNCATE privacy_erasureline",
    ],
)
def test_proofs_of_erasures_are_never_edited(statement):
    erase()

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL hub.empties = ''")
        with pytest.raises(Error, match="never edited"), transaction.atomic():
            cursor.execute(statement)

    assert (Certificate.objects.count(), ErasureLine.objects.count()) == (1, 1)


def test_a_user_who_has_erased_somebody_can_be_deleted():
    dpo = User.objects.create(username="dora")
    erase(by=dpo)

    dpo.delete()

    certificate = Certificate.objects.get()
    assert certificate.by == "dora"
    assert certificate.is_unchanged


def no_room(monkeypatch, *, after):
    """The disk has no room left after so many lines."""
    room, write = iter(range(after)), os.write

    def full(descriptor, given):
        if next(room, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, given)

    monkeypatch.setattr("privacy.erasure_file.os.write", full)


def test_nobody_is_erased_if_the_file_cannot_be_written(monkeypatch):
    contact = make_person()
    no_room(monkeypatch, after=0)

    with pytest.raises(CannotWrite, match="No space left on device"):
        erase(contact)

    contact.refresh_from_db()
    assert contact.email == "Ada@Example.com"
    assert contact.identifiers.count() == 1
    assert not Erasure.objects.exists()
    assert not ErasureLine.objects.exists()
    assert written() == []


def test_an_application_is_told_that_nobody_is_erased_for_the_moment(monkeypatch, caplog):
    contact = make_person()
    no_room(monkeypatch, after=0)

    answer = ApiClient().delete(f"/contacts/{contact.pk}")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "cannot keep a record of it" in answer.json()["message"]
    assert Contact.objects.filter(guid=contact.guid, email="Ada@Example.com").exists()
    assert "No space left on device" in caplog.text


def test_an_application_is_not_told_of_what_a_worker_ends(monkeypatch, caplog):
    contact = make_person()
    no_room(monkeypatch, after=1)

    assert ApiClient().delete(f"/contacts/{contact.pk}").status_code == 200

    assert not Contact.objects.filter(guid=contact.guid).exists()
    assert Erasure.objects.get().finished_at is None
    assert "No space left on device" in caplog.text


def test_a_certificate_for_which_there_is_no_room_is_written_when_there_is(monkeypatch):
    contact = make_contact(email="ada@example.com")
    no_room(monkeypatch, after=1)
    with pytest.raises(CannotWrite):
        erase(contact)
    # The person has no name any more, and a worker goes on.
    assert not Contact.objects.with_email("ada@example.com").exists()
    assert not Certificate.objects.exists()
    monkeypatch.undo()

    go_on([Erasure.objects.get().pk])

    assert Certificate.objects.get().reason == "A letter of 3 May"
    assert [line["kind"] for line in written()] == ["erasure", "certificate"]


def test_a_certificate_that_did_not_commit_leaves_no_gap():
    erase()
    with transaction.atomic():
        erase()
        transaction.set_rollback(True)

    last = erase()

    assert last.number == 2
    assert [line["content"]["number"] for line in written("certificate")] == [1, 2, 2]
    assert verify().problems == []


@pytest.mark.django_db(transaction=True)
def test_two_erasures_at_once_have_numbers_without_a_gap():
    people = [make_contact() for _ in range(4)]

    run_at_once(*[lambda one=one: erase(one) for one in people])

    assert list(Certificate.objects.order_by("number").values_list("number", flat=True)) == [
        *range(1, 5)
    ]
    assert verify().problems == []
