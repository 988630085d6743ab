"""CSV files as other programs write them: delimiters, encodings, quotation marks, broken rows."""

import tracemalloc

import pytest

from exchange.importing import delimited
from exchange.importing.reading import CannotRead, Unreadable, open_uploaded
from tests.exchange.importing.files import GERMAN, read


@pytest.fixture
def file(tmp_path):
    """Writes a file of the test, and returns where it is."""

    def write(content, codec="utf-8"):
        path = tmp_path / "file.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(codec))
        return path

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_by_looking(file, delimiter):
    rows = [["email", "name", "text"], ["a@example.com", "A", "x"], ["b@example.com", "", "y"]]

    assert read(file("\n".join(delimiter.join(row) for row in rows)))[:2] == (
        ["email", "name", "text"],
        [(2, ["a@example.com", "A", "x"]), (3, ["b@example.com", "", "y"])],
    )


def test_delimiter_is_not_what_texts_have_in_them(file):
    content = 'email;text\na@example.com;"one, two, three"\nb@example.com;four, five\n'

    assert read(file(content))[1] == [
        (2, ["a@example.com", "one, two, three"]),
        (3, ["b@example.com", "four, five"]),
    ]


def test_excels_own_line_names_the_delimiter(file):
    assert read(file("sep=|\nemail|name\na@example.com|A,B;C\n"))[:2] == (
        ["email", "name"],
        [(2, ["a@example.com", "A,B;C"])],
    )


@pytest.mark.parametrize(
    "codec",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"],
)
def test_encoding_is_found_by_looking(file, codec):
    content = "email,name\nj@example.com,Jürgen Groß\n"

    assert read(file(content, codec)) == (
        ["email", "name"],
        [(2, ["j@example.com", "Jürgen Groß"])],
        {},
    )


@pytest.mark.parametrize(
    ("codec", "name"), [("cp1250", "Łódź"), ("cp1251", "Москва"), ("shift_jis", "東京")]
)
def test_user_may_say_the_encoding(file, codec, name):
    path = file(f"email,name\nj@example.com,{name}\n", codec)

    assert read(path, encoding=codec)[1] == [(2, ["j@example.com", name])]


def test_row_in_another_encoding_is_told_and_the_others_are_read(file):
    content = (
        "email,name\na@example.com,Jürgen\n".encode()
        + "b@example.com,Jürgen\n".encode("cp1252")
        + "c@example.com,Ägid\n".encode()
    )

    _, good, bad = read(file(content))

    assert good == [(2, ["a@example.com", "Jürgen"]), (4, ["c@example.com", "Ägid"])]
    assert list(bad) == [3]
    assert bad[3].startswith("This row has characters that are not UTF-8, as most of the file is.")


def test_row_in_utf_8_among_others_is_told(file):
    content = (
        "email,name\na@example.com,Jürgen\nc@example.com,Ägid\n".encode("cp1252")
        + "b@example.com,Jürgen\n".encode()
    )

    _, good, bad = read(file(content))

    assert good == [(2, ["a@example.com", "Jürgen"]), (3, ["c@example.com", "Ägid"])]
    assert list(bad) == [4]
    assert bad[4].startswith("This row is in UTF-8, while most of the file is in Windows-1252.")


