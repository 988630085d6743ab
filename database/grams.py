"""Finding any part of a text by an index, without an extension of PostgreSQL.

A GIN index holds the grams of each text: what `throughline_grams` cuts out of it. A term is cut
here, by the same rule, so that what holds a term has the grams of it; then the texts are compared.

A text is compared in its plain form (`throughline_plain`): in one Unicode form and letter case,
without accents. Its runs are what stands between separators. Of each run there are

- all trigrams,
- its first letter and its first two, so that a term of one or two letters finds their beginnings;
  if there are no more, all of it after “=”,
- each letter and each pair of letters of scripts that write words in so few of them,
- of long numbers and hashes, in place of all that, every fourth piece of four: a part of seven has
  one of these in it, wherever it begins.
"""

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.fields.array import ArrayContains  # type: ignore[attr-defined]
from django.db.models import BooleanField, Func, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Collate

SEPARATORS = """@.-_+'&,/()":=~"""
# Runs of digits of hashes that are so long have no trigrams.
LONG_CODE = 25
PIECE = 4
# Han, Kana, Hangul and what belongs to them. The function of the database has the same.
DENSE = "\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"

_TRIGRAM = 3
# More grams of one run make nothing rarer.
_MOST_GRAMS = 12
_SPACED = str.maketrans(dict.fromkeys(SEPARATORS, " "))
_DENSE = re.compile(f"[{DENSE}]+")
_CODE = re.compile("[0-9a-f]+")


class Plain(Func):
    """A text as searches compare it: small letters without accents."""

    function = "throughline_plain"
    arity = 1
    output_field = TextField()


class Grams(Func):
    """The grams of a plain text."""

    function = "throughline_grams"
    arity = 1
    output_field = ArrayField(TextField())


def indexed_grams(plain: Combinable) -> Collate:
    """The grams of a plain text as an index holds them, in the order of their bytes."""
    return Collate(Grams(plain), "C")


def has_part(text: Combinable, part: str, *, is_frequent: bool = False) -> Q | None:
    """Rows whose plain `text` has `part`, a plain word; None if no index leads to it.

    A part that begins with one or two letters is found where a run begins. Of one that
    `is_frequent` one gram is looked up: PostgreSQL knows how frequent that is, and takes several
    that come together for rare ones, of which it would sort all.
    """
    choices = cut(part)
    if not choices:
        return None
    if is_frequent:
        choices = [[grams[len(grams) // 2]] for grams in choices]
    found = [has_grams(text, grams) for grams in choices]
    return _has(text, part) & reduce(or_, found)


def _has(text: Combinable, part: str) -> Q:
    if not _begins_short(part):
        return contains(text, part)
    begins = contains(Spaced(text), f" {_spaced(part).strip()}")
    return begins if part.isalnum() else begins & contains(text, part)


def contains(text: Combinable, part: Combinable | str) -> Q:
    """Rows whose `text` has `part` in it, as it is written."""
    return Q(_Contains(text, Value(part) if isinstance(part, str) else part))


def is_short(word: str) -> bool:
    """Whether a text that has `word` as a whole run has the gram “=” and `word`."""
    return len(word) < _TRIGRAM and word.isalnum()


def has_grams(text: Combinable, grams: Sequence[str]) -> Q:
    """Rows with all these grams, by the index on `indexed_grams(text)`."""
    return Q(ArrayContains(indexed_grams(text), list(grams)))


class _Contains(Func):
    """Whether the first text has the second in it."""

    # Not “> 0”: of that PostgreSQL expects a third of all rows, of this nearly all. So it decides
    # by what it knows of the grams.
    template = "strpos(%(expressions)s) <> 0"
    output_field = BooleanField()


class Spaced(Func):
    """A text with spaces in place of separators, and before its first run."""

    template = "' ' || translate(%(expressions)s, '{}', '{}')".format(
        SEPARATORS.replace("'", "''"), " " * len(SEPARATORS)
    )
    output_field = TextField()


def cut(part: str) -> list[list[str]]:
    """What a text has that holds `part`, a plain word: all grams of one of these lists."""
    runs = _spaced(part).split()
    if not runs:
        return []
    choices: list[list[str]] = [[]]
    for number, run in enumerate(runs):
        # The first run may be the end of a longer one, the last one a beginning.
        is_open = number in (0, len(runs) - 1)
        ways = _ways(run, is_open=is_open, may_begin_before=number == 0)
        choices = [[*choice, *way] for choice in choices for way in ways]
    return choices


def _ways(run: str, *, is_open: bool, may_begin_before: bool) -> list[list[str]]:
    """The grams of each way in which a text may have been cut that has this run, or more of it."""
    if not _CODE.fullmatch(run) or (len(run) < LONG_CODE and not is_open):
        return [_grams(run)]
    pieces = _pieces(run, may_begin_before=may_begin_before)
    return [_grams(run), *pieces] if is_open else pieces


def _spaced(part: str) -> str:
    return part.translate(_SPACED)


def _begins_short(part: str) -> bool:
    first = _spaced(part).split()[0]
    return len(first) < _TRIGRAM and not _DENSE.fullmatch(first)


def _grams(run: str) -> list[str]:
    if len(run) >= _TRIGRAM:
        grams = [run[at : at + _TRIGRAM] for at in range(len(run) - _TRIGRAM + 1)]
        # Those that have least in common with each other.
        return grams[:: len(grams) // _MOST_GRAMS + 1]
    return [run] if _DENSE.fullmatch(run) else [f" {run}"]


def _pieces(run: str, *, may_begin_before: bool) -> list[list[str]]:
    """The pieces of a long number or hash that has `run`, wherever in it that begins.

    Less than seven letters are found only where a piece begins.
    """
    is_enough = may_begin_before and len(run) >= 2 * PIECE - 1
    cuts = []
    for skipped in range(PIECE if is_enough else 1):
        starts = range(skipped, len(run) - PIECE + 1, PIECE)
        cuts.append([f"#{run[at : at + PIECE]}" for at in starts][:_MOST_GRAMS])
    return [pieces for pieces in cuts if pieces]
