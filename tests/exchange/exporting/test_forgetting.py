"""Files are deleted when their time is over, and when somebody in them is erased."""

import os
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from activities.erasing import erase_contact, erase_contacts
from activities.models import Activity, ActivityType
from adminsite.models import AuditEntry
from contacts.models import Contact
from exchange.exporting import finishing, making
from exchange.exporting.files import file_of
from exchange.exporting.forgetting import (
    BEGUN_ANEW,
    BY_USER,
    ERASED,
    EXPIRED,
    FILTER_FORGOTTEN,
    delete_file,
    delete_old_files,
)
from exchange.exporting.making import cancel
from exchange.models import Export
from jobs.declaring import periodic
from tests.exchange.exporting.exports import ask, finish, made, rows_of, turn
from tests.factories import make_activity, make_contact
from tests.threads import run_at_once, wait_until_somebody_waits

pytestmark = pytest.mark.django_db


@pytest.fixture
def erase(django_capture_on_commit_callbacks):
    def erase(contact):
        with django_capture_on_commit_callbacks(execute=True):
            erase_contact(contact.pk)

    return erase


def test_a_file_is_kept_for_the_days_of_the_setting(
    marketer, settings, django_capture_on_commit_callbacks
):
    settings.EXPORT_DAYS = 2
    export = made(marketer, "email")
    assert export.expires_at - export.finished_at == timedelta(days=2)

    delete_old_files()
    assert file_of(export).exists()
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        periodic["delete old exports"].do()

    export.refresh_from_db()
    assert (export.status, export.reason) == ("deleted", EXPIRED)
    assert not file_of(export).exists()
    assert export.sha256 != ""  # the log stays


def test_the_file_of_a_person_who_is_erased_is_deleted(marketer, erase, folder):
    contact = make_contact(email="ann@example.com")
    make_activity(contact)
    of_contacts = made(marketer, "email")
    of_activities = made(marketer, "guid", model=Activity)
    of_types = made(marketer, "name", model=ActivityType)
    assert len(os.listdir(folder)) == 3

    erase(contact)

    for export in (of_contacts, of_activities, of_types):
        export.refresh_from_db()
    assert (of_contacts.status, of_contacts.reason) == ("deleted", ERASED)
    assert of_activities.status == "deleted"
    assert of_types.status == "done"
    assert os.listdir(folder) == [file_of(of_types).name]


def test_a_file_from_before_the_person_was_known_stays(marketer, erase):
    export = made(marketer, "email")
    contact = make_contact(created_at=timezone.now() + timedelta(seconds=1))

    erase(contact)

    export.refresh_from_db()
    assert export.status == "done"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_being_made_begins_again_without_the_person(marketer, erase, form):
    contact, other = make_contact(first_name="Ann"), make_contact(first_name="Ben")
    export = ask(marketer, "first_name", form=form)
    turn(export)
    assert (export.status, export.found) == ("waiting", 2)

    erase(contact)

    assert rows_of(finish(export))[1:] == [[other.first_name]]
    assert export.found == 1


def test_a_file_that_is_finished_while_somebody_is_erased_is_not_handed_over(
    marketer, erase, monkeypatch
):
    contact = make_contact(first_name="Ann")
    export = ask(marketer, "first_name", form="xlsx")
    turn(export)
    hand_over = making._hand_over

    def erase_first(*arguments):
        monkeypatch.setattr(making, "_hand_over", hand_over)
        erase(contact)
        hand_over(*arguments)

    monkeypatch.setattr(making, "_hand_over", erase_first)
    turn(export)

    assert (export.status, export.found) == ("waiting", 0)
    assert rows_of(finish(export)) == [["first_name"]]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_file_that_is_being_handed_over_when_an_erasure_begins_is_deleted(marketer, monkeypatch):
    """The erasure sees it as waiting, waits for the worker, and then it is ready."""
    contact = make_contact(first_name="Ann")
    export = ask(marketer, "first_name")
    turn(export)
    is_held = threading.Event()

    def note(*arguments, **named):
        is_held.set()
        wait_until_somebody_waits()

    def begin():
        assert is_held.wait(20)
        erase_contact(contact.pk)

    monkeypatch.setattr(making, "note", note)
    run_at_once(lambda: making.go_on([export.pk]), begin)

    export.refresh_from_db()
    assert (export.status, export.reason) == ("deleted", ERASED)
    assert not file_of(export).exists()


