"""JSON bodies as clients send them: with a byte order mark, or with halves of characters."""

import codecs
import re
from collections.abc import Iterator
from typing import Any

import msgspec

# What needs no mending, as far as it goes; or half a character. Nothing is tried twice.
_WHOLE_OR_HALF = re.compile(
    rb"(?:[^\\]++|\\(?:[^u]|u(?![dD][89a-fA-F])"
    rb"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))++"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_REPLACEMENT = rb"\ufffd"
# Halves as some programs encode them, each by itself: two that belong together, or one alone.
_RAW_HALVES = re.compile(
    rb"(\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf])|\xed[\xa0-\xbf][\x80-\xbf]"
)
# A text without an end goes on to the end: otherwise each of its quotes would be tried as a start.
_TEXT_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
# To the next bracket; and to the next bracket or comma.
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]|\\.)*+")*+([\[\]{}])', re.DOTALL)
_TO_COMMA = re.compile(rb'(?:[^"\[\]{},]++|"(?:[^"\\]|\\.)*+")*+([\[\]{},])', re.DOTALL)
# The same, and the last of the arrays and objects before it that have none in them, if any.
_LEAVES_AND_BRACKET = re.compile(
    rb'(?:[^"\[\]{}]++|"(?:[^"\\]|\\.)*+"'
    rb'|(?P<leaf>[\[{](?:[^"\[\]{}]++|"(?:[^"\\]|\\.)*+")*+[\]}]))*+(?P<bracket>[\[\]{}])?',
    re.DOTALL,
)
_NAME = re.compile(rb'\s*+("(?:[^"\\]|\\.)*+")\s*+:', re.DOTALL)
# What is kept of a text without spaces between its parts.
_WITHOUT_SPACE = re.compile(rb'(?:[^" \t\r\n]++|"(?:[^"\\]|\\.)*+")++', re.DOTALL)
# What may be a number that is larger, or smaller, than a double can be.
_UNUSUAL_NUMBER = rb"[0-9][eE][+-]?0*[1-9][0-9]{2}|[0-9.]{300}"
_MAY_BE_UNUSUAL = re.compile(_UNUSUAL_NUMBER)
_TEXT_OR_UNUSUAL = re.compile(rb'"(?:[^"\\]|\\.)*+"|(%b)' % _UNUSUAL_NUMBER, re.DOTALL)
# Whatever is in bodies that are as short takes little memory.
SHORT = 64 * 1024
# What is as long is made objects and written anew, which is faster.
_PIECE = 16 * 1024
# How many bytes values take as objects, at most.
_BYTES_OF = {b"{": 240, b"[": 96, b",": 48, b'"': 30}
# How many times its size a body may take as objects, besides the letters of texts: with one emoji
# in a text, each of its letters takes four bytes.
_TIMES, _TIMES_BEYOND_ASCII = 7, 4
_MOST_MEMBERS = 1_000
# What decoding raises about a body that cannot be understood.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_json(body: bytes, type: Any = Any) -> Any:
    """The value that `body` holds, of the given type.

    A long body of very many values is refused, as they would take a lot of memory as objects. What
    may have so many is read by `decode_members`, `items_of` and `compact`.

    :raises msgspec.DecodeError, UnicodeDecodeError, RecursionError: see UNDECODABLE and `explain`
    """
    body = without_mark(body)
    if len(body) > SHORT:
        times = _TIMES if body.isascii() else _TIMES_BEYOND_ASCII
        refuse_very_many_values(body, times=times)
    return _decode(body, type)


