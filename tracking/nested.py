"""Query strings and forms with names in brackets, such as `user[id]=7&items[0][name]=Loan`."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import qs_codec

# Beyond these, a form is cut short: no client has a use for more, and memory stays bounded.
_MOST_FIELDS = 1_000
_MOST_ITEMS = 1_000
_DEEPEST = 20

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


def read_nested(form: str | Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields of `form`, an encoded text or decoded pairs: strings, lists and dicts of them.

    Of several fields with one name the last one counts. What is no UTF-8 is replaced by U+FFFD.
    """
    encoded = form if isinstance(form, str) else urlencode(list(form), errors="replace")
    return {str(name): value for name, value in qs_codec.decode(encoded, _OPTIONS).items()}
