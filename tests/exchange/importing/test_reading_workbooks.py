"""Workbooks and archives: sheets, cells, and files that inflate to more than there is room for."""

import datetime
import zipfile

import pytest

from exchange.importing import archives, spreadsheets
from exchange.importing.reading import CannotRead
from tests.exchange.importing.files import mailchimp_zip, read, workbook


def test_cells_of_a_workbook_are_texts(tmp_path):
    born = datetime.date(1980, 4, 3)
    at = datetime.datetime(2024, 5, 6, 7, 8, 9)
    head = ["Email", "PLZ", "Phone", "Amount", "Born", "At", "Yes", "Formula"]
    row = ["a@example.com", "01234", 491701234567, 12.5, born, at, True, "=1+1"]
    path = workbook(tmp_path / "a.xlsx", {"People": [head, row]})

    assert read(path)[:2] == (
        head,
        [
            (
                2,
                [
                    *("a@example.com", "01234", "491701234567", "12.5", "1980-04-03"),
                    *("2024-05-06 07:08:09", "true", "0"),
                ],
            )
        ],
    )


def test_blank_rows_of_a_sheet_count(tmp_path):
    rows = [[], ["Email", "Name"], [], ["a@example.com"]]

    assert read(workbook(tmp_path / "a.xlsx", {"People": rows}))[:2] == (
        ["Email", "Name"],
        [(4, ["a@example.com", ""])],
    )


def test_first_sheet_with_cells_is_read_or_the_chosen_one(tmp_path):
    sheets = {"Cover": [], "People": [["Email"], ["a@example.com"]], "Old": [["Mail"], ["b@b.org"]]}
    path = workbook(tmp_path / "a.xlsx", sheets)

    assert read(path)[0] == ["Email"]
    assert read(path, sheet="Old")[:2] == (["Mail"], [(2, ["b@b.org"])])
    with pytest.raises(CannotRead, match=r"has no sheet “New”. It has: “Cover”, “People”, “Old”"):
        read(path, sheet="New")


def test_workbook_that_takes_too_much_memory_ends_its_process_only(tmp_path, monkeypatch):
    path = workbook(tmp_path / "a.xlsx", {"People": [["Email"], ["a@example.com"]]})
    monkeypatch.setattr(spreadsheets, "MOST_MEGABYTES", 16)

    with pytest.raises(CannotRead, match=r"needs more memory or time than the hub has for one"):
        read(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.xlsx"]


def test_damaged_workbook_is_told(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"People": [["Email"], ["a@example.com"]]})
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(CannotRead, match=r"^The file is damaged: it ends early"):
        read(path)


def bomb(path, size):
    """A workbook that is mostly one letter."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * size)
    return path


def test_bomb_is_refused_by_what_it_says_of_itself(tmp_path, monkeypatch):
    path = bomb(tmp_path / "a.xlsx", 20 << 20)
    monkeypatch.setattr(archives, "_inflate", None)  # nothing of it is inflated

    with pytest.raises(CannotRead, match=r"^The file inflates to far more than its size"):
        read(path)


def test_bomb_that_lies_about_its_size_is_refused_by_the_bytes_that_come(tmp_path, monkeypatch):
    path = bomb(tmp_path / "a.xlsx", 20 << 20)
    true, said = (20 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(true, said))
    sizes = []
    inflate = archives._inflate
    monkeypatch.setattr(
        archives, "_inflate", lambda *args: (sizes.append(one) or one for one in inflate(*args))
    )

    with pytest.raises(CannotRead, match=r"^The file inflates to far more than its size"):
        read(path)
    assert sum(sizes) <= archives._RATIO_COUNTS_FROM + archives._BLOCK
    assert max(sizes) <= archives._BLOCK


def test_archive_of_lists_that_is_a_bomb_is_refused(tmp_path):
    path = tmp_path / "audience.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("subscribed.csv", "email\n" + "a@example.com\n" * 2_000_000)

    with pytest.raises(CannotRead, match=r"^The file inflates to far more than its size"):
        read(path)
    assert [file.name for file in tmp_path.iterdir()] == ["audience.zip"]


def test_archive_of_other_things_is_told(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "Dear")

    with pytest.raises(CannotRead, match=r"has no CSV files, and is no workbook"):
        read(path)


def test_mailchimps_export_begins_with_who_has_unsubscribed(tmp_path):
    headers, good, bad = read(mailchimp_zip(tmp_path / "audience.zip"))

    assert headers[:4] == ["Mailchimp status", "Email Address", "First Name", "Last Name"]
    assert [(number, cells[0], cells[1]) for number, cells in good] == [
        (2, "unsubscribed", "gone@example.com"),
        (4, "cleaned", "bounced@example.com"),
        (6, "subscribed", "ada@example.com"),
        (7, "subscribed", "grace@example.com"),
    ]
    at = headers.index("TAGS")
    assert [cells[at] for _, cells in good] == ["", "", '"news","vip"', ""]
    assert bad == {}
    # What was unpacked is gone with the table.
    assert [file.name for file in tmp_path.iterdir()] == ["audience.zip"]


def test_archive_with_a_csv_of_another_name_is_not_mailchimps(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("people.csv", "email\na@example.com\n")

    with pytest.raises(CannotRead, match=r"has “people.csv”, and is not Mailchimp's"):
        read(path)


def test_archive_whose_table_was_changed_on_its_way_is_told(tmp_path):
    """Its bytes inflate, and are not those whose checksum it has."""
    path = tmp_path / "audience.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("subscribed_email.csv", "Email Address\nann@example.com\n")
    path.write_bytes(path.read_bytes().replace(b"ann@", b"bob@"))
    with pytest.raises(CannotRead, match="was changed on its way"):
        read(path)


@pytest.mark.parametrize("name", ["../../etc/subscribed.csv", "/tmp/subscribed.csv"])
def test_names_in_an_archive_lead_nowhere(tmp_path, name):
    path = tmp_path / "in" / "audience.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "Email Address\nann@example.com\n")
    assert read(path)[1] == [(2, ["subscribed", "ann@example.com"])]
    assert [one.name for one in tmp_path.iterdir()] == ["in"]
