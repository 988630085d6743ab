"""What clients may take of a web process, and what their requests take of its memory now."""

from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from config.serving import CAN_BE_TOLD, SMALL_BODY_BYTES

# What a request takes in memory beside what was sent, roughly.
REQUEST_BYTES = 8192


@dataclass
class Limits:
    """What the clients of one web process may take, in bytes, seconds and numbers."""

    # A request line with its headers.
    head_bytes: int = 64 * 1024
    headers: int = 200
    # From the first byte of a request, or from connecting, to the last of its headers.
    head_seconds: float = 30.0
    # Between two requests. Proxies give up sooner, so that they do not send into the closing.
    idle_seconds: float = 75.0
    # In which a client takes nothing of its answer.
    stalled_seconds: float = 60.0
    # What all requests take in memory until they are answered; more are refused.
    load_bytes: int = 256 * 1024 * 1024
    connections: int = 20_000


LIMITS = Limits()


class Load:
    """What the requests of this process take in memory now."""

    def __init__(self) -> None:
        self.bytes = 0

    @property
    def is_too_much(self) -> bool:
        return self.bytes > LIMITS.load_bytes


load = Load()


class Cycle(RequestResponseCycle):
    """A request and its answer: a part of the load until nobody works on it any more."""

    taken = 0
    _ends_early = False
    # How much more of the body stays in memory; the rest goes to a file.
    room_for_body = SMALL_BODY_BYTES

    async def run_asgi(self, app: Any) -> None:
        try:
            await super().run_asgi(app)
        finally:
            self.leave()

    def take(self, size: int) -> None:
        self.taken += size
        load.bytes += size

    def leave(self) -> None:
        load.bytes -= self.taken
        self.taken = 0

    async def receive(self) -> Any:
        message = await super().receive()
        if self._ends_early and message.get("more_body"):
            return {"type": "http.disconnect", CAN_BE_TOLD: True}
        return message

    def end_early(self) -> None:
        """Let the application find that no more of the body comes, though the client listens."""
        self._ends_early = True
        self.message_event.set()

    def cut_off(self) -> None:
        """Let the application find that the client has gone."""
        self.disconnected = True
        self.message_event.set()
