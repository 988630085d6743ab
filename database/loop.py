"""The event loop of a web process: its connections to PostgreSQL, and threads for what must wait.

What is answered in the loop is written as coroutines that await `ask_soon`, `in_thread` and the
shared commit. In a thread without a loop, such as a worker's, the same coroutines never wait: they
use Django's connection, and `finish` has their result at once.
"""

import asyncio
import select
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from database.cursors import PREPARED_AFTER
from database.questions import Question, ask
from database.transactions import as_django_error, fetch, is_undone

# For how many seconds a request waits for PostgreSQL before it is told that the hub is busy.
PATIENCE = 5.0
# So many questions go to the server in one round trip.
_MOST_QUESTIONS = 64
# How many connections ask at once: while one waits for the server, the other sends.
_ASKING = 2
_SECONDS_BETWEEN_ATTEMPTS = 0.05
# Of prepared statements that look for a few rows by an index, planning takes longer than running:
# once is enough.
_SETTINGS = "SET TIME ZONE 'UTC'; SET plan_cache_mode = force_generic_plan"


class Busy(Exception):
    """PostgreSQL does not keep up: try again later."""


class LoopDatabase:
    """The connections that the coroutines of one event loop share."""

    def __init__(self, threads: Executor):
        self.loop = asyncio.get_running_loop()
        self.threads = threads
        self._idle: list[psycopg.AsyncConnection] = []
        self._asked: deque[tuple[tuple[Question, ...], asyncio.Future[list]]] = deque()
        # The tasks that ask, and since when each has been waiting for the server.
        self._asking: dict[asyncio.Task, float] = {}
        self._is_closed = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection that commits each statement by itself, for one at a time.

        One that broke is replaced. A server that restarts is waited for as long as a request is.

        :raises OperationalError: if there is no server
        """
        try:
            connection = await self._take_idle() or await _connect()
        except psycopg.Error as error:
            raise as_django_error(error) from error
        try:
            yield connection
        except psycopg.Error as error:
            raise as_django_error(error) from error
        finally:
            if connection.closed or self._is_closed:
                await connection.close()
            elif connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                self._idle.append(connection)
            else:
                await connection.close()

    async def _take_idle(self) -> psycopg.AsyncConnection | None:
        """A connection that is idle and still there, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            # PostgreSQL sends nothing unasked, unless it ends the connection.
            if not _has_something_to_read(connection):
                return connection
            await connection.close()
        return None

    async def ask(self, questions: tuple[Question, ...]) -> list[Any]:
        """The answers to `questions`, in one round trip with what others ask meanwhile.

        :raises Busy: if the server does not answer in time
        """
        now = self.loop.time()
        if len(self._asking) == _ASKING and max(self._asking.values()) < now - PATIENCE:
            raise Busy
        future: asyncio.Future[list] = self.loop.create_future()
        self._asked.append((questions, future))
        if len(self._asking) < _ASKING:
            task = self.loop.create_task(self._answer())
            self._asking[task] = now
        timer = self.loop.call_later(PATIENCE, _give_up, future)
        try:
            return await future
        finally:
            timer.cancel()

    async def close(self) -> None:
        """Close what is idle now, and what is in use as soon as it is not."""
        self._is_closed = True
        await asyncio.gather(*self._asking, return_exceptions=True)
        while self._idle:
            await self._idle.pop().close()

    async def _answer(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            while self._asked:
                self._note_progress()
                await self._answer_some([one for one in self._take() if not one[1].done()])
        finally:
            # At once: the next request that asks has to start another task.
            del self._asking[task]

    def _take(self) -> list[tuple[tuple[Question, ...], asyncio.Future[list]]]:
        """Those that wait longest, as far as they share a round trip."""
        some = [self._asked.popleft()]
        size = len(some[0][0])
        while self._asked and size + len(self._asked[0][0]) <= _MOST_QUESTIONS:
            some.append(self._asked.popleft())
            size += len(some[-1][0])
        return some

    def _note_progress(self) -> None:
        """Note that this task begins to ask now."""
        task = asyncio.current_task()
        assert task is not None
        self._asking[task] = self.loop.time()

    async def _answer_some(
        self, some: list[tuple[tuple[Question, ...], asyncio.Future[list]]]
    ) -> None:
        questions = [question for asked, _ in some for question in asked]
        try:
            answers = iter(await self._fetch(questions))
        except Exception as error:
            if len(some) == 1:
                _settle(some[0][1], error=error)
            else:
                # One question that cannot be answered costs the others no answer.
                for one in some:
                    if not one[1].done():
                        self._note_progress()
                        await self._answer_some([one])
            return
        for asked, future in some:
            _settle(future, [next(answers) for _ in asked])

    async def _fetch(self, questions: list[Question]) -> list[Any]:
        try:
            async with self.connection() as connection:
                return await fetch(connection, questions)
        except OperationalError as error:
            if is_undone(error):
                raise
        # The connection broke. Questions change nothing, so they can be asked again.
        async with self.connection() as connection:
            return await fetch(connection, questions)


_ours: LoopDatabase | None = None


@asynccontextmanager
async def open_database(threads: Executor) -> AsyncIterator[LoopDatabase]:
    """Let the coroutines of this event loop use connections of its own, and these threads."""
    global _ours
    _ours = database = LoopDatabase(threads)
    try:
        yield database
    finally:
        _ours = None
        await database.close()


def database_of_process() -> LoopDatabase | None:
    """What the event loop of this process has, if it has one, for any of its threads."""
    return _ours


def database_of_loop() -> LoopDatabase | None:
    """The same if the caller runs in that event loop, else None."""
    if _ours is None:
        return None
    try:
        return _ours if asyncio.get_running_loop() is _ours.loop else None
    except RuntimeError:
        return None


async def ask_soon(*questions: Question) -> list[Any]:
    """The answers to `questions`, in order: by the event loop, or else by this thread.

    :raises Busy: if the server does not answer in time
    """
    database = database_of_loop()
    return ask(*questions) if database is None else await database.ask(questions)


async def in_thread[Result](function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    """What `function` returns: in a thread if this is the event loop, which must not wait."""
    database = database_of_loop()
    if database is None:
        return function(*args, **kwargs)

    def call() -> Result:
        try:
            return function(*args, **kwargs)
        finally:
            # Only this thread can give back what it has taken from the pool.
            connections.close_all()

    return await database.loop.run_in_executor(database.threads, call)


def finish[Result](coroutine: Coroutine[Any, Any, Result] | Awaitable[Result]) -> Result:
    """What `coroutine` returns, which never waits in a thread without an event loop."""
    steps = coroutine.__await__()
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    raise RuntimeError("It waits for something that only an event loop has.")


async def _connect() -> psycopg.AsyncConnection:
    parameters = connections[DEFAULT_DB_ALIAS].get_connection_params()
    # Django's own cursors and adapters are for its ORM.
    kept = {
        name: value
        for name, value in parameters.items()
        if name not in ("cursor_factory", "context")
    }
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                return await _open(kept)
        except psycopg.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(_SECONDS_BETWEEN_ATTEMPTS)
        except TimeoutError as error:
            raise psycopg.OperationalError("PostgreSQL does not answer.") from error


async def _open(parameters: dict[str, Any]) -> psycopg.AsyncConnection:
    connection = await psycopg.AsyncConnection.connect(**parameters, autocommit=True)
    try:
        await connection.execute(_SETTINGS)
        connection.prepare_threshold = PREPARED_AFTER
    except BaseException:
        await connection.close()
        raise
    return connection


def _has_something_to_read(connection: psycopg.AsyncConnection) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _give_up(future: asyncio.Future[list]) -> None:
    _settle(future, error=Busy())


def _settle(
    future: asyncio.Future[list], answers: list | None = None, error: Exception | None = None
) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(answers or [])
    else:
        future.set_exception(error)
