"""People are erased in portions: names first, and whatever dies in between, the rest goes on."""

import threading

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from activities.drafts import Draft
from activities.erasing import erase_contact, preview_erasure, start_erasure
from activities.models import Activity, ActivityTypeUse, DataInput
from activities.recording import record_activities
from activities.seen import catch_up
from activities.submissions import Source
from contacts import erasing_rows, erasures
from contacts.erased_names import are_erased
from contacts.erasures import register_erasure_witness
from contacts.identifying import Identity, identify
from contacts.jobs import ERASURES
from contacts.merging import lock_live, request_merge
from contacts.models import Contact, ContactIdentifier, ContactMerge, ErasedName, Erasure
from contacts.resolving import UnknownContact, find_contact
from jobs.working import work_off
from tests.factories import make_activity, make_channel, make_contact, make_group
from tests.threads import run_at_once
from tests.work import do_data_inputs, do_merges

pytestmark = pytest.mark.django_db

EMAIL = "ann@example.com"


class Died(BaseException):
    """A worker was killed."""


@pytest.fixture
def portions(monkeypatch):
    """Portions of two rows."""
    monkeypatch.setattr(erasing_rows, "PORTION", 2)


@pytest.fixture
def witness(monkeypatch):
    """What a record of erasures is told."""
    told = []
    monkeypatch.setattr(erasures, "_begun", [])
    monkeypatch.setattr(erasures, "_done", [])
    register_erasure_witness(
        begun=lambda *given: told.append(("begun", *given)),
        done=lambda *given: told.append(("done", *given)),
    )
    return told


def make_person(activities=5):
    """Somebody with a user ID and some activities."""
    contact = identify(Identity(site_id="1", user_id="4711", email=EMAIL))
    channel = make_channel()
    for _ in range(activities):
        make_activity(contact, channel=channel)
    return contact


def test_erasure_tells_what_is_gone(witness):
    person, officer = make_person(), User.objects.create(username="dpo")
    loser = make_contact()
    request_merge(survivor=person, loser=loser, reason=ContactMerge.Reason.MARKETER)
    do_merges()
    expected = preview_erasure(person.pk)

    erased = erase_contact(loser.pk, reason="request", by=officer)

    assert sorted(erased.guids) == sorted([str(person.guid), str(loser.guid)])
    assert (erased.emails, erased.email_keys) == ([EMAIL], [EMAIL])
    assert [one.value for one in erased.identifiers] == ["4711"]
    assert (erased.counts["activities"], erased.counts["contacts"]) == (5, 2)
    assert expected["deleted"]["activities"] == 5
    assert expected["deleted"]["contacts"] == 2
    (begun, first, *of_begun), (done, last, *of_done) = witness
    assert (begun, of_begun) == ("begun", ["request", officer])
    assert (done, of_done) == ("done", ["request", officer])
    assert first.erasure_id == last.erasure_id == erased.erasure_id
    assert (first.counts, last.counts) == ({}, erased.counts)


def test_row_of_a_finished_erasure_names_nobody():
    erased = erase_contact(make_person().pk, reason="api")

    row = Erasure.objects.get()
    assert (row.pk, row.reason, row.contact_ids, row.names) == (erased.erasure_id, "api", [], {})
    assert row.counts == erased.counts
    assert row.finished_at is not None


def test_preview_counts_what_becomes_of_which_rows():
    person = make_person(3)
    make_group(members=[person])

    found = preview_erasure(person.pk)

    assert found["deleted"] == {
        "activities": 3,
        "changes": 1,
        "contacts": 1,
        "identifiers": 1,
        "memberships": 1,
    }
    assert (found["cleared"], found["kept"]) == ({}, {})


def test_who_has_lost_the_names_leads_to_nobody(portions):
    person = make_person()

    started = start_erasure(person.pk, reason="request")

    assert started.finished_at is None
    assert find_contact(person.guid) is None
    assert not Contact.objects.live().exists()
    with pytest.raises(Contact.DoesNotExist), transaction.atomic():
        lock_live(person.pk)
    left = Contact.objects.get(pk=person.pk)
    assert (left.email, left.guid == person.guid, left.merged_into_id) == ("", False, left.pk)
    assert not ContactIdentifier.objects.exists()
    assert are_erased([str(person.guid)], [EMAIL])
    for act in (erase_contact, preview_erasure):
        with pytest.raises(Contact.DoesNotExist):
            act(person.pk)


def test_worker_ends_what_was_started(portions, witness):
    person = make_person()
    start_erasure(person.pk, reason="request")

    work_off(ERASURES)

    assert not Contact.objects.exists()
    assert not Activity.objects.exists()
    assert [what for what, *_ in witness] == ["begun", "done"]
    assert witness[-1][1].counts["activities"] == 5


@pytest.mark.parametrize("portion", [0, 1, 2])
def test_erasure_that_dies_between_two_portions_goes_on(portions, witness, monkeypatch, portion):
    person, other = make_person(), make_activity()
    next_portion = erasures._next_portion
    left = [portion]

    def die_later(key):
        if not left[0]:
            raise Died
        left[0] -= 1
        return next_portion(key)

    monkeypatch.setattr(erasures, "_next_portion", die_later)
    with pytest.raises(Died):
        erase_contact(person.pk)
    monkeypatch.setattr(erasures, "_next_portion", next_portion)
    assert Erasure.objects.get().names["guids"] == [str(person.guid)]
    Erasure.objects.update(due_at="2026-01-01T00:00Z")

    work_off(ERASURES)

    assert list(Activity.objects.all()) == [other]
    assert list(Contact.objects.all()) == [other.contact]
    assert witness[-1][1].counts["activities"] == 5


