"""What a process remembers for a moment, so that it need not ask the database at each request."""

import time
from collections.abc import Callable

from django.conf import settings

from database.loop import in_thread

# More keys than a hub has; a client that makes some up must not fill the memory.
_MOST = 10_000

_memories: list["ShortMemory"] = []


class ShortMemory[Key, Value]:
    """Answers what `read` answers, or answered at most REMEMBERED_SECONDS ago.

    `recall` may answer for as long again, while a caller is on the way to `get` it.

    That there is nothing (None) is not remembered: what is new works at once.
    """

    def __init__(self, read: Callable[[Key], Value | None]):
        self._read = read
        self._known: dict[Key, tuple[float, Value]] = {}
        self._being_got: set[Key] = set()
        _memories.append(self)

    def forget(self) -> None:
        """Ask anew for everything."""
        self._known.clear()
        self._being_got.clear()

    def get(self, key: Key) -> Value | None:
        """What `key` stands for, or None."""
        read_at, value = self._known.get(key, (float("-inf"), None))
        now = time.monotonic()
        if now - read_at < settings.REMEMBERED_SECONDS:
            return value
        if value is not None:
            # One thread reads it again; meanwhile the others go on with what is known.
            self._known[key] = now, value
        value = self._read(key)
        self._being_got.discard(key)
        if value is None:
            self._known.pop(key, None)
        else:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = now, value
        return value

    async def find(self, key: Key) -> Value | None:
        """What `get` answers, for a request in the event loop."""
        value = self.recall(key)
        if value is None:
            value = await in_thread(self.get, key)
        return value

    def recall(self, key: Key) -> Value | None:
        """What `key` stands for, if it is known without asking; None says nothing."""
        read_at, value = self._known.get(key, (float("-inf"), None))
        age = time.monotonic() - read_at
        if value is None or age < settings.REMEMBERED_SECONDS:
            return value
        # The first caller told None refreshes the value; meanwhile the others keep the old one.
        if age < 2 * settings.REMEMBERED_SECONDS and key in self._being_got:
            return value
        self._being_got.add(key)
        return None


def forget_everything() -> None:
    """Let this process ask anew for everything: what is changed here counts at once."""
    for memory in _memories:
        memory.forget()
