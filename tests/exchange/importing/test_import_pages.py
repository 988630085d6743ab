"""The way of a file through the admin: upload, columns, what will happen, and the undo."""

import re
import stat
from functools import partial
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from adminsite.roles import give_roles
from exchange.admin import imports as import_pages
from exchange.admin import showing
from exchange.importing import storing, strays
from exchange.importing.acting import start_check, start_import, work_through
from exchange.importing.judging import preview_undo
from exchange.importing.strays import forget_strays
from exchange.models import Import, RememberedMapping
from tests.exchange.importing.files import GERMAN, workbook
from tests.factories import make_channel, make_consent, make_contact

pytestmark = pytest.mark.django_db

UPLOAD = reverse("admin:exchange_import_upload")
AMBIGUOUS = b"email,born\na@example.com,03/04/1980\nb@example.com,05/06/1981\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """Where files are kept, for this test alone."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "imports"


def upload(client, content, name="people.csv", **fields):
    file = SimpleUploadedFile(name, content)
    return client.post(UPLOAD, {"kind": "contacts", **fields, "file": file})


def uploaded(client, content=AMBIGUOUS, **fields):
    answer = upload(client, content, **fields)
    assert answer.status_code == 302, answer.content.decode()
    return Import.objects.latest("pk")


def page(name, import_):
    return reverse(f"admin:exchange_import_{name}", args=[import_.pk])


def text_of(answer):
    return " ".join(answer.content.decode().split())


def test_file_is_kept_for_the_hub_alone_and_its_columns_are_proposed(marketer, folder):
    answer = upload(marketer, (GERMAN).read_bytes(), "Kunden März.csv")

    import_ = Import.objects.get()
    assert answer.headers["Location"] == page("mapping", import_)
    assert (import_.name, import_.status, import_.by.username) == (
        *("Kunden März.csv", "uploaded", "marketer"),
    )
    assert import_.mapping == {
        "E-Mail": "email",
        "Vorname": "first_name",
        "Nachname": "last_name",
        "PLZ": "zip",
        "Geburtsdatum": "birthday",
        "Bemerkung": "notes",
    }
    files = sorted(folder.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert [file.name for file in files] == [import_.path, f"{import_.path}.uploaded"]
    assert "Kunden" not in import_.path


def test_file_that_is_too_large_is_given_up_by_the_bytes_that_came(marketer, folder, settings):
    settings.IMPORT_MAX_MB = 1
    rows = b"email\n" + b"a@example.com\n" * 80_000

    answer = upload(marketer, rows)

    assert answer.status_code == 422
    assert "The file is larger than 1 MB, and was not kept." in text_of(answer)
    assert list(folder.iterdir()) == []
    assert not Import.objects.exists()


def test_file_of_exactly_the_largest_size_is_taken(marketer, settings):
    settings.IMPORT_MAX_MB = 1
    rows = b"email\n" + b"a@example.com\n" * 71_000
    rows += b"\n" * (1_000_000 - len(rows))

    assert uploaded(marketer, rows).size == 1_000_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"%PDF-1.7", "The file is a PDF, and no table."),
        (b'email,name\na@example.com,"A\n', "Row 2 opens a quotation mark that is never closed"),
    ],
)
def test_file_that_is_no_table_is_told_and_not_kept(marketer, folder, content, said):
    answer = upload(marketer, content)

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not folder.exists() or list(folder.iterdir()) == []
    assert not Import.objects.exists()


def test_activities_need_a_channel(marketer, folder):
    answer = upload(marketer, AMBIGUOUS, kind="activities")

    assert "Choose the channel that the activities are recorded in." in text_of(answer)
    assert list(folder.iterdir()) == []
    assert uploaded(marketer, kind="activities", channel=make_channel().pk).kind == "activities"


def test_form_without_a_token_leaves_no_file(folder):
    client, user = Client(enforce_csrf_checks=True), User.objects.create_superuser("chief")
    client.force_login(user)
    client.get(UPLOAD)  # with its cookie, only the form tells that it is not ours

    assert upload(client, AMBIGUOUS).status_code == 403
    assert not Import.objects.exists()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("role", ["developer", "dpo"])
def test_others_upload_nothing(folder, role):
    client, user = Client(), User.objects.create(username="somebody", is_staff=True)
    give_roles(user, [role])
    client.force_login(user)

    assert upload(client, AMBIGUOUS).status_code == 403
    assert not folder.exists()


