"""Erased persons stay out of imports, and out of what imports keep."""

import pytest
from django.db import connection

from activities.erasing import erase_contact
from contacts.models import Contact
from exchange.importing.acting import cancel, start_import, work_through
from exchange.importing.staging import table
from exchange.importing.telling import rejects_of
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


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


def test_rows_of_erased_persons_are_refused(imports, monkeypatch):
    def condition(*, key, guid=""):
        return f"{key} = 'ann@example.com'", {}

    monkeypatch.setattr("exchange.importing.planning.erased_condition", condition)
    monkeypatch.setattr("exchange.importing.bringing.erased_condition", condition)
    import_ = imports.bring_in("email\nAnn@example.com\nbob@example.com\n")
    assert (import_.counts["create"], import_.counts["reject"]) == (1, 1)
    assert import_.errors[0]["code"] == "erased"
    rejects = "".join(rejects_of(import_)).splitlines()
    assert rejects[1].startswith("Ann@example.com,")
    assert "erased" in rejects[1]


def test_person_who_is_erased_after_the_check_is_refused(imports, monkeypatch):
    import_ = imports.check("email\nann@example.com\nbob@example.com\n")

    def condition(*, key, guid=""):
        return f"{key} = 'ann@example.com'", {}

    monkeypatch.setattr("exchange.importing.bringing.erased_condition", condition)
    start_import(import_)
    work_through(import_)
    assert (import_.counts["create"], import_.counts["reject"]) == (1, 1)
    assert "erased" in "".join(rejects_of(import_))


def test_tables_of_a_cancelled_check_are_gone(imports):

    import_ = imports.check("email\nann@example.com\n")
    name = table("rows", import_.staged_as)
    cancel(import_)

    assert name not in connection.introspection.table_names()
    assert import_.path == ""
