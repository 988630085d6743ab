"""Comparing texts and numbers in SQL, by the hub's rule of letter case."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from database.letter_case import fold
from groups.conditions.members import NUMBER, NUMBER_OPERATORS
from groups.formulas import Statement, put

# PostgreSQL's numbers have at most 16,383 digits behind the point; a longer text is no number here.
_LONGEST_NUMBER = 16_000
# What Python's strip takes away.
_SPACES = "".join(
    chr(code) for code in (*range(0x1C, 0x21), *range(0x09, 0x0E), 0x85, 0xA0, 0x1680)
) + "".join(chr(code) for code in (*range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
_SQL_OPERATORS = {"!=": "<>"}


def compare(column: str, comparison: Mapping[str, Any]) -> Statement:
    """SQL that says whether the text `column` compares as asked; NULL does not.

    :param column: SQL without placeholders; it stands there several times
    """
    operator, value = comparison["operator"], comparison["value"]
    if operator in NUMBER_OPERATORS:
        sign = _SQL_OPERATORS.get(operator, operator)
        return put(f"{{}} {sign} {{}}::numeric", _as_number(column), Decimal(str(value)))
    return _compare_text(column, operator, fold(value))


def _as_number(column: str) -> Statement:
    # CASE alone keeps PostgreSQL from casting what is no number.
    return put(
        f"CASE WHEN octet_length({column}) <= {_LONGEST_NUMBER} AND btrim({column}, {{}}) ~ {{}}"
        f" THEN btrim({column}, {{}})::numeric END",
        *(_SPACES, f"^{NUMBER}$", _SPACES),
    )


def _compare_text(column: str, operator: str, needle: str) -> Statement:
    match operator:
        case "does_not_contain":
            return put("NOT ({})", _compare_text(column, "contains", needle))
        case "not_equals":
            return put("NOT ({})", _compare_text(column, "equals", needle))
    # A text of ASCII cannot contain another letter, and folding costs more than all else.
    if not needle.isascii():
        found = _finding(f"throughline_fold({column})", operator, needle)
        return put(f"octet_length({column}) <> length({column}) AND {{}}", found)
    return _finding(_folded(column, needle), operator, needle)


def _folded(column: str, needle: str) -> str:
    """`column` with its letters folded as far as it matters to find `needle`, of ASCII, in it."""
    lower = f'lower({column} COLLATE "C")'
    if not any("a" <= letter <= "z" for letter in needle):
        return column
    # No other letters become those of ASCII than the Kelvin sign and the I with a dot.
    if not {"i", "k"} & set(needle):
        return lower
    return (
        f"CASE WHEN octet_length({column}) = length({column}) THEN {lower}"
        f" ELSE throughline_fold({column}) END"
    )


def _finding(text: str, operator: str, needle: str) -> Statement:
    match operator:
        case "contains":
            return put(f"strpos({text}, {{}}) > 0", needle)
        case "starts_with":
            return put(f"starts_with({text}, {{}})", needle)
        case "ends_with":
            return put(f"right({text}, {len(needle)}) = {{}}", needle)
    return put(f"({text}) = {{}}", needle)
