"""JSON bodies as clients send them: with a byte order mark, or with halves of characters."""

import codecs
import re
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
# What decoding raises about a body that cannot be understood.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_json(body: bytes, type: Any = Any) -> Any:
    """The value that `body` holds, of the given type.

    :raises msgspec.DecodeError, UnicodeDecodeError, RecursionError: see UNDECODABLE and `explain`
    """
    body = without_mark(body)
    try:
        return msgspec.json.decode(body, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError):
        mended = _mend(body)
        if mended is body:
            raise
        return msgspec.json.decode(mended, type=type)


def without_mark(body: bytes) -> bytes:
    """`body` without the byte order mark that some programs begin a text with."""
    return body.removeprefix(codecs.BOM_UTF8)


def decode_members(body: bytes, *, apart: str) -> dict[str, msgspec.Raw]:
    """The members of the object that `body` holds, each as it came.

    That of the name `apart`, in any letter case, is looked into by the caller, piece by piece.
    Others have to be UTF-8, also those that nobody reads.

    :raises msgspec.DecodeError, UnicodeDecodeError, RecursionError: see UNDECODABLE and `explain`
    """
    members = decode_json(body, dict[str, msgspec.Raw])
    if not body.isascii():
        for name, value in members.items():
            if name.lower() != apart:
                str(memoryview(value), "utf-8")
    return members


def explain(error: Exception) -> str:
    """What is wrong with a body about which `decode_json` raised `error`, as part of a sentence."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error)


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
