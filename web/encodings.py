"""Bodies that come compressed: gzip is read, within the limit of other bodies."""

import zlib

from django.conf import settings

from web.problems import Problem, too_large

# zlib's name for gzip with its header.
_GZIP = 16 + zlib.MAX_WBITS
# What follows the end of one part is copied: so it is little.
_PIECE = 4096


def decode_body(body: bytes, encoding: str) -> bytes:
    """What `body` was before its sender encoded it; `encoding` is its `Content-Encoding`.

    Of what is larger than MAX_BODY_BYTES, only the beginning is made: enough to refuse it.

    :raises Problem: 415, if it is encoded in another way than by gzip; 400, if it is no gzip; 413,
        if it is too large as it came
    """
    names = [name for name in map(str.strip, encoding.lower().split(",")) if name]
    names = [name for name in names if name != "identity"]
    if not body or not names:
        return body
    if names not in (["gzip"], ["x-gzip"]):
        raise Problem(
            415,
            "unsupported_encoding",
            f"Content-Encoding may be gzip; {', '.join(names)[:100]} is not understood.",
            field="Content-Encoding",
            headers={"Accept-Encoding": "gzip"},
        )
    if len(body) > settings.MAX_BODY_BYTES:
        raise too_large()
    try:
        return _inflate(memoryview(body), settings.MAX_BODY_BYTES + 1)
    except (zlib.error, EOFError):
        detail = "The body is not what its Content-Encoding says: it is no complete gzip."
        raise Problem(400, "malformed_gzip", detail, field="Content-Encoding") from None


def _inflate(body: memoryview, most: int) -> bytes:
    """So much of what is in `body`, whose parts may be compressed one by one."""
    made = bytearray()
    part = zlib.decompressobj(_GZIP)
    for start in range(0, len(body), _PIECE):
        piece = bytes(body[start : start + _PIECE])
        while piece:
            if part.eof:
                # Some tools fill blocks up.
                piece = piece.lstrip(b"\0")
                if not piece:
                    break
                part = zlib.decompressobj(_GZIP)
            made += part.decompress(piece, most - len(made))
            if len(made) >= most:
                return bytes(made)
            piece = part.unused_data
    if not part.eof:
        raise EOFError
    return bytes(made)
