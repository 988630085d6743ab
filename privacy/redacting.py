"""Texts of users about an erasure, without the names of the person who was erased."""

import re
from collections.abc import Iterable

from contacts.erasures import Erased

_ERASED = "(erased)"


def without_names(text: str, erased: Erased) -> str:
    """`text` with “(erased)” for each name of the person, in any letter case."""
    names = {*erased.spellings, *erased.full_names}
    names |= {one.value for one in erased.identifiers if len(one.value) >= _SHORTEST}
    return without(text, names)


def without(text: str, names: Iterable[str]) -> str:
    """`text` with “(erased)” for each of these names, in any letter case."""
    longest_first = sorted({*names} - {""}, key=len, reverse=True)
    if not longest_first:
        return text
    pattern = "|".join(map(re.escape, longest_first))
    return re.sub(rf"(?<![\w.+-])(?:{pattern})(?![\w-])", _ERASED, text, flags=re.IGNORECASE)


# A shorter identifier, such as the user ID 7, is in many a text that does not mean it.
_SHORTEST = 4
