"""Bodies that come compressed."""

import gzip
import time
import tracemalloc
import zlib

import pytest

from web.encodings import decode_body
from web.problems import Problem

BODY = b'{"a": 1}' * 1_000


def refusal(body, encoding):
    with pytest.raises(Problem) as raised:
        decode_body(body, encoding)
    return raised.value


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip ", "identity, gzip", ",gzip,"])
def test_gzip_is_read(encoding):
    assert decode_body(gzip.compress(BODY), encoding) == BODY


@pytest.mark.parametrize("encoding", ["", "identity", " , "])
def test_what_is_not_encoded_stays_as_it_is(encoding):
    assert decode_body(BODY, encoding) == BODY


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_where_nothing_came_nothing_is_encoded(encoding):
    assert decode_body(b"", encoding) == b""


def test_gzip_may_have_several_parts_and_zeros_at_its_end():
    parts = gzip.compress(BODY) + gzip.compress(b"") + gzip.compress(b"end")

    assert decode_body(parts + b"\0" * 10_000, "gzip") == BODY + b"end"


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip, br", "Ümlaut"])
def test_other_encodings_are_refused_by_name(encoding):
    problem = refusal(gzip.compress(BODY), encoding)

    assert (problem.status, problem.code) == (415, "unsupported_encoding")
    assert encoding.lower() in problem.detail
    assert problem.headers == {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize(
    "body",
    [b"{}", gzip.compress(BODY)[:-1], gzip.compress(BODY)[:20], b"\x1f\x8b", zlib.compress(BODY),
     gzip.compress(BODY) + b"more", gzip.compress(BODY)[:-8] + b"\1" * 8],
    ids=["plain", "without-end", "start", "magic", "zlib", "more", "wrong-sum"],
)  # fmt: skip
def test_what_is_no_complete_gzip_is_refused(body):
    problem = refusal(body, "gzip")

    assert (problem.status, problem.code) == (400, "malformed_gzip")


def test_of_a_bomb_only_the_beginning_is_made(settings):
    settings.MAX_BODY_BYTES = 1_000_000
    bomb = gzip.compress(b" " * 300_000_000, 1)

    tracemalloc.start()
    made = decode_body(bomb[: settings.MAX_BODY_BYTES], "gzip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(made) == settings.MAX_BODY_BYTES + 1
    assert peak < 5 * settings.MAX_BODY_BYTES


def test_what_is_too_large_as_it_came_is_refused(settings):
    settings.MAX_BODY_BYTES = 10

    assert refusal(gzip.compress(b"a"), "gzip").status == 413


def test_very_many_parts_take_no_long_time():
    parts = gzip.compress(b"") * 100_000
    started_at = time.monotonic()

    assert decode_body(parts, "gzip") == b""
    assert time.monotonic() - started_at < 5
