"""More requests than the hub takes: it says so soon, and neither grows nor stands still."""

import asyncio
import re
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.config.hub import Hub
from tests.faults.load import Load, connect, stored_ids

CONNECTIONS = 400
ACTIVITIES = 50
SECONDS = 8


@pytest.fixture(scope="module")
def hub(homes, tmp_path_factory):
    home = homes.copy(tmp_path_factory.mktemp("overload") / "hub")
    with Hub(home, WEB_PROCESSES="2") as hub:
        yield hub


class Crowd:
    """Many connections, each of which sends a request as soon as the last one is answered."""

    def __init__(self, load, port):
        self._load, self._port = load, port
        self.statuses = Counter()
        self.retry_after = Counter()
        self.acknowledged = set()
        self.longest_answer = 0.0

    @contextmanager
    def running(self, seconds):
        """Send for so long; the block may end sooner, and then waits."""
        thread = threading.Thread(target=lambda: asyncio.run(self._run(seconds)))
        thread.start()
        try:
            yield
        finally:
            thread.join(seconds + 60)

    async def _run(self, seconds):
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._send(until) for _ in range(CONNECTIONS)))

    async def _send(self, until):
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while time.monotonic() < until:
            ids = [str(uuid4()) for _ in range(ACTIVITIES)]
            started_at = time.monotonic()
            writer.write(self._load.request(ids))
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(re.search(r"content-length: (\d+)", head)[1]))
            self.longest_answer = max(self.longest_answer, time.monotonic() - started_at)
            status = int(head.split()[1])
            self.statuses[status] += 1
            if status == 207:
                self.acknowledged.update(ids)
            else:
                self.retry_after.update(re.findall(r"retry-after: (\d+)", head))
                # A client that comes again at once, though not faster than it could.
                await asyncio.sleep(0.1)
        writer.close()


@contextmanager
def locked_table(hub):
    """Nobody writes activities as long as the block lasts."""
    with connect(hub.home) as database, database.transaction():
        database.execute("LOCK TABLE activities_activity IN SHARE MODE")
        yield


def memory(hub):
    """What the web processes have in memory, in megabytes."""
    sizes = [
        re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]
        for pid, line in hub.children().items()
        if "config.web" in line
    ]
    return sum(map(int, sizes)) / 1024


def seconds_for_login_page(hub):
    started_at = time.monotonic()
    status, page = hub.get("/admin/login/")
    assert (status, "csrfmiddlewaretoken" in page) == (200, True)
    return time.monotonic() - started_at


def test_database_that_takes_nothing_is_told_and_the_admin_answers(hub):
    load = Load(hub)
    seconds_for_login_page(hub)
    before = memory(hub)
    crowd = Crowd(load, hub.port)
    with crowd.running(SECONDS):
        with locked_table(hub):
            time.sleep(SECONDS - 1)
            pages = [seconds_for_login_page(hub) for _ in range(3)]
            growth = memory(hub) - before
        time.sleep(1)

    assert max(pages) < 2
    assert growth < 100
    assert crowd.statuses[503] >= CONNECTIONS
    assert crowd.statuses.keys() <= {207, 503}
    assert crowd.retry_after == {"5": crowd.statuses[503]}
    # Whoever came first has waited for five seconds.
    assert crowd.longest_answer < SECONDS + 2
    assert_each_is_stored_once(hub, load, crowd)
    with load.running():
        load.wait_for_answers(100)


def test_more_than_the_hub_takes_is_answered_in_time(hub):
    load = Load(hub)
    before = memory(hub)
    crowd = Crowd(load, hub.port)
    with crowd.running(SECONDS):
        time.sleep(SECONDS / 2)
        pages = [seconds_for_login_page(hub) for _ in range(3)]
        growth = memory(hub) - before

    assert max(pages) < 3
    assert growth < 100
    assert crowd.statuses.keys() <= {207, 503}
    assert crowd.longest_answer < 8
    assert_each_is_stored_once(hub, load, crowd)


def assert_each_is_stored_once(hub, load, crowd):
    stored = stored_ids(hub.home, load.channel)
    assert crowd.acknowledged <= set(stored)
    assert stored.total() == len(stored)
