"""A backup brings erased people back, and the hub erases them again before it serves."""

import json
import shutil
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from activities.erasing import erase_contact, erase_contacts
from adminsite.models import AuditEntry
from contacts.erased_names import are_erased
from contacts.models import Contact, ContactIdentifier, ErasedName
from privacy import erasing_again
from privacy.erasing_again import CannotMatch, erase_again
from privacy.erasure_file import line_of
from privacy.models import Certificate, ErasureLine
from privacy.verifying import verify
from tests.contacts.merged import merge
from tests.factories import make_activity, make_contact
from tests.privacy.proofs import erase, go_back_to, unguarded, written
from tests.readers.clusters import another_database, dump, moved_to, of_tests, restore

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_folder():
    """None: by the hub's folder the server of the tests is found, for another connection."""


@pytest.fixture
def said():
    return []


@pytest.fixture
def again(said):
    """Does what the hub does at its start; what came of it, as numbers."""

    def again(**kwargs):
        done = erase_again(said.append, **kwargs)
        return done.lines, done.contacts, done.certificates

    return again


def erase_without_commit(contact):
    with transaction.atomic():
        erase_contact(contact.pk)
        transaction.set_rollback(True)


def person(email="ada@example.com", **fields):
    return make_contact(email=email, **fields)


@pytest.mark.django_db(transaction=True)
def test_a_backup_of_before_an_erasure_is_erased_again(said, again):
    erase(person("first@example.com"))
    contact, other = person(), person("other@example.com")
    merged = make_contact()
    merge(contact, merged)
    make_activity(contact)
    guids = [contact.guid, merged.guid]
    backup = dump(of_tests())
    erase(contact)
    erase(person("came-and-went@example.com"))
    certificates = list(Certificate.objects.order_by("number").values())

    with another_database(of_tests()) as parameters:
        restore(backup, parameters)
        with moved_to(parameters):
            was_back = Contact.objects.filter(guid__in=guids).count()
            done = again()
            left = list(Contact.objects.values_list("guid", flat=True))
            kept = list(Certificate.objects.order_by("number").values())
            erased = are_erased(emails=["ada@example.com", "came-and-went@example.com"])
            verified = verify()
            second = again()

    assert was_back == 2
    assert done == (2, 1, 2)
    assert left == [other.guid]
    assert kept[:3] == certificates
    assert (kept[3]["source"], len(kept)) == ("restored", 4)
    assert kept[3]["reason"].startswith("A backup had brought back a person who was erased on 20")
    assert sorted(erased.emails) == ["ada@example.com", "came-and-went@example.com"]
    assert (verified.count, verified.problems) == (4, [])
    assert second == (0, 0, 0)
    assert said == [
        "Put back from the file of erasures: certificates 2, 3.",
        "Looking for 2 erasures among 3 contacts …",
        "Erased again: 1 person.",
    ]


def test_a_hub_with_nothing_to_do_says_and_does_nothing(
    said, again, django_assert_num_queries, monkeypatch
):
    erase()
    person()
    monkeypatch.setattr(erasing_again, "contacts_named", lambda pairs: pytest.fail("all contacts"))

    with django_assert_num_queries(7):
        done = again()

    assert (done, said) == ((0, 0, 0), [])


def test_a_hub_without_erasures_has_no_file(again, file_of_erasures):
    assert again() == (0, 0, 0)
    assert not file_of_erasures.exists()


def test_who_is_back_is_found_by_a_guid(again):
    contact = make_contact()
    guid = contact.guid
    erase(contact)
    go_back_to(0)
    make_contact(guid=guid, email="another@example.com")

    assert again() == (1, 1, 1)
    assert not Contact.objects.exists()


def test_who_is_back_is_found_by_an_email_in_another_spelling(again):
    erase(person("ada@bücher.example"))
    go_back_to(0)
    before = timezone.now() - timedelta(days=1)
    make_contact(email="ADA@xn--bcher-kva.example", created_at=before)

    assert again() == (1, 1, 1)
    assert not Contact.objects.exists()