@pytest.mark.parametrize("step", ["_forget_text", "_finish"])
def test_erasure_that_dies_at_the_end_goes_on(monkeypatch, witness, step):
    person = make_person()

    def die(*_):
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(erasures, step, die)
        with pytest.raises(Died):
            erase_contact(person.pk)
    Erasure.objects.update(due_at="2026-01-01T00:00Z")
    work_off(ERASURES)

    assert not Contact.objects.exists()
    assert [what for what, *_ in witness] == ["begun", "done"]


def test_record_that_cannot_be_kept_keeps_the_person(witness):
    person = make_person()

    def refuse(*_):
        raise OSError("The disk is full.")

    register_erasure_witness(begun=refuse)
    with pytest.raises(OSError, match="full"):
        erase_contact(person.pk)

    assert find_contact(person.guid) == person
    assert not Erasure.objects.exists()
    assert not ErasedName.objects.exists()


def test_what_was_counted_follows_every_portion(portions):
    person, other = make_person(), make_activity()
    catch_up()
    use = ActivityTypeUse.objects.get(type=other.type)
    assert use.count == 6

    erase_contact(person.pk)

    use.refresh_from_db()
    assert (use.count, use.last_at) == (1, other.occurred_at)


def test_email_that_somebody_else_has_by_now_is_theirs():
    person = make_person()
    Contact.objects.filter(pk=person.pk).update(email="new@example.com")
    make_contact(email=EMAIL)

    erased = erase_contact(person.pk)

    assert erased.email_keys == ["new@example.com"]
    assert not are_erased(emails=[EMAIL])


def test_nobody_with_a_name_is_merged_into_themselves():
    contact = make_contact(first_name="Ann")

    with pytest.raises(IntegrityError, match="only_who_is_being_erased"), transaction.atomic():
        Contact.objects.filter(pk=contact.pk).update(merged_into=contact.pk)


def test_data_input_that_came_before_the_erasure_brings_nobody_back():
    person, sender = make_person(), make_contact()
    DataInput.objects.create(
        contact=sender, activity=make_activity(sender), fields={"email": EMAIL, "city": "Bern"}
    )
    erase_contact(person.pk)

    do_data_inputs()

    sender.refresh_from_db()
    assert (sender.email, sender.city) == ("", "")
    one = DataInput.objects.get()
    assert (one.outcome, one.fields) == ("applied", {})
    assert one.detail == "It gave the email of a person who was erased, and was not applied."


@pytest.mark.django_db(transaction=True)
def test_two_erasures_at_once_erase_one_person(witness):
    person = make_person()

    def erase():
        try:
            return erase_contact(person.pk).guids
        except Contact.DoesNotExist:
            return None

    results = run_at_once(erase, erase, erase)

    assert [one for one in results if one] == [[str(person.guid)]]
    assert [what for what, *_ in witness] == ["begun", "done"]
    assert not Contact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_others_record_while_portions_go(portions, monkeypatch):
    person, other, channel = make_person(), make_contact(), make_channel()
    next_portion, is_amid, has_recorded = erasures._next_portion, threading.Event(), []

    def wait_amid(key):
        with transaction.atomic():
            is_more = next_portion(key)
            is_amid.set()
            # The portion is not committed before the others have recorded.
            assert recorded.wait(20)
        return is_more

    recorded = threading.Event()
    monkeypatch.setattr(erasures, "_next_portion", wait_amid)

    def record():
        assert is_amid.wait(20)
        source = Source(door="test", channel=channel, request_id=person.guid)
        draft = Draft(type="click", value="Buy")
        has_recorded.append(record_activities([draft], contact_guid=other.guid, source=source))
        with pytest.raises(UnknownContact):
            record_activities([draft], contact_guid=person.guid, source=source)
        recorded.set()

    run_at_once(lambda: erase_contact(person.pk), record)

    assert Activity.objects.get().contact == other


@pytest.mark.django_db(transaction=True)
def test_what_was_on_its_way_when_the_names_went_goes_at_the_end(monkeypatch):
    person, channel = make_person(0), make_channel()
    finish = erasures._finish
    is_there, is_closed, is_written = (threading.Event() for _ in range(3))

    def write_late():
        with transaction.atomic():
            # Its writer had found the contact before the names went.
            make_activity(Contact(pk=person.pk, guid=person.guid), channel=channel)
            is_there.set()
            assert is_closed.wait(20)
        is_written.set()

    def finish_later(key):
        is_closed.set()
        assert is_written.wait(20)
        finish(key)

    monkeypatch.setattr(erasures, "_finish", finish_later)

    def erase():
        assert is_there.wait(20)
        return erase_contact(person.pk).counts["activities"]

    assert run_at_once(write_late, erase) == [None, 1]
    assert not Contact.objects.exists()
    assert not Activity.objects.exists()
