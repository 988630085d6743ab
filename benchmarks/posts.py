"""Ready-made HTTP requests, with a place for ids that have to be new each time."""

import os

# In a body, with twelve digits behind it: together they are a UUID.
FRESH = "<fresh>"
_LENGTH = len("00000000-0000-4000-8000-")


class Post:
    """The bytes of a POST request."""

    def __init__(self, path: str, headers: dict[str, str], body: str):
        length = len(body.encode()) + body.count(FRESH) * (_LENGTH - len(FRESH))
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        text = "\r\n".join([*lines, f"Content-Length: {length}", "", body])
        self._parts = text.encode().split(FRESH.encode())

    def render(self) -> bytes:
        """What to send, with ids in it that were never there before."""
        if len(self._parts) == 1:
            return self._parts[0]
        digits = os.urandom(9).hex()
        fresh = f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-8{digits[15:18]}-"
        return fresh.encode().join(self._parts)
