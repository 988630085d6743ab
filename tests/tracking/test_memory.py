"""No body takes many times its size in memory, whatever is in it."""

import gzip
import tracemalloc

import pytest
from django.utils import timezone
from msgspec import ValidationError

from activities.drafts import check_draft
from activities.inspector import readable
from activities.models import ActivityType
from activities.problems import InvalidActivity
from tests.config import lane
from tests.config.server import PATH
from tracking.activecampaign.events import MAX_REQUEST_BYTES
from tracking.activecampaign.translation import read_form, read_visit
from tracking.commandersact.translation import MAX_BATCH_BYTES, read_batch
from tracking.headless.translation import read_activities, read_members
from tracking.nested import read_nested, unescape
from web.bodies import UNDECODABLE, compact, decode_json
from web.doors import exchange_at
from web.exchanges import finish_answer
from web.problems import Problem
from web.requests import Request

MOST = 8
MEGABYTE = 1_000_000
# Longer than what is read as objects whatever it is.
LONG = 200_000
FORM = "application/x-www-form-urlencoded"


def times_its_size(read, body):
    tracemalloc.start()
    try:
        read(body)
    except (Problem, InvalidActivity, ValidationError):
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


TINY_VALUES = {
    "objects": b"{},",
    "arrays": b"[],",
    "arrays-in-arrays": b"[[[[]]]],",
    "texts": b'"a",',
    "numbers": b"1.5,",
    "members": b'{"a":1},',
}


@pytest.mark.parametrize("values", TINY_VALUES.values(), ids=TINY_VALUES)
def test_tiny_values_take_little_memory(values):
    values = values * (MEGABYTE // len(values)) + b"0"
    body = b'{"type":"a","properties":{"of": [' + values + b"]}}"

    assert times_its_size(decode_json, body) < MOST
    with pytest.raises(ValidationError, match="it has too many values for its size"):
        decode_json(body)


def test_signs_in_a_text_are_no_values():
    body = b'["' + b"1,2,[{" * (MEGABYTE // 6) + b'"]'

    assert len(decode_json(body)) == 1


PROPERTIES = {
    "objects": [b'{"k%011d":1}' % number for number in range(LONG // 19)],
    "arrays": [b'["abcdefghijklmn"]'] * (LONG // 19),
    "usual": [b'{"name":"Ada Lovelace","age":36}'] * (LONG // 33),
    "digits": [b"1"] * (LONG // 2),
    "numbers": [b"-1.5"] * (LONG // 5),
    "tiny-objects": [b"{}"] * (LONG // 3),
}


def check_activities(body):
    types = {"a": ActivityType(code_name="a", name="A")}
    return [
        check_draft(draft, types, timezone.now()) for draft in read_activities(read_members(body))
    ]


@pytest.mark.parametrize("values", PROPERTIES.values(), ids=PROPERTIES)
@pytest.mark.parametrize("activities", [1, 20])
def test_properties_of_large_bodies_take_little_memory(values, activities):
    items = b",".join(values[: len(values) // activities])
    activity = b'{"type":"a","properties":{"l":[' + items + b"]}}"
    body = b'{"activities":[' + b",".join([activity] * activities) + b"]}"

    assert times_its_size(check_activities, body) < MOST
    checked = check_activities(body)
    assert len(checked) == activities
    assert checked[0].properties == b'{"l":[' + items + b"]}"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b'{ "a" : [1, 2.0, "\xc3\xbc"] }', '{"a":[1,2.0,"ü"]}'.encode()),
        (b'{"a":"' + b"x" * 20_000 + rb'\ud83d", "b":{}}', None),
        (b'{"a\\n":[' + b'{"a": "b", "c": [null, true]}, ' * 2_000 + b"0]}", None),
        (b"[]", b"[]"),
        (b" null ", b"null"),
    ],
)
def test_what_is_read_in_pieces_is_the_same(given, kept):
    made = compact(given)

    assert made == kept if kept else decode_json(made) == decode_json(given)


@pytest.mark.parametrize(
    "given", [b'{"a":', b'{"a":' + b"[1," * 9_000 + b"x", b'{"a":["' + b"x" * 20_000 + b'\xff"]}']
)
def test_what_is_read_in_pieces_has_the_same_faults(given):
    with pytest.raises(UNDECODABLE):
        decode_json(given)
    with pytest.raises(UNDECODABLE):
        compact(given)


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


def answer_request(request, body, **headers):
    """What the door answers to `request` with another body."""
    path, query = request.get("path", PATH), request.get("query", b"").decode()
    given = {"host": "testserver", **request["headers"], **headers}
    return finish_answer(exchange_at("POST", path)(Request("POST", path, query, given, body)))


def several(value, length=LONG):
    return b",".join([value] * (length // (len(value) + 1)))


DOORS = {
    "app": (lane.headless, b'"activities":[%s]', several(b'{"type":"click","value":"a"}'), 207),
    "app-properties": (
        lane.headless,
        b'"activities":[{"type":"click","value":"a","properties":{"l":[%s]}}]',
        several(b'{"a":1}'),
        207,
    ),
    "tracker": (lane.tracker, b'"activities":[%s]', several(b'{"type":"click"}'), 400),
    "tracker-fields": (
        lane.tracker,
        b'"activities":[{"type":"datainput","value":"a","contactFields":{"l":[%s]}}]',
        several(b'{"a":1}'),
        400,
    ),
    "tracker-unknown": (
        lane.tracker,
        b'"activities":[{"type":"click","value":"a","l":[%s]}]',
        several(b"[[]]"),
        200,
    ),
    "source": (lane.commandersact_batch, b'"batch":[%s]', several(b'{"event":"a"}'), 200),
    "source-properties": (
        lane.commandersact_batch,
        b'"batch":[%s]',
        several(b'{"event":"a","user":{"id":"1"},"l":[' + b"{}," * 9_000 + b"0]}", 450_000),
        200,
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["", "gzip"], ids=["plain", "gzip"])
@pytest.mark.parametrize(("usual", "around", "values", "status"), DOORS.values(), ids=DOORS)
def test_requests_take_little_memory(usual, around, values, status, encoding):
    """Of what is compressed, the size is that of what is inside."""
    request = usual()
    guids = request["body"].partition(b'"activities"')[0][1:] if usual is lane.headless else b""
    body = b"{" + guids + around % values + b"}"
    sent = gzip.compress(body) if encoding else body
    headers = {"content-encoding": encoding} if encoding else {}
    # What a process makes once does not count.
    answer_request(request, request["body"])

    answers = []
    times = times_its_size(lambda _: answers.append(answer_request(request, sent, **headers)), body)

    assert answers[0].status == status, answers[0].body[:200]
    assert times < MOST
