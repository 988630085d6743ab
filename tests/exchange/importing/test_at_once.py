"""Imports with real connections: two halves at once, two workers, a cancel in the middle."""

import pytest

from contacts.models import Contact, ContactChange
from exchange.importing import acting, bringing
from exchange.importing.acting import cancel, go_on, start_import, work_through
from exchange.models import Import
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

PEOPLE = "email,city\n" + "".join(f"person-{number}@example.com,Wien\n" for number in range(300))


def test_import_that_two_workers_come_to_brings_in_each_row_once(imports, monkeypatch):
    monkeypatch.setattr(acting, "_FIRST", 20)
    monkeypatch.setattr(acting, "_MOST", 40)
    import_ = imports.check(PEOPLE)
    start_import(import_)
    run_at_once(
        lambda: work_through(Import.objects.get()), lambda: work_through(Import.objects.get())
    )
    import_.refresh_from_db()
    assert (import_.status, import_.counts["create"]) == ("imported", 300)
    assert Contact.objects.count() == ContactChange.objects.count() == 300
    assert imports.undo(import_) == {"restored": 0, "removed": 300, "kept": {}}
    assert not Contact.objects.exists()


def test_portion_that_is_cancelled_meanwhile_is_not_brought_in(imports, monkeypatch):
    import_ = imports.check(PEOPLE)
    start_import(import_)
    bring_in = bringing.Portion.bring_in

    def and_cancel(portion):
        counts = bring_in(portion)
        run_at_once(lambda: cancel(Import.objects.get()))
        return counts

    monkeypatch.setattr(bringing.Portion, "bring_in", and_cancel)
    go_on([import_.pk])
    import_.refresh_from_db()
    assert (import_.status, import_.counts["rows"]) == ("cancelled", 0)
    assert not Contact.objects.exists()
