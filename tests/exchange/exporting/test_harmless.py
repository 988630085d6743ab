"""Cells of CSV that spreadsheets could take for formulas."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adminsite.harmless import harmless, without_apostrophe


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-A1", "'-A1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1", "'＝1"),  # noqa: RUF001 -- as spreadsheets in Japan read it
        ("-", "'-"),
        ("'=1", "''=1"),
        # What stays as it is.
        ("+49 30 1234-5", "+49 30 1234-5"),
        ("+1 (555) 010.20", "+1 (555) 010.20"),
        ("-12.50", "-12.50"),
        ("00123", "00123"),
        ("'tis", "'tis"),
        ("O'Hara", "O'Hara"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_cell_is_no_formula_and_comes_back_as_it_was(text, cell):
    assert harmless(text) == cell
    assert without_apostrophe(cell) == text


@given(some.text("'=+-@\t\r\n1a( ", max_size=6) | some.text(max_size=6))
def test_no_text_is_lost_and_none_is_a_formula(text):
    cell = harmless(text)

    assert without_apostrophe(cell) == text
    assert not cell.startswith(("=", "@", "\t", "\r", "\n"))
    if cell.startswith(("+", "-")):
        assert cell[1:].strip("0123456789 ()./-") == ""
