"""How much time a text may take, and how long it may become."""

import time
from io import StringIO

from automations.emails.errors import TooMuch

MOST_SECONDS = 0.1
MOST_BYTES = 100_000
_NODES_PER_LOOK = 16


class Budget:
    """The time and the length that the texts of one email have together."""

    def __init__(self) -> None:
        # The time of this thread alone: an email is not held because the machine has much to do.
        self._until = time.thread_time() + MOST_SECONDS
        self._left = MOST_BYTES
        self._nodes = 0

    def renew_length(self) -> None:
        """Let the next text be as long as the one before."""
        self._left = MOST_BYTES

    def node(self) -> None:
        self._nodes += 1
        if self._nodes % _NODES_PER_LOOK == 0:
            self.look()

    def look(self) -> None:
        if time.thread_time() > self._until:
            raise TooMuch(f"The text takes longer than {MOST_SECONDS * 1000:.0f} ms.")

    def spend(self, text: str) -> None:
        self._left -= len(text.encode())
        if self._left < 0:
            raise TooMuch(f"The text comes to more than {MOST_BYTES // 1000} kB.")


class Buffer(StringIO):
    def __init__(self, budget: Budget):
        super().__init__()
        self._budget = budget

    def write(self, text: str, /) -> int:
        self._budget.spend(text)
        return super().write(text)
