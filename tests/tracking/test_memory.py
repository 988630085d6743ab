"""No body takes many times its size in memory, whatever is in it."""

import tracemalloc

import pytest

from activities.inspector import readable
from activities.problems import InvalidActivity
from tracking.activecampaign.events import MAX_REQUEST_BYTES
from tracking.activecampaign.translation import read_form, read_visit
from tracking.commandersact.translation import MAX_BATCH_BYTES, read_batch
from tracking.headless.translation import read_members
from tracking.nested import read_nested, unescape
from web.bodies import decode_json
from web.problems import Problem

MOST = 8
MEGABYTE = 1_000_000
FORM = "application/x-www-form-urlencoded"


def times_its_size(read, body):
    tracemalloc.start()
    try:
        read(body)
    except (Problem, InvalidActivity):
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak / len(body)


NASTY_JSON = {
    "backslashes": b"\\" * MEGABYTE,
    "text-of-backslashes": b'{"a":"' + b"\\" * MEGABYTE,
    "half-characters": b'{"a":"' + rb"\ud800" * (MEGABYTE // 6) + b'"}',
    "pairs-and-a-half": b'{"a":"' + rb"\ud83d\ude00" * (MEGABYTE // 12) + rb'\ud800"}',
    "brackets": b"[" * MEGABYTE,
    "objects": b'{"a":' * (MEGABYTE // 5),
    "quotes": b'"' * MEGABYTE,
    "no-text": b"\xff" * MEGABYTE,
}


@pytest.mark.parametrize("body", NASTY_JSON.values(), ids=NASTY_JSON)
def test_json_takes_little_memory(body):
    assert times_its_size(read_members, body) < MOST
    assert times_its_size(read_batch, body[:MAX_BATCH_BYTES]) < MOST


def fields(value):
    return b"visit=" + value * (MAX_REQUEST_BYTES // len(value))


NASTY_FORMS = {
    "fields": b"a=1&" * (MAX_REQUEST_BYTES // 4),
    "names": b"&".join(b"%d" % number for number in range(MAX_REQUEST_BYTES // 8)),
    "signs": b"%" * MAX_REQUEST_BYTES,
    "ampersands": b"&" * MAX_REQUEST_BYTES,
    "escapes": fields(b"%41"),
    "escapes-of-nothing": fields(b"%F0"),
    "backslashes": fields(b"\\"),
    "half-characters": fields(rb"\ud800"),
    "brackets": b"a" + b"[]" * (MAX_REQUEST_BYTES // 2) + b"=1",
    "list": b"a[]=1&" * (MAX_REQUEST_BYTES // 6),
    "no-text": fields(b"\xff"),
}


def read_event(content_type):
    return lambda body: read_visit(read_form("", content_type, body))


@pytest.mark.parametrize("body", NASTY_FORMS.values(), ids=NASTY_FORMS)
def test_form_takes_little_memory(body):
    assert times_its_size(read_event(FORM), body) < MOST


def part(value, name=b"visit"):
    head = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n' % name
    return head + value + b"\r\n"


NASTY_PARTS = {
    "parts": b"".join(part(b"", b"%d" % number) for number in range(900)) + b"--x--",
    "ampersands": part(b"&" * MEGABYTE) + b"--x--",
    "no-text": part(b"\xff" * MEGABYTE) + b"--x--",
    "backslashes": part(b"\\" * MEGABYTE) + b"--x--",
    "boundaries": b"--x\r\n" * (MEGABYTE // 5),
}


@pytest.mark.parametrize("body", NASTY_PARTS.values(), ids=NASTY_PARTS)
def test_multipart_takes_little_memory(body):
    # Django reads it in pieces of at least 64 KiB, however short it is.
    body += b" " * (MAX_REQUEST_BYTES - len(body))

    assert times_its_size(read_event("multipart/form-data; boundary=x"), body) < MOST


def test_batch_of_what_has_no_room_for_events_is_refused_before_it_takes_memory():
    batch = b'{"batch":[' + b"1," * 200_000 + b"1]}"

    (event,) = read_batch(batch)

    assert event.problem.code == "no_batch"


def test_inspector_takes_little_memory():
    assert times_its_size(readable, b"\\" * MEGABYTE) < MOST


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"a\ud83d"', "a\ufffd"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (rb'"\\ud83d \uD83D\n"', "\\ud83d \ufffd\n"),
        (rb'"\\\ud83d"', "\\\ufffd"),
    ],
)
def test_half_characters_are_replaced_and_nothing_else(sent, meant):
    assert decode_json(sent) == meant


def test_escapes_are_not_cut_where_pieces_end(monkeypatch):
    monkeypatch.setattr("tracking.nested._PIECE", 5)
    text = "a+b%C3%A4c%41%%4%F0ü+" * 7

    assert unescape(text) == "a bäcA%%4\ufffdü " * 7


def test_values_keep_what_looks_like_a_name():
    assert read_nested("a[b]=c[]=d%26e&f=%5B%5D%3D") == {"a": {"b": "c[]=d&e"}, "f": "[]="}
    assert read_nested([("a[b]", "c[]=&%41+"), ("a[d][]", "")]) == {
        "a": {"b": "c[]=&%41+", "d": [""]}
    }
