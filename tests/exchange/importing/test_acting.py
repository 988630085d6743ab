"""Imports are begun once, cancelled, and go on after a crash."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from contacts.models import Contact, ContactChange, ContactMerge
from exchange.importing import acting, staging
from exchange.importing.acting import (
    CannotImport,
    cancel,
    go_on,
    start_check,
    start_import,
    work_through,
)
from exchange.importing.files import forget_old_files
from exchange.importing.staging import table
from exchange.importing.telling import examples_of
from exchange.jobs import IMPORTS
from exchange.models import Import
from jobs.working import work_off
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db

TWENTY = "email\n" + "".join(f"person-{number}@example.com\n" for number in range(20))


def test_import_is_begun_once(imports):
    import_ = imports.check(TWENTY)
    start_import(import_)
    with pytest.raises(CannotImport, match="and once"):
        start_import(import_)
    work_off(IMPORTS)
    import_.refresh_from_db()
    assert (import_.status, Contact.objects.count()) == ("imported", 20)
    with pytest.raises(CannotImport, match="cannot be checked any more"):
        start_check(import_, import_.mapping)


def test_same_file_cannot_be_imported_twice_at_once(imports):
    one, other = imports.check(TWENTY), imports.check(TWENTY)
    start_import(one)
    with pytest.raises(CannotImport, match="same file is being imported already"):
        start_import(other)
    work_through(one)
    start_import(other)
    work_through(other)
    assert (other.counts["create"], other.counts["unchanged"]) == (0, 20)
    assert Contact.objects.count() == 20


def test_cancelled_import_keeps_what_was_imported_until_it_is_undone(imports, monkeypatch):
    monkeypatch.setattr(acting, "_FIRST", 5)
    monkeypatch.setattr(acting, "_SECONDS_AT_A_TIME", 0.0)
    import_ = imports.check(TWENTY)
    start_import(import_)
    go_on([import_.pk])
    assert cancel(import_)
    work_through(import_)
    # Of either half of the rows, a portion.
    assert (import_.status, import_.counts["create"]) == ("cancelled", 10)
    assert import_.counts["rows"] == Contact.objects.count() == 10
    assert not cancel(import_)
    assert imports.undo(import_) == {"restored": 0, "removed": 10, "kept": {}}
    assert Contact.objects.count() == 0


def test_import_goes_on_where_a_worker_died(imports, monkeypatch):
    monkeypatch.setattr(acting, "_FIRST", 7)
    monkeypatch.setattr(acting, "_SECONDS_AT_A_TIME", 0.0)
    import_ = imports.check(TWENTY)
    start_import(import_)
    go_on([import_.pk])
    import_.refresh_from_db()
    assert import_.done["create"] == 14
    # PostgreSQL crashed, too: the rows that waited were not logged.
    with connection.cursor() as cursor:
        for kind in ("rows", "plan"):
            cursor.execute(f"TRUNCATE {table(kind, import_.staged_as)}")
    work_through(import_)
    assert (import_.status, import_.counts["create"]) == ("imported", 20)
    assert ContactChange.objects.filter(import_id=import_.pk).count() == 20


def test_import_fails_if_its_rows_and_its_file_are_gone(imports):
    import_ = imports.check(TWENTY)
    start_import(import_)
    staging.drop(import_.staged_as)
    import_.file.unlink()
    work_through(import_)
    assert import_.status == "failed"
    assert "Upload it again" in import_.reason


def test_check_can_be_repeated_with_another_mapping(imports):
    import_ = imports.check("email,name\nann@example.com,Ann\n")
    first = import_.staged_as
    start_check(import_, {"email": "email", "name": "first_name"})
    work_through(import_)
    assert not staging.has("rows", first)
    start_import(import_)
    work_through(import_)
    assert Contact.objects.get().first_name == "Ann"


def test_column_of_dates_that_reads_two_ways_ends_the_check(imports):
    import_ = imports.check("email,birthday\nann@example.com,03/04/1990\n")
    assert import_.status == "failed"
    assert import_.reason.startswith("The dates of the column “birthday” read two ways")
    format_ = {"field": "birthday", "format": "MM/DD/YYYY"}
    start_check(import_, {**import_.mapping, "birthday": format_})
    work_through(import_)
    assert (import_.status, import_.reason) == ("checked", "")


def test_contacts_that_changed_since_the_check_are_looked_at_again(imports):
    bob = make_contact(email="bob@example.com")
    import_ = imports.check("email,city\nann@example.com,Wien\nbob@example.com,Graz\n")
    ann = make_contact(email="Ann@example.com")
    survivor = make_contact(email="robert@example.com")
    Contact.objects.filter(pk=bob.pk).update(merged_into=survivor)
    start_import(import_)
    work_through(import_)
    assert (import_.counts["create"], import_.counts["update"]) == (0, 2)
    ann.refresh_from_db()
    survivor.refresh_from_db()
    assert (ann.city, survivor.city) == ("Wien", "Graz")


def test_files_that_wait_are_deleted_after_a_day(imports):
    import_ = imports.check(TWENTY)
    file, staged = import_.file, import_.staged_as
    assert forget_old_files() == 0
    Import.objects.update(
        uploaded_at=timezone.now() - timedelta(hours=25),
        checked_at=timezone.now() - timedelta(hours=25),
    )
    assert forget_old_files() == 1
    import_.refresh_from_db()
    assert (import_.status, import_.path) == ("cancelled", "")
    assert not file.exists()
    assert not staging.has("rows", staged)


def test_contacts_that_became_one_since_the_check_get_the_rows_of_both_in_their_order(imports):
    ann = make_contact(email="ann@example.com", city="Brno")
    nan = make_contact(email="nan@example.com")
    import_ = imports.check(
        "email,city,zip\nann@example.com,Wien,1010\nnan@example.com,Graz,\n"
        "bob@example.com,Linz,4020\n"
    )
    Contact.objects.filter(pk=nan.pk).update(merged_into=ann, email="")
    ContactMerge.objects.create(survivor=ann, loser=nan, reason="marketer", status="done")
    start_import(import_)
    work_through(import_)
    ann.refresh_from_db()
    assert (ann.email, ann.city, ann.zip) == ("ann@example.com", "Graz", "1010")
    imports.undo(import_)
    ann.refresh_from_db()
    assert (ann.city, ann.zip) == ("Brno", "")


def test_import_whose_consent_is_renamed_after_the_check_fails_in_words(imports):
    news = make_consent("news")
    import_ = imports.check("email,consent:news\nann@example.com,yes\n")
    news.code_name = "letters"
    news.save()

    assert examples_of(import_, "create") == []
    start_import(import_)
    work_through(import_)

    assert import_.status == "failed"
    assert import_.reason.endswith("there is no consent “news”.")
    assert Contact.objects.count() == 0