def test_what_a_killed_worker_has_left_of_a_workbook_goes(marketer, folder):
    make_contact(first_name="Ann")
    export = ask(marketer, "first_name", form="xlsx")
    turn(export)
    left = folder / f"{export.file}.abc.work"
    left.mkdir()
    (left / "sheet.xml").write_text("rows of persons")

    assert finish(export).status == "done"

    assert os.listdir(folder) == [file_of(export).name]


def test_work_that_is_deleted_under_the_hands_of_a_worker_is_no_failure(marketer, monkeypatch):
    make_contact(first_name="Ann")
    export = ask(marketer, "first_name", form="xlsx")
    turn(export)

    start = finishing._Making.start

    def cancel_first(making):
        cancel(export)
        start(making)

    def fail(making):
        raise FileNotFoundError("made")

    monkeypatch.setattr(finishing._Making, "start", cancel_first)
    monkeypatch.setattr(finishing._Making, "_make", fail)
    turn(export)

    assert (export.status, export.last_error) == ("cancelled", "")


def test_files_whose_worker_was_killed_before_it_deleted_them_go_with_the_next_look(
    marketer, folder
):
    deleted, cancelled = made(marketer, "email"), ask(marketer, "email")
    turn(cancelled)
    Export.objects.filter(pk=deleted.pk).update(status="deleted")
    Export.objects.filter(pk=cancelled.pk).update(status="cancelled", finished_at=timezone.now())
    assert len(os.listdir(folder)) == 2

    delete_old_files()

    assert os.listdir(folder) == []


def test_an_audit_log_that_was_exported_goes_with_a_person(user_with, erase):
    export = made(user_with("dpo"), model=AuditEntry)

    erase(make_contact(created_at=timezone.now() - timedelta(days=1)))

    export.refresh_from_db()
    assert export.status == "deleted"


def test_nothing_is_read_while_somebody_is_being_erased(marketer, monkeypatch):
    make_contact()
    export = ask(marketer, "email")
    monkeypatch.setattr(making, "try_hold_off_erasures", lambda: False)

    turn(export)

    assert (export.status, export.found, export.written) == ("waiting", 0, 0)
    monkeypatch.undo()


@pytest.mark.parametrize(
    "query",
    [
        *("q=ann%40example.com", "q=Ann+Miller", "q={guid}", "q=ANN%40EXAMPLE.COM"),
        *("q=Dr.+Ann+Miller", "q=%22Ann%20Miller%22", "country=AUT&q=%2B43+664+123456"),
    ],
)
def test_a_filter_that_names_the_person_is_forgotten(marketer, erase, query):
    contact = make_contact(
        **{"email": "ann@example.com", "first_name": "Ann", "last_name": "Miller"},
        **{"country": "AUT", "mobile_phone": "+43 664 123456"},
    )
    ready = made(marketer, "email", query=query.format(guid=contact.guid))
    other = made(marketer, "email", query="country=AUT")
    waiting = ask(marketer, "email", query=query.format(guid=contact.guid))

    erase(contact)

    for export in (ready, waiting, other):
        export.refresh_from_db()
    assert (ready.query, ready.filters) == ("", "forgotten, as it named somebody who was erased")
    # Without its filter it would be the file of all.
    assert (waiting.query, waiting.status) == ("", "stopped")
    assert other.query == "country=AUT"