def test_quotation_marks_are_excels(file):
    content = (
        'email,text\r\na@example.com,"two\r\nlines, and ""quotes"""\r\nb@example.com,5" pipe\r\n'
    )

    assert read(file(content))[1] == [
        (2, ["a@example.com", 'two\r\nlines, and "quotes"']),
        (3, ["b@example.com", '5" pipe']),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(file, end):
    assert read(file(end.join(["email,name", "a@example.com,A", "b@example.com,B"])))[1] == [
        (2, ["a@example.com", "A"]),
        (3, ["b@example.com", "B"]),
    ]


def test_quotation_mark_that_is_never_closed_is_told_with_its_row(file):
    path = file('email,name\na@example.com,A\nb@example.com,"B\nc@example.com,C\n')

    with pytest.raises(CannotRead, match=r"^Row 3 opens a quotation mark that is never closed"):
        read(path)


def test_ragged_rows_are_told_and_blank_ones_counted(file):
    content = (
        "email,name,city\na@example.com,A,X\n\nb@example.com,B\n"
        "c@example.com,C,Y,Z\nd@example.com,D,W,,\n"
    )

    _, good, bad = read(file(content))

    assert good == [(2, ["a@example.com", "A", "X"]), (6, ["d@example.com", "D", "W"])]
    assert {number: reason.partition(":")[0] for number, reason in bad.items()} == {
        4: "This row has 2 cells, and the table has 3 columns",
        5: "This row has 4 cells, and the table has 3 columns",
    }


def test_row_that_cannot_be_taken_comes_as_it_is(file):
    (row,) = [cells for _, cells in open_uploaded(file("email,name\na@example.com,A,B\n")).rows()]

    assert isinstance(row, Unreadable)
    assert row == ["a@example.com", "A", "B"]


def test_row_with_a_nul_is_told(file):
    _, good, bad = read(file("email,name\na@example.com,A\0B\nb@example.com,B\n"))

    assert good == [(3, ["b@example.com", "B"])]
    assert bad == {2: "This row contains a NUL character. Delete it, or save the table anew."}


def test_formulas_stay_texts(file):
    assert read(file("email,notes\na@example.com,=cmd()\n"))[1] == [
        (2, ["a@example.com", "=cmd()"])
    ]


@pytest.mark.parametrize(
    ("content", "headers", "first"),
    [
        ("a@example.com,Ann\nb@example.com,Bob\n", ["Column 1", "Column 2"], 1),
        ("email\na@example.com\n", ["email"], 2),
        (
            "Email,Email,,email\na@example.com,b,c,d\n",
            ["Email", "Email (2)", "Column 3", "email"],
            2,
        ),
        ("Members of May 2024\n\nemail,name\na@example.com,Ann\n", ["email", "name"], 4),
        (" E-Mail \nof\n", ["E-Mail"], 2),
    ],
    ids=["none", "one column", "repeated and empty", "below a title", "spaces"],
)
def test_names_of_columns_are_found(file, content, headers, first):
    found, good, _ = read(file(content))

    assert (found, good[0][0]) == (headers, first)


def test_user_may_say_that_the_first_row_has_values(file):
    path = file("Ann,Smith\nBob,Jones\n")

    assert read(path)[1] == [(2, ["Bob", "Jones"])]
    assert read(path, has_headers=False)[:2] == (
        ["Column 1", "Column 2"],
        [(1, ["Ann", "Smith"]), (2, ["Bob", "Jones"])],
    )


def test_as_many_columns_are_read_as_there_may_be(file):
    def row(columns):
        return ",".join(f"column {at}" for at in range(columns))

    assert len(read(file(row(1_000)))[0]) == 1_000
    with pytest.raises(
        CannotRead, match=r"^The file has 1,001 columns, and at most 1,000 are read"
    ):
        read(file(row(1_001)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty. "),
        (b"\n \n\n", "The file has no cells with anything in them. "),
        (b"%PDF-1.7 x", "The file is a PDF, and no table. "),
        (b"\x89PNG\r\n\x1a\n", "The file is a picture, and no table. "),
        (b"\x00\x01\x02\x00" * 50, "The file is no text: it is full of NUL characters. "),
        (b"x" * (1 << 20) + b"y", "Line 1 has more than 1,048,576 characters: this is no table. "),
    ],
    ids=["empty", "blank", "PDF", "picture", "NULs", "one line"],
)
def test_what_is_no_table_is_told_with_what_to_do(file, content, said):
    with pytest.raises(CannotRead) as error:
        read(file(content))

    assert str(error.value).startswith(said)
    assert error.value.args[0].rstrip(".").rpartition(". ")[2]


def test_rows_are_read_one_after_the_other(file, monkeypatch):
    path = file("email,notes\n" + "a@example.com,some notes of a contact\n" * 50_000)

    tracemalloc.start()
    assert sum(1 for _ in open_uploaded(path).rows()) == 50_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert path.stat().st_size > 1_800_000
    # What it looks at first is cut into cells by each delimiter.
    assert peak < 16 * delimited._LOOKED_AT_CHARACTERS


def test_sample_of_another_language_is_read():
    headers, good, bad = read(GERMAN)

    assert headers == [
        *("E-Mail", "Vorname", "Nachname", "PLZ", "Geburtsdatum", "Umsatz", "Bemerkung"),
    ]
    assert [number for number, _ in good] == [2, 3, 4, 5, 6]
    assert good[0][1] == [
        *("juergen@example.de", "Jürgen", "Groß", "01234", "03.04.1980", "1.234,50 €"),
        "=cmd()|' /C calc'!A0",
    ]
    assert good[2][1][-1] == 'zwei\r\nZeilen; mit "Strich"'
    assert bad == {}
