"""Reading the members of a condition: each is checked, and what is wrong is said in a sentence."""

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from database.letter_case import fold
from groups.trees import InvalidRule

MOST_DAYS = 100_000
MOST_TEXT = 1_000
MOST_NAMES, LONGEST_NAME = 250, 250

TEXT_OPERATORS = {
    "contains": "contains",
    "does_not_contain": "does not contain",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "equals": "is equal to",
    "not_equals": "is not equal to",
}
NUMBER_OPERATORS = {
    "=": "is",
    "!=": "is not",
    ">": "is greater than",
    ">=": "is at least",
    "<": "is less than",
    "<=": "is at most",
}
# Digits, with a fraction and an exponent of two digits at most.
NUMBER = r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]{1,2})?"
_NUMBER = re.compile(NUMBER)
_SEEKING = ("contains", "does_not_contain", "starts_with", "ends_with")


class Members:
    """The members of one condition, each read once; what was not read is refused at the end.

    :ivar of_run: whether the rule is asked of a run of an automation, which has an entry to count
        from
    """

    def __init__(self, node: object, path: str, *, what: str, of_run: bool = False):
        if not isinstance(node, dict):
            raise InvalidRule(path, f"Must be an object that is {what}.")
        self._node, self._path, self.what, self.of_run = node, path, what, of_run
        self._read: set[str] = set()

    def path_of(self, name: str) -> str:
        """Where the member `name` stands in the rule."""
        return f"{self._path}.{name}" if self._path else name

    def has(self, name: str) -> bool:
        """Whether the member, which may be absent, is there; null is absent."""
        self._read.add(name)
        return self._node.get(name) is not None

    def done(self) -> None:
        """Refuse the members that were not read.

        :raises InvalidRule: naming the first
        """
        for name in self._node:
            if name not in self._read:
                known = ", ".join(sorted(self._read)) or "none"
                raise InvalidRule(
                    self.path_of(_shown(name)), f"Is no member of {self.what}. Members: {known}."
                )

    def required(self, name: str) -> Any:
        """The member as it is.

        :raises InvalidRule: if it is absent
        """
        value = self._get(name)
        if value is None:
            raise InvalidRule(self.path_of(name), f"Is missing from {self.what}.")
        return value

    def flag(self, name: str) -> bool:
        """True or false; false if it is absent."""
        value = self._get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise InvalidRule(self.path_of(name), "Must be true or false.")
        return value

    def choice(self, name: str, choices: Collection[str], *, default: str | None = None) -> str:
        """One of `choices`, as it is written there."""
        if default is not None and not self.has(name):
            return default
        value = self.required(name)
        if not isinstance(value, str) or value not in choices:
            raise InvalidRule(self.path_of(name), f"Must be one of: {', '.join(choices)}.")
        return value

    def list_of(self, name: str) -> list[Any]:
        """A list of anything."""
        value = self.required(name)
        if not isinstance(value, list | tuple):
            raise InvalidRule(self.path_of(name), "Must be a list.")
        return list(value)

    def text(self, name: str, *, most: int = MOST_TEXT) -> str:
        """A text that is not empty."""
        return _text(self.required(name), self.path_of(name), most=most)

    def names(self, name: str) -> list[str]:
        """A list of names, at least one; one that is there twice, in any letter case, counts once.

        Use `optional_names` for a list that may be absent.
        """
        values = self.list_of(name)
        if not values:
            raise InvalidRule(self.path_of(name), "Name at least one.")
        if len(values) > MOST_NAMES:
            raise InvalidRule(self.path_of(name), f"Names at most {MOST_NAMES}.")
        first: dict[str, str] = {}
        for number, value in enumerate(values):
            text = _text(value, f"{self.path_of(name)}[{number}]", most=LONGEST_NAME)
            first.setdefault(fold(text), text)
        return list(first.values())

    def optional_names(self, name: str) -> dict[str, list[str]]:
        """The same as a part of the normal form: nothing if the member is absent."""
        return {name: self.names(name)} if self.has(name) else {}

    def codes(self, name: str, known: Collection[str], *, called: str) -> list[str]:
        """A list of codes that are all among `known`, in capital letters."""
        codes = [code.upper() for code in self.names(name)]
        for number, code in enumerate(codes):
            if code not in known:
                raise InvalidRule(
                    f"{self.path_of(name)}[{number}]", f"“{_shown(code)}” is no {called}."
                )
        return codes

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`, both included."""
        value = self.required(name)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidRule(
                self.path_of(name), f"Must be a whole number from {least:,} to {most:,}."
            )
        return value

    def days(self, name: str = "days") -> int:
        """A number of days to look back."""
        return self.whole(name, 1, MOST_DAYS)

    def optional_days(self) -> dict[str, int]:
        """`days` as a part of the normal form: nothing if the member is absent."""
        return {"days": self.days()} if self.has("days") else {}

    def comparison(self, name: str, *, numbers: bool = False) -> dict[str, Any]:
        """`{operator, value}` of a text.

        :param numbers: whether the text may also be compared as a number
        """
        inner = Members(self.required(name), self.path_of(name), what="a comparison")
        read = inner.compared(numbers=numbers)
        inner.done()
        return read

    def optional_comparison(self, name: str, *, numbers: bool = False) -> dict[str, Any]:
        """The same as a part of the normal form: nothing if the member is absent."""
        return {name: self.comparison(name, numbers=numbers)} if self.has(name) else {}

    def compared(self, *, numbers: bool = False) -> dict[str, Any]:
        """The members `operator` and `value`."""
        operator = self.operator(numbers=numbers)
        value = self.number() if operator in NUMBER_OPERATORS else self._compared_text(operator)
        return {"operator": operator, "value": value}

    def operator(self, *, numbers: bool) -> str:
        """The operator of a text; those of numbers are refused unless `numbers`."""
        given = self.required("operator")
        if isinstance(given, str) and given in NUMBER_OPERATORS and not numbers:
            raise InvalidRule(
                self.path_of("operator"),
                f"“{given}” compares numbers, and this is a text. "
                f"Use one of: {', '.join(TEXT_OPERATORS)}.",
            )
        return self.choice("operator", [*TEXT_OPERATORS, *(NUMBER_OPERATORS if numbers else ())])

    def number(self, name: str = "value") -> int | float | str:
        """A number; as a text where JSON's numbers would not be exact."""
        value = self.required(name)
        # Python does not write numbers of thousands of digits.
        small = isinstance(value, int | float) and abs(value) < 10**MOST_TEXT
        text = repr(value) if small else value
        if isinstance(value, bool) or not isinstance(text, str) or not _is_number(text):
            raise InvalidRule(
                self.path_of(name), "Must be a number, such as 5000 or -0.5, to be compared as one."
            )
        return _as_json(Decimal(text.strip()))

    def _compared_text(self, operator: str) -> str:
        value = self.required("value")
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**MOST_TEXT:
            value = str(value)
        empty = operator not in _SEEKING
        return _text(value, self.path_of("value"), most=MOST_TEXT, empty=empty)

    def _get(self, name: str) -> Any:
        self._read.add(name)
        return self._node.get(name)


def _is_number(text: str) -> bool:
    return len(text) <= MOST_TEXT and _NUMBER.fullmatch(text.strip()) is not None


def _as_json(number: Decimal) -> int | float | str:
    if number == number.to_integral_value() and abs(number) < 2**53:
        return int(number)
    short = float(number)
    if Decimal(repr(short)) == number and _NUMBER.fullmatch(repr(short)):
        return short
    return format(number, "f")


def _text(value: object, path: str, *, most: int, empty: bool = False) -> str:
    if not isinstance(value, str):
        raise InvalidRule(path, "Must be a text.")
    if not value and not empty:
        raise InvalidRule(path, "Must not be empty.")
    if len(value) > most:
        raise InvalidRule(path, f"Has at most {most:,} characters.")
    if "\0" in value or not _can_be_stored(value):
        raise InvalidRule(path, "Contains a character that no text can have.")
    return value


def _can_be_stored(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: object) -> str:
    text = str(name)
    return text if len(text) <= 50 else f"{text[:50]}…"
