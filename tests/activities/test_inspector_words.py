"""The words under which the inspector finds a payload."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from activities.inspector import readable, words_of


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        pytest.param(rb'{"a":"one\ntwo\tthree"}', "a one two three", id="newline-and-tab"),
        pytest.param(rb'{"a":"C:\\new\\times"}', "a C new times", id="backslashes"),
        pytest.param(rb'{"gr\u00fc\u00dfe":"\ud83d\ude00x"}', "grüße x", id="escapes"),
        pytest.param(rb'{"a":"\ud840\udc00"}', "a \U00020000", id="two-escapes-for-one-letter"),
        pytest.param(rb'{"a":"\ud800 x"}', "a x a ud800 x", id="half-a-character"),
        pytest.param(rb'{"a":1,"a":[2.50e7,true]}', "a 1 a 2 50e7 true", id="numbers-and-repeats"),
        pytest.param(rb'{"a":"one\u0000two"}', "a one two", id="nul"),
        pytest.param(b"a\0b \xff c", "a b c", id="no-text"),
        pytest.param("e\u0301t\u00e9".encode(), "été", id="accents-of-either-kind"),
        pytest.param(rb'{"a":"one\ntwo', "a one two a one ntwo", id="cut-json"),
        pytest.param(rb"C:\new", "C ew C new", id="no-json"),
        pytest.param(b"https://x.example/a_b?c=d", "https x example a b c d", id="address"),
        pytest.param(b"e=ada%40x.example", "e ada x example e ada 40x example", id="form"),
        pytest.param(b"100% of %zz", "100 of zz", id="percent-signs"),
        pytest.param(b'{"a":"50%25"}', "a 50 25", id="percent-signs-in-json"),
        pytest.param(b"[" * 30_000 + b'"deep"', "deep", id="deep"),
        pytest.param(b"x" * 501, "x" * 500 + " x", id="long-word"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_the_words_of_a_payload(payload, words):
    assert readable(payload) == words


@given(st.text(), st.booleans())
@example('"\\n\\\\u00e9\n', True)
@example("%41", True)
def test_the_words_of_a_string_are_the_same_however_json_writes_it(text, ascii_only):
    payload = json.dumps(text, ensure_ascii=ascii_only).encode(errors="replace")

    assert readable(payload) == " ".join(words_of(text))
