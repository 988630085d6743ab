"""Whether a file that waits has one of very many names is found in one look at each line."""

import pytest

from contacts.names_among import NamesAmong
from exchange.importing import storing
from exchange.importing.storing import has_any


class Lower(str):
    """A text in lower case that counts what is looked for in it."""

    looked_for = 0

    def __contains__(self, name):
        Lower.looked_for += 1
        return super().__contains__(name)


class Text(str):
    """A text that counts how often it is made lower."""

    made_lower = 0

    def lower(self):
        Text.made_lower += 1
        return Lower(super().lower())


class Noting(NamesAmong):
    """Names that note what they are looked for in."""

    seen = ""

    def stand_in(self, text):
        self.seen += text
        return super().stand_in(text)


def emails(count):
    return Noting(f"person{number}@example.com" for number in range(count))


@pytest.mark.parametrize("count", [1, 250])
def test_lines_are_looked_at_once_however_many_names_there_are(monkeypatch, tmp_path, count):
    monkeypatch.setattr(storing, "_PIECE", 100)
    file, names = tmp_path / "table", emails(count)
    file.write_text("2,,somebody@example.com,Wien\n" * 20)

    assert not has_any(file, names)

    assert names.seen == file.read_text()


@pytest.mark.parametrize(("count", "most"), [(1, 1), (20, 20), (250, 0), (5_000, 0)])
def test_a_text_is_not_compared_with_each_of_many_names(monkeypatch, count, most):
    monkeypatch.setattr(Text, "made_lower", 0)
    monkeypatch.setattr(Lower, "looked_for", 0)

    assert not emails(count).stand_in(Text("2,,somebody@example.com,Wien"))

    assert (Text.made_lower, Lower.looked_for) == (1, most)


def test_names_are_found_in_any_letter_case(tmp_path):
    file = tmp_path / "table"
    file.write_text("2,,Mail to <PERSON7@Example.com>,Wien\n3,,Zo\u00cb@example.com\n")

    assert has_any(file, emails(8))
    assert not has_any(file, emails(7))
    assert has_any(file, emails(250))
    assert has_any(file, NamesAmong(["zo\u00eb@example.com"]))
    assert not has_any(tmp_path / "gone", emails(1))
