"""Cells of CSV that no spreadsheet takes for formulas, and back again without a loss."""

import re

# What spreadsheets take for the beginning of a formula, in full width as well.
_FORMULAS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
# Numbers and phone numbers: nothing in them can name a function or another cell.
_NUMBERS = re.compile(r"[+-]?[0-9][0-9 ()./-]*")
_MAYBE = frozenset(_FORMULAS + "'")


def harmless(text: str) -> str:
    """`text` as a cell: with an apostrophe in front if it would be taken for a formula.

    Numbers and phone numbers stay as they are. What begins with apostrophes and then as a formula
    gets one more, so that `without_apostrophe` gives back each text as it was.
    """
    if not text or text[0] not in _MAYBE:
        return text
    if not text.lstrip("'").startswith(tuple(_FORMULAS)) or _NUMBERS.fullmatch(text):
        return text
    return f"'{text}"


def without_apostrophe(text: str) -> str:
    """The text that `harmless` has made this cell of."""
    is_marked = text.startswith("'") and text.lstrip("'").startswith(tuple(_FORMULAS))
    return text[1:] if is_marked else text
