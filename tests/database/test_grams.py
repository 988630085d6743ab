"""Whatever holds a part has the grams of that part."""

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from database.grams import DENSE, LONG_CODE, SEPARATORS, cut

_LETTERS = st.text("abc李小さ김1f .-@'%", max_size=40)
_CODES = st.text("0123456789abcdef", min_size=LONG_CODE, max_size=70)
_TEXTS = st.lists(st.one_of(_LETTERS, _CODES), max_size=4).map(" ".join)


def in_postgresql(function, text):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [text])
        return cursor.fetchone()[0]


class TestGrams(TestCase):
    @settings(max_examples=300, deadline=None)
    @given(text=_TEXTS, data=st.data())
    def test_a_text_has_the_grams_of_each_of_its_parts(self, text, data):
        words = in_postgresql("throughline_plain", text).split()
        if not words:
            return
        word = data.draw(st.sampled_from(words))
        start = data.draw(st.integers(0, len(word) - 1))
        part = word[start : data.draw(st.integers(start + 1, len(word)))]
        choices = cut(part)
        grams = set(in_postgresql("throughline_grams", " ".join(words)))

        if is_promised(word, start, part):
            assert any(grams.issuperset(choice) for choice in choices), (part, choices, grams)


def is_promised(word, start, part):
    """Whether the part is found: not signs alone, nor few letters from within a run."""
    runs = "".join(" " if one in SEPARATORS else one for one in part).split()
    if not runs:
        return False
    begins = start == 0 or word[start - 1] in SEPARATORS or part[0] in SEPARATORS
    is_dense = all(one > "\u2e80" for one in runs[0])
    is_in_code = any(
        len(run) >= LONG_CODE
        for run in "".join(" " if one in SEPARATORS else one for one in word).split()
    )
    if is_in_code:
        return len(runs) == 1 and len(part) >= 7 and set(part) <= set("0123456789abcdef")
    return begins or is_dense or len(runs[0]) > 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Anna", "anna"),
        ("ÄÖÜ ß ẞ", "aou ss ss"),
        ("ΣΟΦΟΣ σοφος", "σοφοσ σοφοσ"),
        ("İı", "ii"),
        ("a\u00a0b\u3000c", "a b c"),
        ("\uff21\uff22\uff23\uff11", "abc1"),
        ("ｶﾞ", "ガ"),
        ("\u200bx\u202e", "x"),
        ("٣۴", "34"),
        ("\U0001e900", "\U0001e922"),
        ("", ""),
    ],
)
def test_texts_are_compared_in_a_plain_form(text, plain):
    assert in_postgresql("throughline_plain", text) == plain
    assert in_postgresql("throughline_plain", plain) == plain


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("", []),
        ("  - ", []),
        ("a", [" a", "=a"]),
        ("ab", [" a", " ab", "=ab"]),
        ("abcd-ab abcd", [" a", " ab", "abc", "bcd", " a", " ab", "=ab"]),
        ("abcdefghijklm", [" a", " ab", *("abcdefghijklm"[at : at + 3] for at in range(11))]),
        ("李小", [" 李", " 李小", "=李小", "李", "李小", "小"]),
        ("0123456789abcdef01234567x", None),
        ("0123456789abcdef012345678", ["#0123", "#4567", "#89ab", "#cdef", "#0123", "#4567"]),
    ],
)
def test_grams_of_a_text(text, grams):
    found = in_postgresql("throughline_grams", text)

    assert found == grams or (grams is None and "567" in found)


def test_dense_scripts_are_those_of_the_database(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'throughline_grams'")
        (source,) = cursor.fetchone()

    ranges = [f"{first}-{last}" for first, last in zip(DENSE[::3], DENSE[2::3], strict=True)]
    escaped = "".join(
        "-" if one == "-" else f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"
        for one in "".join(ranges)
    )
    assert f"[{escaped}]" in source
    assert SEPARATORS.replace("'", "''") in source
    assert f"size >= {LONG_CODE}" in source