def _decode(body: bytes | memoryview, type: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = bytes(body)
        mended = _mend(body)
        if mended is body:
            raise
        return msgspec.json.decode(mended, type=type)


def without_mark(body: bytes) -> bytes:
    """`body` without the byte order mark that some programs begin a text with."""
    return body.removeprefix(codecs.BOM_UTF8)


def decode_members(body: bytes, *, apart: str = "") -> dict[str, msgspec.Raw]:
    """The members of the object that `body` holds, each as it came.

    That of the name `apart`, in any letter case, is looked into by the caller, piece by piece.
    Others have to be UTF-8, also those that nobody reads, and halves of characters are replaced.
    A long body may have a thousand members.

    :raises msgspec.DecodeError, UnicodeDecodeError, RecursionError: see UNDECODABLE and `explain`
    """
    body = without_mark(body)
    is_long = len(body) > SHORT
    members = _members_of(body) if is_long else _decode(body, dict[str, msgspec.Raw])
    if not body.isascii():
        for name, value in members.items():
            if name.lower() != apart:
                members[name] = _as_utf8(value)
    return members


def _members_of(body: bytes) -> dict[str, msgspec.Raw]:
    value = memoryview(_decode(body, msgspec.Raw))
    if value[:1] != b"{":
        # For the words in which it says so.
        _decode(b"[]", dict[str, msgspec.Raw])
    members = {}
    for number, part in enumerate(_parts_of(value)):
        if number == _MOST_MEMBERS:
            raise msgspec.ValidationError(f"it has more than {_MOST_MEMBERS:,} members")
        name = _NAME.match(part)
        assert name is not None
        members[_decode(name[1], str)] = _decode(part[name.end() :], msgspec.Raw)
    return members


def _as_utf8(value: msgspec.Raw) -> msgspec.Raw:
    try:
        _check_utf8(memoryview(value))
    except UnicodeDecodeError:
        mended = _mend(bytes(memoryview(value)))
        _check_utf8(memoryview(mended))
        return msgspec.Raw(mended)
    return value


def _check_utf8(value: memoryview) -> None:
    """Decode `value` piece by piece: as a text, it may take four times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(value), _PIECE):
        decoder.decode(value[start : start + _PIECE])
    decoder.decode(b"", final=True)


def items_of(array: msgspec.Raw | bytes) -> Iterator[bytes]:
    """The items of the JSON array `array`, one by one, each as it came.

    :raises msgspec.DecodeError: if it is no array
    """
    value = memoryview(msgspec.json.decode(array, type=msgspec.Raw))
    if value[:1] != b"[":
        msgspec.json.decode(b"{}", type=list)
    return (bytes(part).strip() for part in _parts_of(value))


def _parts_of(value: memoryview) -> Iterator[memoryview]:
    """What is between the commas of the array or object `value`, which is JSON."""
    depth, start, end = 1, 1, 1
    while depth:
        found = (_TO_COMMA if depth == 1 else _TO_BRACKET).match(value, end)
        assert found is not None
        end = found.end()
        if found[1] in (b"[", b"{"):
            depth += 1
        elif found[1] != b",":
            depth -= 1
        elif depth == 1:
            yield value[start : end - 1]
            start = end
    if bytes(value[start : end - 1]).strip():
        yield value[start : end - 1]


def compact(value: msgspec.Raw | bytes) -> bytes:
    """The JSON text `value` without what is not needed, mended where `decode_json` would mend it.

    It takes a few times its size, whatever is in it: what is long is checked, but not made objects.

    :raises msgspec.DecodeError, UnicodeDecodeError, RecursionError: see UNDECODABLE and `explain`
    """
    text = bytes(value)
    if len(text) <= _PIECE:
        return msgspec.json.encode(_decode(text, Any))
    text = bytes(_as_utf8(_decode(text, msgspec.Raw)))
    if _MAY_BE_UNUSUAL.search(text) and any(found[1] for found in _TEXT_OR_UNUSUAL.finditer(text)):
        return msgspec.json.encode(decode_json(text))
    made = bytearray()
    for kept in _WITHOUT_SPACE.finditer(text):
        made += kept[0]
    return bytes(made)


def explain(error: Exception) -> str:
    """What is wrong with a body about which `decode_json` raised `error`, as part of a sentence."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error)


def depth_of(value: bytes) -> int:
    """How many arrays and objects are within each other in the JSON text `value`, at most."""
    depth = deepest = 0
    for found in _LEAVES_AND_BRACKET.finditer(value):
        if found["leaf"]:
            deepest = max(deepest, depth + 1)
        if found["bracket"] in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif found["bracket"]:
            depth -= 1
    return deepest


def fold(body: bytes, *, level: int) -> tuple[bytes, list[bytes]]:
    """`body` with its arrays and objects of one level replaced by short ones; and these, in order.

    So what is around something that is nested too deeply can be decoded; see `unfold`.
    """
    folded, parts = bytearray(), list[bytes]()
    depth = start = end = 0
    for found in _TEXT_OR_BRACKET.finditer(body):
        if found[0] in (b"[", b"{"):
            depth += 1
            if depth == level:
                start = found.start()
        elif found[0] in (b"]", b"}"):
            if depth == level:
                folded += body[end:start] + b"[%d]" % len(parts)
                end = found.end()
                parts.append(body[start:end])
            depth -= 1
    return bytes(folded + body[end:]), parts


def unfold(value: bytes, parts: list[bytes]) -> bytes:
    """What `value` was before `fold` replaced it by a short array; other values as they are."""
    return parts[int(value[1:-1])] if parts and value.startswith(b"[") else value


def refuse_very_many_values(body: bytes, *, times: int) -> None:
    """Refuse a body whose values may take more than `times` its size as objects.

    That is what they may take at most: most take half as much.

    :raises msgspec.ValidationError: if there are more
    """
    most = times * len(body)
    needed = _bytes_needed(body)
    if needed > most:
        # Some of that may be commas and brackets in texts.
        needed -= sum(_bytes_needed(found[0][1:-1]) for found in _TEXT.finditer(body))
        if needed > most:
            raise msgspec.ValidationError("it has too many values for its size")


def _bytes_needed(body: bytes) -> int:
    """How much memory the values in `body` take as objects, at most, without letters of texts."""
    return sum(body.count(sign) * size for sign, size in _BYTES_OF.items())


def _mend(body: bytes) -> bytes:
    """`body` with half characters replaced: clients that cut texts short send them."""
    if b"\xed" in body:
        body = _RAW_HALVES.sub(_mend_raw, body)
    mended = None
    for found in _WHOLE_OR_HALF.finditer(body):
        if found[1]:
            # In its place: the escape of the replacement is as long.
            mended = mended or bytearray(body)
            mended[found.start() : found.end()] = _REPLACEMENT
    return body if mended is None else bytes(mended)


def _mend_raw(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        return b"\xef\xbf\xbd"
    halves = found[1].decode("utf-8", "surrogatepass")
    return halves.encode("utf-16", "surrogatepass").decode("utf-16").encode()
