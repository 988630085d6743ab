"""Exports are made in portions, by the rights of their user, and end in words."""

import errno
import io
import os
import stat
import threading
from collections import namedtuple

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from python_calamine import CalamineWorkbook

from activities.models import Activity, RejectedActivity
from adminsite.models import AuditEntry
from adminsite.roles import give_roles
from consents.agreements import record_agreement
from consents.models import ConsentAgreement
from contacts.models import Contact
from exchange.exporting import files, finishing, formats, making
from exchange.exporting.files import file_of, part_of
from exchange.exporting.making import cancel
from exchange.models import Export
from jobs.working import stopping
from tests.admin.history import make_rejected
from tests.exchange.exporting.exports import ask, finish, made, rows_of, turn
from tests.factories import (
    make_activity,
    make_activity_type,
    make_consent,
    make_contact,
    make_rule,
)

pytestmark = pytest.mark.django_db

Usage = namedtuple("Usage", "total used free")


def make_contacts(count, **fields):
    return [make_contact(first_name=f"No {number}", **fields) for number in range(count)]


def names_in(export):
    return [row[0] for row in rows_of(export)[1:]]


def test_a_filter_decides_who_is_in_the_file(marketer):
    make_contacts(3, country="AUT")
    make_contact(first_name="Elsewhere", country="DEU")

    export = made(marketer, "first_name", query="country=AUT")

    assert names_in(export) == ["No 0", "No 1", "No 2"]
    assert (export.found, export.by_name, export.is_masked) == (3, "marketer", False)
    assert export.size == file_of(export).stat().st_size
    assert not part_of(export).exists()


def test_a_list_without_a_filter_is_exported_whole(marketer):
    make_contacts(2)

    assert names_in(made(marketer, "first_name")) == ["No 0", "No 1"]


def test_a_list_without_rows_is_a_file_without_rows(marketer):
    assert rows_of(made(marketer, "first_name")) == [["first_name"]]
    assert rows_of(made(marketer, "first_name", form="xlsx")) == [["first_name"]]


def test_filters_that_look_at_each_row_are_asked_as_well(marketer, small_portions):
    first, second, _ = make_contacts(3)
    for contact in (first, second):
        make_activity(contact, url="https://example.com/loans")

    assert names_in(made(marketer, "first_name", query="url=loans")) == ["No 0", "No 1"]


def test_rows_come_in_portions_each_once(marketer, small_portions):
    make_contacts(5)
    export = ask(marketer, "first_name")
    make_contact(first_name="Too late")

    turn(export)
    assert (export.status, export.found) == ("waiting", 2)
    assert export.written == part_of(export).stat().st_size
    # A worker died after it had written more.
    with part_of(export).open("ab") as file:
        file.write(b"half of a li")
    finish(export)

    assert names_in(export) == [f"No {number}" for number in range(5)]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_another_machine_has_gathered_is_said_in_words(marketer, small_portions, form):
    make_contacts(2 if form == "xlsx" else 3)
    export = ask(marketer, "first_name", form=form)
    turn(export)
    part_of(export).unlink()

    assert finish(export).reason.startswith("The file is not on this machine.")
    assert export.status == "stopped"


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_nobody_but_the_hub_may_read_the_files(marketer, folder, form):
    export = made(marketer, "first_name", form=form)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file_of(export).stat().st_mode) == 0o600
    assert os.listdir(folder) == [f"{export.file}.{form}"]


def test_what_was_made_is_in_the_audit_log_without_the_filter(marketer):
    make_contact(country="AUT")
    export = made(marketer, "first_name", query="country=AUT")

    entry = AuditEntry.objects.get(model="exchange.export")
    assert entry.detail == "Made a file of 1 rows (contacts) as csv."
    assert (entry.actor, entry.object_id) == ("marketer", str(export.pk))


def test_who_may_not_see_contacts_gets_no_personal_data(user_with):
    developer = user_with("developer")
    rules = make_activity_type("quote")
    make_rule(rules, "street", is_personal=True)
    contact = make_contact(email="ann@example.com")
    make_activity(
        contact, title="For ann@example.com", value="+49 30 123456", url="https://x.test/"
    )
    make_activity(contact, type=rules, value="Elm Street 1", properties={"street": "1", "n": 2})

    export = made(developer, model=Activity, form="ndjson")

    first, second = rows_of(export)
    assert export.is_masked
    assert "email" not in first
    assert (first["guid"], first["title"]) == (str(contact.guid), "For Hidden")
    assert (first["value"], first["url"]) == ("Hidden", "https://x.test/")
    assert (second["title"], second["value"]) == ("Loan calculator usage", "Hidden")
    assert second["properties"] == {"street": "Hidden", "n": 2}


