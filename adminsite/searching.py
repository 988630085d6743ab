"""Terms of the search boxes, and conditions that the indexes can serve."""

import unicodedata
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from uuid import UUID

from django.db.models import Q, Value
from django.db.models.functions import NullIf

from database.grams import Plain, contains

# Of the id of a row, which is below 2**63.
_MOST_DIGITS = 19


def as_uuid(term: str) -> UUID | None:
    """`term` as a UUID, in any of its usual spellings, or None."""
    try:
        return UUID(term.strip())
    except ValueError:
        return None


def as_id(term: str) -> int | None:
    """`term` as the id of a row, or None."""
    digits = term.strip().removeprefix("#")
    # Python refuses to read thousands of digits.
    is_short = len(digits) <= _MOST_DIGITS
    if is_short and digits.isascii() and digits.isdigit() and int(digits) < 2**63:
        return int(digits)
    return None


def simple(text: str) -> str:
    """`text` in small letters without accents, for what is compared in Python."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one))


def has_words(fields: Sequence[str], words: Sequence[str]) -> Q:
    """Rows that have each of `words` somewhere in `fields`, with or without accents."""
    return reduce(and_, (has_word(fields, word) for word in words), Q())


def has_word(fields: Sequence[str], word: str) -> Q:
    """Rows that have `word` somewhere in one of `fields`, with or without accents."""
    # What has nothing that is compared, such as marks of direction alone, is in no text.
    part = NullIf(Plain(Value(word.replace("\0", ""))), Value(""))
    return reduce(or_, (contains(Plain(field), part) for field in fields), Q())
