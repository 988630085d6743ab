"""Erased persons stay out of imports, and out of what imports keep."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.utils import timezone

from activities.erasing import erase_contact
from activities.models import Activity
from contacts.changes import Origin, change_contact
from contacts.merging import lock_live
from contacts.models import Contact, ContactChange
from exchange.importing import acting
from exchange.importing.acting import cancel, start_import, work_through
from exchange.importing.files import forget_old_files
from exchange.importing.staging import table
from exchange.importing.telling import rejects_of
from exchange.models import Import, RememberedMapping
from tests.factories import make_activity_type, make_channel, make_contact
from tests.privacy.places import columns_with

pytestmark = pytest.mark.django_db

AGES_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CODE = Origin(ContactChange.Source.CODE)
WITH_STATUS = {"email": "email", "status": "email_status"}


def test_erasure_takes_rows_that_wait_and_the_file_with_it(
    imports, django_capture_on_commit_callbacks
):
    make_contact(email="ann@example.com")
    import_ = imports.check(
        "email,city,guid\nann@EXAMPLE.com,Wien,\nbob@example.com,Graz,\nann@example.com,,x\n"
    )
    file = import_.file
    with django_capture_on_commit_callbacks(execute=True):
        erase_contact(Contact.objects.get().pk)
    assert not file.exists()
    import_.refresh_from_db()
    start_import(import_)
    work_through(import_)
    assert import_.counts == {
        **{"rows": 3, "create": 1, "update": 0, "merge": 0, "unchanged": 0, "reject": 2}
    }
    assert list(Contact.objects.values_list("email", flat=True)) == ["bob@example.com"]
    rejects = "".join(rejects_of(import_)).splitlines()
    assert rejects[0] == "row,reason"
    assert rejects[1].startswith("2,")
    assert "erased" in rejects[1]
    assert len(rejects) == 3


def test_erasure_takes_values_out_of_examples(imports, django_capture_on_commit_callbacks):
    make_contact(email="ann@example.com")
    import_ = imports.check("email\nann@example.com@x\nann@@b\n")
    found = [one["found"] for one in import_.errors[0]["examples"]]
    assert found == ["ann@example.com@x", "ann@@b"]
    with django_capture_on_commit_callbacks(execute=True):
        erase_contact(Contact.objects.get().pk)
    import_.refresh_from_db()
    assert [one["found"] for one in import_.errors[0]["examples"]] == ["", "ann@@b"]


def test_erasure_takes_values_of_the_persons_row_out_of_examples(
    imports, django_capture_on_commit_callbacks
):
    """What is wrong with a row may be something that the person is, and not the email."""
    make_contact(email="ann@example.com")
    import_ = imports.check(
        "email,birthday\nann@example.com,1812-01-01\nbob@example.com,1813-01-01\n"
    )
    with django_capture_on_commit_callbacks(execute=True):
        erase_contact(Contact.objects.get().pk)
    import_.refresh_from_db()
    assert [one["found"] for one in import_.errors[0]["examples"]] == ["", "1813-01-01"]


def test_erasure_takes_rows_with_an_email_of_before(imports, django_capture_on_commit_callbacks):
    ann = make_contact(email="old@example.com")
    with transaction.atomic():
        change_contact(lock_live(ann.pk)[0], {"email": "ann@example.com"}, CODE)
    import_ = imports.check("email,city\nold@example.com,Wien\n")
    with django_capture_on_commit_callbacks(execute=True):
        erase_contact(ann.pk)
    assert columns_with("Wien", "old@example.com") == set()
    import_.refresh_from_db()
    assert import_.path == ""


def test_erasure_leaves_rows_of_another_who_has_the_email_by_now(imports):
    ann = make_contact(email="info@example.com")
    with transaction.atomic():
        change_contact(lock_live(ann.pk)[0], {"email": "ann@example.com"}, CODE)
    make_contact(email="info@example.com")
    import_ = imports.check("email,city\ninfo@example.com,Wien\n")
    erase_contact(ann.pk)
    start_import(import_)
    work_through(import_)
    assert import_.counts["update"] == 1


def test_erasure_takes_the_person_out_of_what_is_kept_of_files(imports):
    """A file without names of columns, or with a name that names the person."""
    make_contact(email="ann@example.com", first_name="Ann", last_name="Archer")
    headers = ["ann@example.com", "Ann Archer", "Wien"]
    mapping = {"ann@example.com": "email", "Ann Archer": "last_name"}
    Import.objects.create(
        name="Ann Archer.csv", sha256="x", headers=headers, mapping=mapping, status="cancelled",
        finished_at=timezone.now(), reason="No ann@example.com.", last_error="ann@example.com",
    )  # fmt: skip
    RememberedMapping.remember("contacts", headers, mapping, by=None)
    erase_contact(Contact.objects.get().pk)
    assert columns_with("ann@example.com", "Ann Archer") == set()
    assert Import.objects.get().name == "erased.csv"
    assert Import.objects.get().headers == ["erased", "erased", "Wien"]


def test_what_examples_tell_of_rows_goes_with_the_file(imports):
    import_ = imports.check("email,birthday\nann@example.com,1812-01-01\n")
    assert columns_with("1812-01-01") >= {"exchange_import.errors"}
    Import.objects.update(uploaded_at=AGES_AGO, checked_at=AGES_AGO)
    forget_old_files()
    import_.refresh_from_db()
    assert columns_with("1812-01-01") == set()
    [group] = import_.errors
    assert (group["count"], group["examples"][0]["row"]) == (1, 2)


def test_another_key_keeps_everybody_out(imports, settings):
    """Nobody who was erased would be known."""
    make_contact(email="ann@example.com")
    erase_contact(Contact.objects.get().pk)
    settings.ERASURE_KEY = "another key of erasures, which is long enough"
    import_ = imports.check("email\nann@example.com\n")
    assert import_.status == "failed"
    assert "hashed under another ERASURE_KEY" in import_.reason


def test_addresses_of_who_is_being_erased_are_not_suppressed_meanwhile(imports, monkeypatch):
    held = []
    monkeypatch.setattr(acting, "hold_off_erasures", lambda: held.append("held"))
    suppress = acting.suppress_unsubscribed
    monkeypatch.setattr(
        acting, "suppress_unsubscribed", lambda *given: (held.append("told"), suppress(*given))
    )
    imports.bring_in("email,status\nann@example.com,cleaned\n", WITH_STATUS)
    assert held[:2] == ["held", "told"]


def erase(**fields):
    """Erase a person who had these fields, as a user would have it done."""
    contact = make_contact(**fields)
    erase_contact(contact.pk)
    return contact


def reasons(import_):
    """What the file of rejects says of each row: its first cell, and whether that is `erased`."""
    _, *lines = csv.reader(io.StringIO("".join(rejects_of(import_))))
    return {line[0]: "(erased)" in line[-1] for line in lines}


@pytest.mark.parametrize(
    ("erased", "spelling"),
    [
        ("ann@example.com", "Ann@EXAMPLE.com"),
        ("jose@example.com", '"jose"@example.com'),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ANN@BÜCHER.example"),
        ("ann@bücher.example", "ann@bu\u0308cher.example"),
        ("ann@Straße.example", "ann@xn--strae-oqa.example"),
    ],
)
def test_erased_person_stays_out_in_whatever_spelling(imports, erased, spelling):
    erase(email=erased)
    cell = spelling.replace('"', '""')
    text = f'email,city\n"{cell}",Wien\nbob@example.com,Graz\n'
    mapping = {"email": "email", "city": "city"}
    import_ = imports.check(text, mapping)
    # The dry run says so, and nothing was done yet.
    assert (import_.counts["create"], import_.counts["reject"]) == (1, 1)
    assert [(one["code"], one["count"]) for one in import_.errors] == [("erased", 1)]
    assert reasons(import_) == {spelling: True}
    assert not Contact.objects.exists()
    start_import(import_)
    work_through(import_)
    assert (import_.counts["create"], import_.counts["reject"]) == (1, 1)
    assert reasons(import_) == {spelling: True}
    assert list(Contact.objects.values_list("email", flat=True)) == ["bob@example.com"]


def test_erased_person_stays_out_by_guid_and_by_identifier(imports):
    contact = make_contact(email="ann@example.com")
    contact.identifiers.create(site_id="42", kind="user_id", value="4711")
    erase_contact(contact.pk)
    text = (
        "email,guid,id\n"
        f"new@example.com,{str(contact.guid).upper()},\n"
        "newer@example.com,,4711\n"
        "bob@example.com,,4712\n"
    )
    mapping = {"email": "email", "guid": "guid", "id": "identifier:42:user_id"}
    import_ = imports.check(text, mapping)
    assert (import_.counts["create"], import_.counts["reject"]) == (1, 2)
    start_import(import_)
    work_through(import_)
    assert reasons(import_) == {"new@example.com": True, "newer@example.com": True}
    assert list(Contact.objects.values_list("email", flat=True)) == ["bob@example.com"]


def test_person_who_is_erased_after_the_check_stays_out_in_another_spelling(imports):
    contact = make_contact(email="ann@bücher.example")
    import_ = imports.check("email\nAnn@xn--bcher-kva.example\nbob@example.com\n")
    erase_contact(contact.pk)
    start_import(import_)
    work_through(import_)
    assert (import_.counts["create"], import_.counts["reject"]) == (1, 1)
    assert "(erased)" in "".join(rejects_of(import_))
    assert list(Contact.objects.values_list("email", flat=True)) == ["bob@example.com"]


def test_activities_of_an_erased_person_are_rejected_for_that_reason(imports):
    erase(email="ann@bücher.example")
    make_contact(email="bob@example.com")
    kind = make_activity_type().code_name
    text = f"email,type,value\nANN@xn--bcher-kva.example,{kind},1\nbob@example.com,{kind},2\n"
    import_ = imports.check(text, kind="activities", channel=make_channel())
    assert [(one["code"], one["count"]) for one in import_.errors] == [("erased", 1)]
    start_import(import_)
    work_through(import_)
    assert reasons(import_) == {"ANN@xn--bcher-kva.example": True}
    assert Activity.objects.get().value == "2"


def test_tables_of_a_cancelled_check_are_gone(imports):

    import_ = imports.check("email\nann@example.com\n")
    name = table("rows", import_.staged_as)
    cancel(import_)

    assert name not in connection.introspection.table_names()
    assert import_.path == ""