@pytest.mark.parametrize(
    "query", ["q=Annabel+Miller", "q=ann", "q=joann%40example.com", "country=AUT&q=2026"]
)
def test_a_filter_that_names_nobody_stays(marketer, erase, query):
    """A first name is in many a word, and a short number in many an address."""
    contact = make_contact(
        email="ann@example.com", first_name="Ann", last_name="Miller", business_phone="2026"
    )
    make_contact(first_name="Annabel", last_name="Miller")
    ready, waiting = made(marketer, "email", query=query), ask(marketer, "email", query=query)

    erase(contact)

    for export in (ready, waiting):
        export.refresh_from_db()
        assert (export.query, export.filters) == (query, "a filter")
    assert finish(waiting).status == "done"


def test_filters_of_many_are_looked_at_once(marketer):
    people = [make_contact(email=f"p{number}@example.com") for number in range(120)]
    named, other = (made(marketer, "email", query=f"q={one}") for one in ("p77@example.com", "x"))

    erase_contacts([one.pk for one in people], lambda ids: ids)

    named.refresh_from_db()
    other.refresh_from_db()
    assert (named.query, other.query) == ("", "q=x")


def test_what_was_gathered_under_a_forgotten_filter_is_deleted(marketer, erase, folder):
    contact = make_contact(email="ann@example.com")
    export = ask(marketer, "email", query="q=ann%40example.com")
    turn(export)
    assert len(os.listdir(folder)) == 1

    erase(contact)

    export.refresh_from_db()
    assert (export.status, export.reason) == ("stopped", FILTER_FORGOTTEN)
    assert os.listdir(folder) == []


def test_an_export_that_has_not_come_to_the_person_goes_on(marketer, erase, small_portions):
    for number in range(4):
        make_contact(first_name=f"No {number}")
    export = ask(marketer, "first_name")
    turn(export)

    erase(Contact.objects.get(first_name="No 2"))

    export.refresh_from_db()
    assert (export.found, export.reason) == (2, "")
    assert rows_of(finish(export))[1:] == [["No 0"], ["No 1"], ["No 3"]]


def test_an_export_that_has_come_to_somebody_who_was_merged_begins_anew(
    marketer, erase, small_portions
):
    merged = make_contact(first_name="Merged")
    for number in range(2):
        make_contact(first_name=f"No {number}")
    export = ask(marketer, "first_name")
    turn(export)
    survivor = make_contact(first_name="Later")
    Contact.objects.filter(pk=merged.pk).update(merged_into=survivor)

    erase(survivor)

    export.refresh_from_db()
    assert (export.found, export.written, export.reason) == (0, 0, BEGUN_ANEW)
    assert rows_of(finish(export))[1:] == [["No 0"], ["No 1"]]
    assert export.reason == ""


@pytest.mark.parametrize("model", [Contact, Activity])
def test_an_export_that_has_no_row_yet_goes_on(marketer, erase, model):
    contact = make_contact()
    make_activity(contact)
    export = ask(marketer, "guid", model=model)

    erase(contact)

    export.refresh_from_db()
    assert (export.status, export.reason) == ("waiting", "")
    assert rows_of(finish(export)) == [["guid"]]


def test_an_export_with_any_activity_begins_anew(marketer, erase, small_portions):
    for _ in range(3):
        make_activity(make_contact())
    export = ask(marketer, "guid", model=Activity)
    turn(export)

    erase(Contact.objects.latest("pk"))

    export.refresh_from_db()
    assert (export.found, export.reason) == (0, BEGUN_ANEW)


def test_what_nobody_knows_of_is_deleted_after_a_day(marketer, folder):
    export = made(marketer, "email")
    old = timezone.now().timestamp() - 2 * 24 * 3600
    for name in ("gone.csv", "gone.part", f"{export.file}.x.work"):
        (folder / name).write_text("rows of persons")
        os.utime(folder / name, (old, old))
    os.utime(file_of(export), (old, old))
    (folder / "new.part").write_text("being written")

    delete_old_files()

    assert sorted(os.listdir(folder)) == sorted([file_of(export).name, "new.part"])


def test_a_user_deletes_a_file_once(marketer, django_capture_on_commit_callbacks):
    export = made(marketer, "email")

    with django_capture_on_commit_callbacks(execute=True):
        assert delete_file(export, BY_USER)
    assert not delete_file(export, BY_USER)

    assert not file_of(export).exists()