def test_dates_that_read_two_ways_are_asked_once_for_the_column(marketer):
    import_ = uploaded(marketer)
    shown = text_of(marketer.get(page("mapping", import_)))

    assert "2 dates can be read in two orders, such as “03/04/1980”, “05/06/1981”." in shown
    sent = {"target-0": "email", "target-1": "birthday"}
    refused = marketer.post(page("mapping", import_), {**sent, "format-1": ""})
    assert "Choose in which order day and month are written." in text_of(refused)
    import_.refresh_from_db()
    assert import_.status == "uploaded"

    marketer.post(page("mapping", import_), {**sent, "format-1": "MM/DD/YYYY"})

    import_.refresh_from_db()
    assert import_.status == "checking"
    assert import_.mapping == {
        "email": "email",
        "born": {"field": "birthday", "format": "MM/DD/YYYY"},
    }


def test_mapping_is_remembered_for_the_same_columns_and_for_mended_rejects(marketer):
    first = uploaded(marketer, b"email,Color\na@example.com,red\n")
    marketer.post(page("mapping", first), {"target-0": "email", "target-1": "notes"})

    second = uploaded(marketer, b"Color,email,reason\nblue,b@example.com,It was wrong.\n")

    assert second.mapping == {"email": "email", "Color": "notes"}
    assert RememberedMapping.objects.get().by.username == "marketer"
    assert "was imported before" in text_of(marketer.get(page("mapping", second)))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"target-0": "email", "target-1": "email"}, "“email” is for the same. Choose one of"),
        ({"target-1": "birthday"}, "Choose the column with the email: it tells who it is."),
    ],
)
def test_mapping_that_cannot_be_is_told(marketer, sent, said):
    import_ = uploaded(marketer)

    assert said in text_of(marketer.post(page("mapping", import_), sent))
    import_.refresh_from_db()
    assert import_.status == "uploaded"


def test_consents_of_everybody_stand_in_the_mapping(marketer):
    make_consent("news")
    import_ = uploaded(marketer, b"email\na@example.com\n")

    marketer.post(page("mapping", import_), {"target-0": "email", "agrees_to": ["news", "other"]})

    import_.refresh_from_db()
    assert import_.mapping == {"email": "email", "": ["consent:news"]}


def test_file_is_read_in_another_way(marketer, tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"One": [["a", "b"]], "Two": [["email"], ["a@b.org"]]})
    import_ = uploaded(marketer, path.read_bytes(), name="a.xlsx")
    assert import_.sheet == "One"

    marketer.post(page("read", import_), {"sheet": "Two", "has_headers": "yes"})
    import_.refresh_from_db()
    assert (import_.sheet, import_.mapping) == ("Two", {"email": "email"})

    answer = marketer.post(page("read", import_), {"sheet": "Three"}, follow=True)
    import_.refresh_from_db()
    assert import_.sheet == "Two"
    assert "has no sheet “Three”" in text_of(answer)


def test_thousand_columns_are_mapped(marketer):
    names = ["email", *(f"column {at}" for at in range(999))]
    content = f"{','.join(names)}\na@example.com{',x' * 999}\n".encode()
    import_ = uploaded(marketer, content)
    sent = {f"{what}-{at}": "" for at in range(1_000) for what in ("target", "format", "separator")}

    answer = marketer.post(page("mapping", import_), {**sent, "target-0": "email"})

    import_.refresh_from_db()
    assert (answer.status_code, import_.mapping) == (302, {"email": "email"})


@pytest.mark.parametrize("columns", [1, 3])
def test_mapping_page_costs_the_same_for_any_number_of_columns(
    marketer, columns, django_assert_num_queries
):
    header = ",".join(["email", "b", "c"][:columns])
    import_ = uploaded(marketer, f"{header}\n{',x' * (columns - 1)}a@example.com\n".encode())
    marketer.get(page("mapping", import_))

    with django_assert_num_queries(9):
        assert marketer.get(page("mapping", import_)).status_code == 200


def test_page_says_what_will_happen_and_then_what_has(marketer):
    make_contact(email="anna@example.de", first_name="Anne")
    import_ = uploaded(marketer, (GERMAN).read_bytes())
    sent = {
        f"target-{at}": target
        for at, target in enumerate(
            ["email", "first_name", "last_name", "zip", "birthday", "", "notes"]
        )
    }
    marketer.post(page("mapping", import_), {**sent, "format-4": "DD.MM.YYYY"})
    work_through(import_)
    shown = text_of(marketer.get(page("change", import_)))

    assert import_.status == "checked", import_.reason
    assert import_.counts["rows"] == 5
    assert "What will happen" in shown
    assert f"Import {5 - import_.counts['reject']} rows" in shown
    assert "Anne" in shown
    assert "Änne" in shown
    rejects = b"".join(marketer.get(page("rejects", import_)).streaming_content).decode()
    assert "Niemand" in rejects

    marketer.post(page("start", import_))
    work_through(import_)
    shown = text_of(marketer.get(page("change", import_)))
    assert "What has become of the rows" in shown
    assert f"/admin/contacts/contact/?import={import_.pk}" in shown
    assert not storing.raw_of(storing.folder() / import_.path).exists()
    listed = text_of(marketer.get(f"/admin/contacts/contact/?import={import_.pk}"))
    assert "made or changed by the import of “people.csv”" in listed
    assert "otto@example.de" in listed

    asking = text_of(marketer.get(page("undo", import_)))
    assert "Counting what the undo would come to … 0 so far" in asking
    counted = text_of(marketer.get(next_of(asking)))
    assert f'data-undo="removed">{import_.done["create"]}<' in counted
    assert "Counting" not in counted
    marketer.post(page("undo", import_))
    work_through(import_)
    assert "The undo has restored" in text_of(marketer.get(page("change", import_)))


