"""The words of conditions in sentences."""

from collections.abc import Sequence
from decimal import Decimal

from groups.conditions.members import NUMBER_OPERATORS, TEXT_OPERATORS


def any_of(names: Sequence[str]) -> str:
    """“A”, “A or B”, “A, B or C”."""
    return _joined(names, "or")


def all_of(names: Sequence[str]) -> str:
    """“A”, “A and B”, “A, B and C”."""
    return _joined(names, "and")


def quoted(text: str) -> str:
    """`text` between quotation marks."""
    return f"“{text}”"


def counted(number: int, thing: str) -> str:
    """“1 day”, “30 days”."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def said_comparison(operator: str, value: object) -> str:
    """A comparison: “contains “x””, “is at least 5,000”."""
    if operator in NUMBER_OPERATORS:
        return f"{NUMBER_OPERATORS[operator]} {Decimal(str(value)):,f}"
    return f"{TEXT_OPERATORS[operator]} {quoted(str(value))}"


def a_(thing: str) -> str:
    """“a city”, “an email”."""
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"


def _joined(names: Sequence[str], word: str) -> str:
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last