def test_what_was_refused_is_masked_as_on_its_page(user_with):
    make_rejected("ann@example.com", reason="ann@example.com is no type.", contact_guid="x@y.test")

    developer = made(user_with("developer"), model=RejectedActivity, form="ndjson")
    operator = made(user_with("operator", name="other"), model=RejectedActivity, form="ndjson")

    assert "example.com" not in str(rows_of(developer))
    assert "y.test" not in str(rows_of(developer))
    assert rows_of(operator)[0]["payload"] == '{"type": "ann@example.com"}'


@pytest.mark.parametrize(
    ("role", "model"),
    [("developer", Contact), ("marketer", RejectedActivity), ("dpo", RejectedActivity)],
)
def test_nobody_exports_a_list_that_they_do_not_see(user_with, role, model):
    with pytest.raises(ValidationError, match="may not export this list"):
        ask(user_with(role), "guid", model=model)


def test_columns_of_others_are_not_there(user_with):
    user = user_with("dpo")
    make_contact()

    # Groups are the marketers'.
    with pytest.raises(ValidationError, match="Choose one column"):
        ask(user, "groups", "consent:nothing")


def test_filters_that_the_user_may_not_use_are_refused(user_with):
    with pytest.raises(ValidationError, match="cannot be filtered like that"):
        ask(user_with("dpo"), "guid", query="group=loans")


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        ([], "The user who asked for it may not export this list any more."),
        (["developer"], "The user who asked for it may not export this list any more."),
    ],
)
def test_it_stops_when_the_user_loses_the_right(marketer, small_portions, left, reason):
    make_contacts(3)
    export = ask(marketer, "first_name")
    turn(export)
    give_roles(marketer, left)

    finish(export)

    assert (export.status, export.reason) == ("stopped", reason)
    assert not part_of(export).exists()


def test_it_stops_when_contacts_are_hidden_from_the_user_meanwhile(user_with, small_portions):
    user = user_with("marketer", "developer")
    make_activity(make_contact(email="ann@example.com"))
    export = ask(user, "time", model=Activity)
    give_roles(user, ["developer"])

    finish(export)

    assert (export.status, part_of(export).exists()) == ("stopped", False)
    assert "sees more, or less, of contacts" in export.reason


def test_it_stops_when_the_user_is_gone(marketer):
    export = ask(marketer, "first_name")
    User.objects.filter(pk=marketer.pk).delete()

    assert finish(export).reason == "The user who asked for it is gone."
    assert export.by_name == "marketer"


def test_what_is_cancelled_leaves_nothing(marketer, small_portions, folder):
    make_contacts(3)
    export = ask(marketer, "first_name")
    turn(export)

    assert cancel(export)
    turn(export)

    assert (export.status, os.listdir(folder)) == ("cancelled", [])
    assert not cancel(export)


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_what_is_cancelled_while_its_file_is_made_leaves_nothing(
    marketer, monkeypatch, folder, form
):
    export = ask(marketer, "first_name", form=form)
    turn(export)
    start = finishing._Making.start

    def cancel_first(making):
        cancel(export)
        start(making)

    def wait_for_the_end(making):
        assert making._ended.wait(20)
        raise formats.Ended

    monkeypatch.setattr(finishing, "_LOOKS_EVERY", 0.01)
    monkeypatch.setattr(finishing._Making, "start", cancel_first)
    monkeypatch.setattr(finishing._Making, "_make", wait_for_the_end)
    turn(export)

    assert (export.status, os.listdir(folder)) == ("cancelled", [])


def test_a_workbook_ends_when_it_is_told_to(tmp_path):
    ended = threading.Event()
    ended.set()
    columns = [{"name": "n", "title": "N", "kind": "text"}]
    lines = io.BytesIO(b'{"n":"x"}\n')

    with pytest.raises(formats.Ended):
        formats.write_xlsx(lines, columns, {}, tmp_path / "x", work=tmp_path, ended=ended)


def test_parquet_ends_when_it_is_told_to(tmp_path):
    columns = [{"name": "n", "title": "N", "kind": "text"}]
    lines = tmp_path / "lines"
    lines.write_bytes(b'{"n":"x"}\n' * 2_000_000)
    tell = []

    def ready(interrupt):
        threading.Timer(0.05, interrupt).start()
        tell.append(interrupt)

    with pytest.raises(formats.Ended):
        formats.write_parquet(lines, columns, {}, tmp_path / "x", work=tmp_path, ready=ready)
    assert tell


