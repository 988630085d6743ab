"""Query strings and forms with names in brackets, such as `user[id]=7&items[0][name]=Loan`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import qs_codec

# Beyond these, a form and the names of its fields are cut short: no client has a use for more, and
# memory stays bounded.
_MOST_FIELDS = 1_000
_MOST_ITEMS = 1_000
_DEEPEST = 20
_LONGEST_NAME = 10_000

# Names such as `a[b=c]` end with their bracket.
_BRACKET_BEFORE_VALUE = re.compile(r"(?:\]|%5[dD])=")
_PIECE = 64 * 1024

_OPTIONS = qs_codec.DecodeOptions(
    depth=_DEEPEST,
    parameter_limit=_MOST_FIELDS,
    list_limit=_MOST_ITEMS,
    # As PHP does, which these formats were made for.
    duplicates=qs_codec.Duplicates.LAST,
)


def with_plus(email: str) -> str:
    """`email` as it was meant in a query or a form, without spaces at its ends.

    No email has a space in it: it was a plus that nobody escaped.
    """
    return email.strip().replace(" ", "+")


def with_plus_of_offset(time: str) -> str:
    """`time` as it was meant in a query: a space behind its T was a plus that nobody escaped."""
    day, letter, rest = time.partition("T" if "T" in time else "t")
    return f"{day}{letter}{rest.replace(' ', '+')}"


def read_nested(form: str | Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields of `form`, an encoded text or decoded pairs: strings, lists and dicts of them.

    Of several fields with one name the last one counts. What is no UTF-8 is replaced by U+FFFD.
    """
    if isinstance(form, str):
        fields = ((name, unescape(value)) for name, value in _split(form))
    else:
        fields = (
            (quote(name, errors="replace"), value.encode(errors="replace").decode())
            for name, value in form
        )
    names: list[str] = []
    values: list[str] = []
    for name, value in islice(fields, _MOST_FIELDS):
        name = name[:_LONGEST_NAME]
        names.append(f"{name}={len(values)}" if value else f"{name}=")
        values.append(value)
    # Names alone make the structure: values, which may be long, are put into it afterwards.
    nested = qs_codec.decode("&".join(names), _OPTIONS)
    return {str(name): _fill_in(one, values) for name, one in nested.items()}


def unescape(text: str) -> str:
    """What an escaped text of a query or form stands for; piece by piece, to take little memory."""
    if "%" not in text:
        return text.replace("+", " ")
    made, start = bytearray(), 0
    while start < len(text):
        end = start + _PIECE
        # An escape is not cut.
        end -= 1 + text[end - 2 : end][::-1].find("%") if "%" in text[end - 2 : end] else 0
        made += unquote_to_bytes(text[start:end].replace("+", " "))
        start = end
    return made.decode(errors="replace")


def _split(form: str) -> Iterator[tuple[str, str]]:
    """The fields of `form`, one by one, as they are."""
    start = 0
    while start <= len(form):
        end = form.find("&", start)
        end = len(form) if end < 0 else end
        if start < end:
            bracket = _BRACKET_BEFORE_VALUE.search(form, start, end)
            sign = bracket.end() - 1 if bracket else form.find("=", start, end)
            yield (form[start:sign], form[sign + 1 : end]) if sign >= 0 else (form[start:end], "")
        start = end + 1


def _fill_in(nested: Any, values: Sequence[str]) -> Any:
    """`nested` with each value in the place of its number."""
    if isinstance(nested, dict):
        return {name: _fill_in(one, values) for name, one in nested.items()}
    if isinstance(nested, list):
        return [_fill_in(one, values) for one in nested]
    return values[int(nested)] if isinstance(nested, str) and nested else nested