def identify(contact, kind="user_id", value="user-4711"):
    ContactIdentifier.objects.create(contact=contact, site_id="1", kind=kind, value=value)
    return contact


def test_who_is_back_is_found_by_an_identifier(again):
    erase(identify(make_contact()))
    go_back_to(0)
    identify(make_contact(created_at=timezone.now() - timedelta(days=1)))

    assert again() == (1, 1, 1)
    assert not Contact.objects.exists()


def test_another_person_with_the_same_browser_stays(again):
    erase(identify(person(), "anonymous_id", "browser-1"))
    go_back_to(0)
    other = person("other@example.com", created_at=timezone.now() - timedelta(days=1))
    identify(other, "anonymous_id", "browser-1")

    assert again() == (1, 0, 1)
    assert Contact.objects.get() == other


def test_who_became_a_contact_after_the_erasure_stays(again):
    erase(person())
    go_back_to(0)
    anew = person()

    assert again() == (1, 0, 1)
    assert Contact.objects.get() == anew


def test_who_was_swallowed_by_another_person_in_the_backup_is_parted_first(again):
    contact, other = person(), person("other@example.com", first_name="Bea")
    guid = contact.guid
    erase(contact)
    go_back_to(0)
    back = make_contact(guid=guid, city="Bern")
    merge(other, back)
    back.refresh_from_db()
    assert back.merged_into == other

    assert again() == (1, 1, 1)
    kept = Contact.objects.get()
    assert (kept.pk, kept.email, kept.first_name) == (other.pk, "other@example.com", "Bea")
    assert kept.city == ""


def test_an_erasure_that_did_not_commit_is_done_at_the_next_start(again):
    contact = person()
    erase_without_commit(contact)
    assert Contact.objects.filter(email="ada@example.com").exists()

    assert again() == (1, 1, 1)
    assert not Contact.objects.exists()
    assert verify().problems == []
    assert again() == (0, 0, 0)


def test_an_erasure_that_was_asked_for_again_spares_who_came_back(again):
    contact = person()
    erase_without_commit(contact)
    erase(contact)
    anew = make_contact(email="ada@example.com", created_at=timezone.now() - timedelta(days=1))

    assert again() == (0, 0, 0)
    assert Contact.objects.get() == anew
    assert ErasureLine.objects.count() == 2