def next_of(shown):
    """Where a page that counts asks for the rest."""
    return unescape(re.search('hx-get="([^"]*preview/[^"]*)"', shown)[1])


def test_what_else_an_import_has_given_is_counted_behind_the_page_and_up_to_a_limit(
    marketer, monkeypatch
):
    import_ = uploaded(marketer, b'email,tags\na@example.com,"x,y"\nb@example.com,x\n')
    marketer.post(page("mapping", import_), {"target-0": "email", "target-1": "tags"})
    work_through(import_)
    marketer.post(page("start", import_))
    work_through(import_)

    with CaptureQueriesContext(connection) as asked:
        shown = text_of(marketer.get(page("undo", import_)))
    assert "contacts_contacttag" not in str(asked.captured_queries)
    assert "has given" not in shown

    assert "The import has given 3 tags." in text_of(marketer.get(next_of(shown)))
    monkeypatch.setattr(showing, "_MOST_GIVEN", 2)
    assert "has given more than 2 tags." in text_of(marketer.get(next_of(shown)))


def test_undo_is_counted_in_portions(marketer, monkeypatch):
    import_ = uploaded(marketer, b"email\na@example.com\nb@example.com\nc@example.com\n")
    start_check(import_, import_.mapping)
    work_through(import_)
    start_import(import_)
    work_through(import_)
    monkeypatch.setattr(import_pages, "preview_undo", partial(preview_undo, most=2))
    shown = text_of(marketer.get(page("undo", import_)))

    first = text_of(marketer.get(next_of(shown)))
    assert "Counting what the undo would come to … 2 so far" in first
    assert 'value="66" max="100"' in first
    second = text_of(marketer.get(next_of(first)))
    assert 'data-undo="removed">3<' in second
    assert "hx-get" not in second
    # What nobody has counted counts for nothing.
    made_up = text_of(marketer.get(page("preview", import_), {"so_far": next_of(first)[-20:]}))
    assert "2 so far" in made_up

    marketer.post(page("undo", import_))
    answer = marketer.get(next_of(first))
    assert (answer.content, answer.headers["HX-Refresh"]) == (b"", "true")


def test_identifiers_of_each_site_are_offered(marketer):
    channel = make_channel(name="Shop")
    import_ = uploaded(marketer, b"email,id\na@example.com,7\n")
    target = f"identifier:{channel.site_id}:user_id"
    assert f'<option value="{target}">User ID of Shop</option>' in text_of(
        marketer.get(page("mapping", import_))
    )

    marketer.post(page("mapping", import_), {"target-0": "email", "target-1": target})
    import_.refresh_from_db()
    assert import_.mapping == {"email": "email", "id": target}


def test_check_knows_how_many_rows_there_are(marketer):
    import_ = uploaded(marketer, b"email\na@example.com\nb@example.com\n")

    marketer.post(page("mapping", import_), {"target-0": "email"})

    assert "Checking the file … 0 of 2" in text_of(marketer.get(page("progress", import_)))


def test_progress_is_shown_until_it_is_over(marketer):
    import_ = uploaded(marketer)
    Import.objects.filter(pk=import_.pk).update(status="checking", position=50, total=200)

    going_on = marketer.get(page("progress", import_))
    Import.objects.filter(pk=import_.pk).update(status="failed", reason="It was no use.")
    over = marketer.get(page("progress", import_))

    assert "50 of 200" in text_of(going_on)
    assert 'value="25" max="100"' in text_of(going_on)
    assert (over.content, over.headers["HX-Refresh"]) == (b"", "true")


def test_what_is_of_no_import_is_forgotten_after_a_day(marketer, folder, monkeypatch):
    import_ = uploaded(marketer)
    kept = {file.name for file in folder.iterdir()}
    (folder / "stray.uploaded").write_text("x")
    (folder / "unpacked-x").mkdir()

    assert forget_strays() == 0
    monkeypatch.setattr(strays, "KEPT_FOR", -strays.KEPT_FOR)  # tomorrow
    assert forget_strays() == 2
    assert {file.name for file in folder.iterdir()} == kept

    Import.objects.filter(pk=import_.pk).update(path="")
    assert forget_strays() == 2
