"""Who was erased and has agreed anew is not refused again by a backup that is restored."""

import json
import uuid

import pytest
from django.db import transaction

from contacts.erased_names import Names, are_erased, lift
from contacts.models import Contact, ErasedName
from privacy import lifts
from privacy.erasing_again import erase_again
from privacy.erasure_file import CannotWrite, path
from privacy.verifying import verify
from tests.factories import make_contact
from tests.privacy.proofs import erase, go_back_to, written

pytestmark = pytest.mark.django_db

EMAIL = "ada@example.com"


@pytest.fixture
def agree(django_capture_on_commit_callbacks):
    """A person gives this email and agrees, in a browser."""

    def agree(email=EMAIL):
        with django_capture_on_commit_callbacks(execute=True):
            return lift(Names(emails=[email]))

    return agree


@pytest.fixture
def again(django_capture_on_commit_callbacks):
    """What the hub does at its start; how many people were erased."""

    def again(**kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return erase_again(lambda text: None, **kwargs).contacts

    return again


def is_refused(email=EMAIL):
    return bool(are_erased(emails=[email]))


def test_a_lift_is_in_the_file_and_names_nobody(agree):
    erase(make_contact(email=EMAIL))

    assert agree() == 2

    line = written()[-1]
    assert line["kind"] == "lift"
    assert set(line["content"]) == {"at", "key", "names"}
    assert [name.partition(":")[0] for name in line["content"]["names"]] == ["email", "email_md5"]
    assert EMAIL not in path().read_text()
    assert verify().is_ok
    assert agree() == 0
    assert len(written("lift")) == 1


def test_a_lift_that_is_taken_back_is_not_in_the_file():
    erase(make_contact(email=EMAIL))

    with transaction.atomic():
        lift(Names(emails=[EMAIL]))
        transaction.set_rollback(True)

    assert written("lift") == []


def test_a_lift_that_cannot_be_written_is_one_all_the_same(agree, monkeypatch, caplog):
    erase(make_contact(email=EMAIL))

    def fail(line):
        raise CannotWrite("There is no room.")

    monkeypatch.setattr(lifts, "append", fail)

    assert agree() == 2
    assert not is_refused()
    assert "is not in the file" in caplog.text


def test_a_backup_of_before_the_lift_does_not_refuse_the_person(agree, again):
    erase(make_contact(email=EMAIL))
    erase(make_contact(email="other@example.com"))
    backup = list(ErasedName.objects.all())
    agree()
    ErasedName.objects.bulk_create(backup, ignore_conflicts=True)
    assert is_refused()

    assert again() == 0

    assert not is_refused()
    assert is_refused("other@example.com")


def test_a_backup_of_before_the_erasure_is_erased_again_without_refusing_the_email(agree, again):
    guid = uuid.uuid4()
    erase(make_contact(guid=guid, email=EMAIL))
    agree()
    go_back_to(0)
    ErasedName.objects.all().delete()
    make_contact(guid=guid, email=EMAIL)

    assert again() == 1

    assert not Contact.objects.exists()
    assert are_erased([str(guid)])
    assert not is_refused()
    # And so it is after the next start, which has a line of the second erasure, too.
    assert again() == 0
    go_back_to(1)
    make_contact(guid=guid, email=EMAIL)
    assert (again(), is_refused()) == (1, False)


def test_who_was_given_the_email_by_an_agreement_is_not_erased(agree, again):
    visitor = make_contact()
    erase(make_contact(email=EMAIL))
    agree()
    Contact.objects.filter(pk=visitor.pk).update(email=EMAIL)

    assert again(all_lines=True) == 0

    assert Contact.objects.get().email == EMAIL
    assert not is_refused()


def test_an_erasure_since_then_counts(agree, again):
    erase(make_contact(email=EMAIL))
    backup = list(ErasedName.objects.all())
    agree()
    erase(make_contact(email=EMAIL))
    ErasedName.objects.exclude(kind="key").delete()
    ErasedName.objects.bulk_create(backup, ignore_conflicts=True)

    assert again() == 0

    assert is_refused()


def test_a_line_that_nobody_here_has_sealed_lifts_nothing(agree, again):
    erase(make_contact(email=EMAIL))
    backup = list(ErasedName.objects.all())
    agree()
    ErasedName.objects.bulk_create(backup, ignore_conflicts=True)
    *others, last = path().read_text().splitlines()
    changed = json.loads(last) | {"seal": "0" * 64}
    path().write_text("\n".join([*others, json.dumps(changed)]) + "\n")

    again()

    assert is_refused()
