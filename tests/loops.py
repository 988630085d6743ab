"""Event loops like that of a web process, with connections to PostgreSQL and shared commits."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import wraps

from activities.recording import open_shared_commit
from database.loop import open_database
from tests.threads import run_in_loop


def in_loop(test):
    """Lets a test be a coroutine: it runs in an event loop of its own."""

    @wraps(test)
    def run(*args, **kwargs):
        return run_in_loop(test(*args, **kwargs))

    return run


@asynccontextmanager
async def open_hub(**options):
    """What a web process opens as it starts: the database, and shared commits."""
    with ThreadPoolExecutor(8) as threads:
        async with open_database(threads) as database, open_shared_commit(**options) as commits:
            yield database, commits


async def until(is_so):
    """Return as soon as `is_so` says so; the other tasks of the event loop go on."""
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.005)
