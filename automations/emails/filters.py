"""The filters that texts may use: those of Liquid that cannot make much of little."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from liquid.builtin.filters import array, math, misc, string
from liquid.exceptions import FilterArgumentError

from automations.emails.nothing import Nothing

LONGEST_VALUE = 100_000
_LONGEST_LIST = 1_000
_LARGEST_NUMBER = 10**18
# What a width in a format such as %999999999d would come to.
_WIDE = re.compile(r"%[-_0^#]*\d")

_Filter = Callable[..., Any]


def _guarded(name: str, call: _Filter) -> _Filter:
    """`call` for values of a usual size; what is missing stays missing, but for `default`."""

    @wraps(call)
    def guarded(value: object, *args: object, **options: object) -> object:
        if name != "default":
            for one in (value, *args):
                if isinstance(one, Nothing):
                    return one
        for one in (value, *args):
            _check_size(one)
        if name in _CHECKS:
            _CHECKS[name](value, *args)
        found = call(value, *args, **options)
        _check_size(found)
        return found

    return guarded


def _check_size(value: object) -> None:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        raise FilterArgumentError("a value is too long", token=None)
    if isinstance(value, list | tuple | range) and len(value) > _LONGEST_LIST:
        raise FilterArgumentError("a list is too long", token=None)
    if isinstance(value, int | float) and not abs(value) <= _LARGEST_NUMBER:
        raise FilterArgumentError("a number is too large", token=None)


def _check_replaced(value: object, old: object = "", new: object = "") -> None:
    grown = str(value).count(str(old)) * (len(str(new)) - len(str(old)))
    if len(str(value)) + grown > LONGEST_VALUE:
        raise FilterArgumentError("a value is too long", token=None)


def _check_joined(value: object, separator: object = " ") -> None:
    items = value if isinstance(value, list | tuple | range) else []
    length = sum(len(str(item)) for item in items) + len(str(separator)) * len(items)
    if length > LONGEST_VALUE:
        raise FilterArgumentError("a value is too long", token=None)


def _check_format(value: object, form: object = "") -> None:
    if _WIDE.search(str(form)):
        raise FilterArgumentError("a date's format has no widths", token=None)


_CHECKS: dict[str, _Filter] = {
    "replace": _check_replaced,
    "join": _check_joined,
    "date": _check_format,
}
_USED: dict[str, _Filter] = {
    "abs": math.abs_,
    "append": string.append,
    "at_least": math.at_least,
    "at_most": math.at_most,
    "capitalize": string.capitalize,
    "ceil": math.ceil,
    "date": misc.date,
    "default": misc.default,
    "divided_by": math.divided_by,
    "downcase": string.downcase,
    "first": array.first,
    "floor": math.floor,
    "join": array.join,
    "last": array.last,
    "lstrip": string.lstrip,
    "minus": math.minus,
    "modulo": math.modulo,
    "plus": math.plus,
    "prepend": string.prepend,
    "remove": string.remove,
    "remove_first": string.remove_first,
    "remove_last": string.remove_last,
    "replace": string.replace,
    "replace_first": string.replace_first,
    "replace_last": string.replace_last,
    "round": math.round_,
    "rstrip": string.rstrip,
    "size": misc.size,
    "slice": string.slice_,
    "split": string.split,
    "strip": string.strip,
    "times": math.times,
    "truncate": string.truncate,
    "truncatewords": string.truncatewords,
    "upcase": string.upcase,
    "url_encode": string.url_encode,
}
FILTERS = {name: _guarded(name, call) for name, call in _USED.items()}