def test_a_start_that_was_killed_is_gone_on_with(again, monkeypatch):
    guids = [uuid.uuid4(), uuid.uuid4()]
    for guid in guids:
        erase(make_contact(guid=guid))
    go_back_to(0)
    for guid in guids:
        make_contact(guid=guid)
    one = iter([erase_contacts])
    monkeypatch.setattr(erasing_again, "_AT_ONCE", 1)

    def killed(*args, **kwargs):
        return next(one)(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(erasing_again, "erase_contacts", killed)
        with pytest.raises(StopIteration):
            again()
    assert Contact.objects.count() == 1

    # Of the first one there is a line by now that the database knows.
    assert again() == (1, 1, 0)
    assert not Contact.objects.exists()
    assert verify().problems == []


def test_certificates_that_somebody_has_deleted_come_back(again, said):
    for _ in range(4):
        erase()
    before = list(Certificate.objects.order_by("number").values())
    with unguarded():
        Certificate.objects.filter(pk__in=[2, 4]).delete()

    assert again() == (0, 0, 2)
    assert list(Certificate.objects.order_by("number").values()) == before
    assert said == ["Put back from the file of erasures: certificates 2, 4."]
    assert AuditEntry.objects.filter(detail=said[0]).exists()


def test_what_somebody_has_added_by_hand_does_not_get_into_the_file(again):
    erase()
    last = Certificate.objects.get()
    made = Certificate.of_content({**last.content, "number": 2, "previous": last.hash}, last.seal)
    made.save(force_insert=True)
    line = line_of("erasure", {**written("erasure")[0]["content"], "names": ["guid:0"]})
    ErasureLine.objects.create(hash=line.hash, content=line.content, seal="0" * 64)

    again()

    assert [line["content"]["number"] for line in written("certificate")] == [1]
    assert len(written("erasure")) == 1
    assert [problem.number for problem in verify().problems] == [2]


def test_a_file_that_was_lost_is_written_again(again, said, file_of_erasures):
    erase()
    erase()
    before = sorted(file_of_erasures.read_text().splitlines())
    file_of_erasures.unlink()

    assert again() == (0, 0, 0)
    assert sorted(file_of_erasures.read_text().splitlines()) == before
    assert said[0].startswith(
        f"The file of erasures, {file_of_erasures}, was not there. 2 erasures"
    )
    assert AuditEntry.objects.filter(detail=said[0]).exists()
    assert verify().problems == []


def test_a_line_that_the_file_of_another_machine_lacks_is_added(again, said, file_of_erasures):
    erase()
    of_this_machine = file_of_erasures.read_text()
    erase()
    file_of_erasures.write_text(of_this_machine)

    assert again() == (0, 0, 0)
    assert said == [f"{file_of_erasures} lacked 1 erasure that the database knows; it was added."]
    assert verify().problems == []


def test_a_new_database_gets_names_and_certificates_from_the_file(again):
    erase()
    go_back_to(0)
    ErasedName.objects.all().delete()

    assert again() == (1, 0, 1)
    assert are_erased(emails=["ada@example.com"]).emails == ["ada@example.com"]


def test_tables_that_were_restored_alone_are_looked_through_on_demand(again):
    contact = make_contact()
    guid = contact.guid
    erase(contact)
    make_contact(guid=guid)

    assert again() == (0, 0, 0)
    assert again(all_lines=True) == (0, 1, 0)
    assert not Contact.objects.exists()


def test_a_torn_line_and_garbage_are_said_and_lose_nothing(again, said, file_of_erasures):
    contact = make_contact()
    guid = contact.guid
    erase(contact)
    go_back_to(0)
    make_contact(guid=guid)
    file_of_erasures.write_text(f'garbage\n{file_of_erasures.read_text()}{{"kind"')

    assert again() == (1, 1, 1)
    assert said[0].startswith(f"Line 1 of {file_of_erasures} cannot be read.")
    assert said[1].startswith(f"The last line of {file_of_erasures} has no end")


def test_erasures_under_another_key_keep_the_hub_from_serving(again, settings, file_of_erasures):
    erase()
    go_back_to(0)
    settings.ERASURE_KEY = "the key of another hub, which is long enough, too"

    with pytest.raises(CannotMatch, match="under another ERASURE_KEY"):
        again()

    assert not ErasureLine.objects.exists()


def test_names_under_a_key_that_was_lost_keep_the_hub_from_serving(again, settings, tmp_path):
    """Nobody who was erased would be known, nobody new could be recorded, and nobody erased."""
    settings.ERASURE_KEY, settings.ERASURES_DIR = "", tmp_path / "another"
    erase()
    shutil.rmtree(settings.ERASURES_DIR)
    settings.ERASURES_DIR = tmp_path / "new"

    with pytest.raises(CannotMatch, match="put the file key of before back into"):
        again()


def test_a_changed_line_keeps_the_hub_from_serving(again, file_of_erasures):
    erase()
    go_back_to(0)
    lines = [json.loads(line) for line in file_of_erasures.read_text().splitlines()]
    lines[0]["content"]["names"] = ["guid:0"]
    file_of_erasures.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    with pytest.raises(CannotMatch, match="were changed"):
        again()


def test_a_known_line_under_another_key_is_no_hindrance(again, settings, said, file_of_erasures):
    erase()
    ErasedName.objects.all().delete()
    settings.ERASURE_KEY = "the key of another hub, which is long enough, too"

    assert again() == (0, 0, 0)
    assert said == [f"2 lines of {file_of_erasures} were written under another ERASURE_KEY."]
