"""A file is read in another way, or gets another mapping, whatever others do with it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from contacts.models import Contact
from exchange.admin import imports as import_pages
from exchange.admin import uploading
from exchange.importing import staging
from exchange.importing.acting import cancel, start_import, work_through
from exchange.importing.storing import folder
from exchange.models import Import, RememberedMapping
from tests.exchange.importing.files import workbook

pytestmark = pytest.mark.django_db

SHEETS = {
    "One": [["email", "first_name"], ["ann@example.com", "Ann"]],
    "Two": [["email", "city"], ["bob@example.com", "Wien"], ["nobody", "Graz"]],
    "Three": [["Color", "Size"], ["red", "1"]],
}
CHECKED = {"target-0": "email", "target-1": "first_name"}


@pytest.fixture
def checked(marketer, settings, tmp_path):
    """An import of the first sheet, which was checked."""
    settings.DATA_DIR = tmp_path / "data"
    content = workbook(tmp_path / "a.xlsx", SHEETS).read_bytes()
    file = SimpleUploadedFile("a.xlsx", content)
    marketer.post(reverse("admin:exchange_import_upload"), {"kind": "contacts", "file": file})
    import_ = Import.objects.get()
    marketer.post(page("mapping", import_), CHECKED)
    work_through(import_)
    assert (import_.status, import_.counts["create"]) == ("checked", 1)
    return import_


def page(name, import_):
    return reverse(f"admin:exchange_import_{name}", args=[import_.pk])


def text_of(answer):
    return " ".join(answer.content.decode().split())


def read(client, import_, sheet):
    """What the user sees who has the file read again."""
    given = {"sheet": sheet, "has_headers": "yes"}
    return text_of(client.post(page("read", import_), given, follow=True))


def check_again(client, import_):
    client.post(page("mapping", import_), CHECKED)


def begin(client, import_):
    start_import(Import.objects.get())


def give_up(client, import_):
    assert cancel(Import.objects.get())


@pytest.mark.parametrize(
    ("sheet", "mapping"), [("Two", {"email": "email", "city": "city"}), ("Three", {})]
)
def test_file_that_is_read_again_is_imported_only_after_another_check(
    marketer, checked, sheet, mapping
):
    staged_as = checked.staged_as
    assert "Import 1 row" in text_of(marketer.get(page("change", checked)))

    read(marketer, checked, sheet)

    checked.refresh_from_db()
    assert (checked.status, checked.sheet, checked.mapping) == ("uploaded", sheet, mapping)
    assert (checked.checked_at, checked.counts, checked.told) == (None, {}, {})
    assert (checked.errors, checked.warnings, checked.staged_as) == ([], [], "")
    assert not staging.has("rows", staged_as)
    shown = text_of(marketer.get(page("change", checked)))
    assert "Say what the columns are for" in shown
    assert "What will happen" not in shown
    assert "Import 1 row" not in shown
    answer = text_of(marketer.post(page("start", checked), follow=True))
    assert "Only what was checked can be imported, and once." in answer
    work_through(checked)
    assert not Contact.objects.exists()


def test_why_a_check_failed_is_forgotten_with_the_reading(marketer, checked):
    Import.objects.update(status="failed", reason="It was no use.", staged_as="")

    read(marketer, checked, "Two")

    checked.refresh_from_db()
    assert (checked.status, checked.reason) == ("uploaded", "")


@pytest.mark.parametrize(
    ("do", "status"), [(check_again, "checking"), (begin, "importing"), (give_up, "cancelled")]
)
def test_file_stays_as_it_was_if_something_else_began_while_it_was_read(
    marketer, checked, monkeypatch, do, status
):
    prepare, table = uploading.prepare, checked.file

    def and_meanwhile(*arguments, **options):
        told = prepare(*arguments, **options)
        do(marketer, checked)
        return told

    monkeypatch.setattr(uploading, "prepare", and_meanwhile)
    before, mapping = table.read_bytes(), checked.mapping

    said = read(marketer, checked, "Two")

    assert "This file cannot be read in another way any more" in said
    checked.refresh_from_db()
    assert (checked.status, checked.sheet, checked.mapping) == (status, "One", mapping)
    files = [file.name for file in folder().iterdir()]
    if status == "cancelled":
        assert files == []
    else:
        assert table.read_bytes() == before
        assert sorted(files) == [table.name, f"{table.name}.uploaded"]


def test_file_that_two_tabs_read_at_once_is_as_the_last_one_says(marketer, checked, monkeypatch):
    prepare = uploading.prepare

    def and_meanwhile(*arguments, **options):
        monkeypatch.setattr(uploading, "prepare", prepare)
        told = prepare(*arguments, **options)
        read(marketer, checked, "Three")
        return told

    monkeypatch.setattr(uploading, "prepare", and_meanwhile)
    read(marketer, checked, "Two")

    checked.refresh_from_db()
    assert (checked.sheet, checked.headers) == ("Two", ["email", "city"])
    assert [one["name"] for one in uploading.seen_of(checked)["columns"]] == ["email", "city"]
    assert len(list(folder().iterdir())) == 2


@pytest.mark.parametrize(("do", "status"), [(begin, "importing"), (give_up, "cancelled")])
def test_mapping_stays_as_it_was_if_something_else_began_while_it_was_sent(
    marketer, checked, monkeypatch, do, status
):
    read_mapping, mapping = import_pages.read_mapping, checked.mapping
    RememberedMapping.objects.all().delete()

    def and_meanwhile(*arguments):
        do(marketer, checked)
        return read_mapping(*arguments)

    monkeypatch.setattr(import_pages, "read_mapping", and_meanwhile)
    given = {"target-0": "email", "target-1": "last_name"}
    answer = marketer.post(page("mapping", checked), given, follow=True)

    assert "This file cannot be checked any more" in text_of(answer)
    assert answer.redirect_chain == [(page("change", checked), 302)]
    checked.refresh_from_db()
    assert (checked.status, checked.mapping) == (status, mapping)
    assert not RememberedMapping.objects.exists()
