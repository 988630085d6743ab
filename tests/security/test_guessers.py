"""Guessers ask for login pages and send passwords, and applications are served all the same."""

import asyncio
import re
import threading
import time
from collections import Counter
from contextlib import contextmanager
from statistics import median

import pytest

from tests.config.hub import Hub
from tests.faults.load import Load

GUESSERS = 32
SECONDS = 3
TOKEN = "a" * 32
FORM = f"username=mia&password=wrong&csrfmiddlewaretoken={TOKEN}"
GET = "GET /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = (
    "POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    f"Cookie: csrftoken={TOKEN}; sessionid=forged\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
    f"Content-Length: {len(FORM)}\r\n\r\n{FORM}"
)


@pytest.fixture(scope="module")
def hub(homes, tmp_path_factory):
    home = homes.copy(tmp_path_factory.mktemp("guessers") / "hub")
    with Hub(home, WEB_PROCESSES="1") as hub:
        yield hub


class Guessers:
    """Connections from `addresses` addresses that send the same again as soon as it is answered."""

    def __init__(self, hub, request, addresses):
        self._port, self._request, self._addresses = hub.port, request.encode(), addresses
        self.statuses = Counter()
        self.retry_after = set()

    @contextmanager
    def guessing(self):
        self._until = time.monotonic() + SECONDS
        thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        thread.start()
        yield
        thread.join(60)

    async def _run(self):
        await asyncio.gather(*map(self._guess, range(GUESSERS)))

    async def _guess(self, number):
        address = f"127.0.1.{1 + number % self._addresses}"
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(address, 0)
        )
        while time.monotonic() < self._until:
            writer.write(self._request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(re.search(r"content-length: (\d+)", head)[1]))
            self.statuses[int(head.split()[1])] += 1
            self.retry_after.update(re.findall(r"retry-after: (\d+)", head))
            if "connection: close" in head:
                return
        writer.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("addresses", [1, GUESSERS])
@pytest.mark.parametrize("request_text", [GET, POST], ids=["GET", "POST"])
def test_recording_goes_on_while_32_guessers_guess(hub, request_text, addresses):
    load = Load(hub, apps=2)
    guessers = Guessers(hub, request_text, addresses)
    with load.running():
        load.wait_for_answers(20)
        start = time.monotonic()
        with guessers.guessing():
            time.sleep(SECONDS)
            recorded = sorted(moment for moment in load.answered_at if moment > start)
    gaps = [later - earlier for earlier, later in zip(recorded, recorded[2:], strict=False)]

    assert len(recorded) >= 30
    assert median(gaps) < 1
    assert load.longest_answer < 3
    assert load.refusals == {}
    assert guessers.statuses.keys() <= {200, 429, 503}
    if addresses == 1:
        # A limit may end and begin anew meanwhile.
        assert guessers.statuses[200] <= 2 * 60
    assert guessers.statuses[503 if addresses > 1 else 429] > 0
    assert all(0 < int(seconds) <= 30 for seconds in guessers.retry_after)
