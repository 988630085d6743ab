"""Files as they should not be, from the upload to the contacts: what is good of them comes in."""

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.test import Client

from adminsite.roles import give_roles
from contacts.models import Contact
from exchange.importing.acting import work_through
from exchange.importing.telling import rejects_of
from tests.exchange.importing.test_contacts import counts
from tests.exchange.importing.test_import_pages import page, uploaded

pytestmark = pytest.mark.django_db


@pytest.fixture
def brought_in(settings, tmp_path):
    """Imports a file through the pages, as a marketer."""
    settings.DATA_DIR = tmp_path / "data"
    client, user = Client(), User.objects.create(username="marketer", is_staff=True)
    give_roles(user, ["marketer"])
    client.force_login(user)

    def brought_in(content, *targets, **options):
        import_ = uploaded(client, content)
        sent = {f"target-{at}": target for at, target in enumerate(targets)}
        client.post(page("mapping", import_), {**sent, **options})
        work_through(import_)
        assert import_.status == "checked", import_.reason
        client.post(page("start", import_))
        work_through(import_)
        assert import_.status == "imported", import_.reason
        return import_

    return brought_in


def test_file_of_one_column_makes_contacts(brought_in):
    import_ = brought_in(b"email\nann@example.com\nbob@example.com\n\n", "email")

    assert import_.counts == counts(create=2)


def test_file_of_one_column_without_a_name_makes_contacts(brought_in):
    import_ = brought_in(b"ann@example.com\r\nbob@example.com", "email")

    assert import_.counts == counts(create=2)


def test_file_of_a_thousand_columns_makes_contacts(brought_in):
    names = ",".join(f"column {at}" for at in range(998))
    content = f"{names},email,city\n{'x,' * 998}ann@example.com,Wien\n"

    import_ = brought_in(content.encode(), *[""] * 998, "email", "city")

    assert import_.counts == counts(create=1)
    assert Contact.objects.get().city == "Wien"


def test_rows_that_cannot_be_read_stay_out_and_the_others_come_in(brought_in):
    lines = [
        b'email,notes,zip,born\r\n"ann@example.com","two\r\nlines, ""quoted""",01234,\r\n',
        "bob@example.com,Jürgen,00501,24.12.1980\r\n".encode(),
        "hans@example.com,Ägid,2,\r\n".encode(),
        "carl@example.com,Jürgen,1,\r\n".encode("cp1252"),
        b"dora@example.com,\0,1,\r\n",
        b"eve@example.com,x,1,31.12.1899\r\n",
        b"fred@example.com,=cmd()|' /C calc'!A0,007,\r\n",
        b"gina@example.com,too,many,cells,here\r\n",
    ]

    import_ = brought_in(b"".join(lines), "email", "notes", "zip", "birthday")

    assert import_.counts == counts(create=4, reject=4)
    people = Contact.objects.order_by("email_key").values_list("email", "notes", "zip", "birthday")
    assert [(*texts, str(born or "")) for *texts, born in people] == [
        ("ann@example.com", 'two\r\nlines, "quoted"', "01234", ""),
        ("bob@example.com", "Jürgen", "00501", "1980-12-24"),
        ("fred@example.com", "=cmd()|' /C calc'!A0", "007", ""),
        ("hans@example.com", "Ägid", "2", ""),
    ]
    _, *rejects = csv.reader(StringIO("".join(rejects_of(import_)), newline=""))
    assert [(row[0], row[-1].partition(".")[0]) for row in rejects] == [
        ("carl@example.com", "This row has characters that are not UTF-8, as most of the file is"),
        ("dora@example.com", "This row contains a NUL character"),
        (
            "eve@example.com",
            "born is what spreadsheets make of an empty cell: leave it empty",
        ),
        ("gina@example.com", rejects[3][-1].partition(".")[0]),
    ]
    assert rejects[3][-1].startswith("This row has 5 cells, and the table has 4 columns")