def test_a_worker_that_is_told_to_end_leaves_the_file_to_another(marketer, folder):
    export = ask(marketer, "first_name", form="xlsx")
    turn(export)
    stopping.set()
    try:
        making.go_on([export.pk])
    finally:
        stopping.clear()

    export.refresh_from_db()
    assert (export.status, export.attempts) == ("waiting", 0)
    assert os.listdir(folder) == [f"{export.file}.part"]
    assert finish(export).status == "done"


def test_a_file_that_cannot_be_made_again_and_again_is_given_up(marketer, monkeypatch):
    def fail(*arguments, **named):
        raise RuntimeError("broken")

    monkeypatch.setattr(finishing, "write_xlsx", fail)
    export = ask(marketer, "first_name", form="xlsx")
    finish(export)
    assert (export.status, export.last_error) == ("waiting", "RuntimeError: broken")

    for _ in range(3):
        finish(export)
    assert export.reason.startswith("The file could not be made, again and again.")


def test_a_disk_without_room_is_said_in_words(marketer, monkeypatch, folder):
    export = ask(marketer, "first_name")
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 10**6))

    assert finish(export).reason == (
        "There is no room left on the disk of the hub. Have the operator free some, then export "
        "again."
    )
    assert export.status == "stopped"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_disk_that_fills_up_meanwhile_is_said_in_words(marketer, monkeypatch, folder, form):
    def full(*arguments, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    make_contact()
    export = ask(marketer, "first_name", form=form)
    monkeypatch.setattr(
        *((finishing, "write_xlsx") if form == "xlsx" else (making, "lines_of")), full
    )

    assert finish(export).reason.startswith("There is no room left on the disk")
    assert (export.status, os.listdir(folder)) == ("stopped", [])


def test_more_rows_than_a_sheet_has_stand_on_further_ones(marketer, monkeypatch):
    monkeypatch.setattr(formats, "MOST_ROWS_OF_EXCEL", 2)
    names = [contact.first_name for contact in make_contacts(5)]

    export = finish(ask(marketer, "first_name", form="xlsx"))

    book = CalamineWorkbook.from_path(str(file_of(export)))
    assert [book.get_sheet_by_name(name).to_python() for name in book.sheet_names] == [
        [["first_name"], [names[0]], [names[1]]],
        [["first_name"], [names[2]], [names[3]]],
        [["first_name"], [names[4]]],
    ]
    assert (export.status, export.found) == ("done", 5)


def test_a_full_sheet_is_not_followed_by_an_empty_one(marketer, monkeypatch):
    monkeypatch.setattr(formats, "MOST_ROWS_OF_EXCEL", 2)
    make_contacts(2)

    export = finish(ask(marketer, "first_name", form="xlsx"))

    assert len(CalamineWorkbook.from_path(str(file_of(export))).sheet_names) == 1


def test_parquet_without_the_extra_says_how_to_get_it(marketer, monkeypatch):
    monkeypatch.setattr(making, "can_write_parquet", lambda: False)

    with pytest.raises(ValidationError, match=r"throughline\[parquet\]"):
        ask(marketer, "first_name", form="parquet")


def test_a_list_that_is_no_list_any_more_ends_it(marketer):
    export = ask(marketer, "first_name")
    Export.objects.update(list_of="contacts.gone")

    assert finish(export).reason == "There is no such list any more."


def test_a_column_that_is_gone_ends_it(marketer):
    export = ask(marketer, "first_name", model=Contact)
    Export.objects.update(columns=[{"name": "consent:x", "title": "X", "kind": "text"}])

    assert "There is no column “X” any more" in finish(export).reason


def test_agreements_have_code_language_and_version(user_with):

    contact = make_contact(email="ann@example.com")
    record_agreement(contact, make_consent("news", name="News"), agreed=True, language="en")

    export = made(user_with("dpo"), model=ConsentAgreement, form="ndjson")

    row = rows_of(export)[0]
    assert row["contact_email"] == "ann@example.com"
    assert row["contact_guid"] == str(contact.guid)
    assert (row["consent"], row["consent_code"], row["agreed"]) == ("News", "news", "Agreed")
    assert (row["language"], row["version"]) == ("en", 1)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"status": "cancelled"}, "an_export_goes_on_until_it_is_finished"),
        (
            {"status": "done", "finished_at": "2026-01-01T00:00Z"},
            "a_file_that_is_ready_has_a_hash_and_an_end",
        ),
    ],
)
def test_the_database_knows_what_an_export_is(marketer, fields, constraint):
    export = ask(marketer, "first_name")

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Export.objects.filter(pk=export.pk).update(**fields)
