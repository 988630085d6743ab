"""One request of a door and its answer: the only implementation, wherever it runs.

In the web process it runs in the event loop, and what must wait goes to a thread. Behind Django's
middleware, as in tests and under `runserver`, it runs in the thread that it is called in.
"""

import logging
from abc import ABC, abstractmethod

from database.loop import Busy, database_of_loop, finish, in_thread
from web.answers import Answer, Headers
from web.cors import readable_by
from web.doors import is_open, takes_cookies
from web.hosts import is_known_host
from web.problems import Problem, as_problem, bad_request, respond, server_error
from web.requests import Request

_log = logging.getLogger(__name__)

# What Django's SecurityMiddleware says with its answers.
_OF_EVERY_ANSWER = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
# Reading a longer body would keep every other request waiting.
_LONGEST_IN_LOOP = 32 * 1024


class Exchange(ABC):
    """What a door does about one request. Subclasses are its formats and endpoints."""

    def __init__(self, request: Request):
        self.request = request

    @abstractmethod
    async def carry_out(self) -> Answer:
        """Do what the request asks for.

        :raises Problem: if it is refused
        """

    def refuse(self, problem: Problem) -> Answer:
        """The answer that tells the client of `problem`, as its format has it."""
        return respond(problem, self.request.id)

    async def keep(self, problem: Problem) -> None:  # noqa: B027 -- by default nothing is kept
        """Note for developers that the request was refused, or failed here."""

    async def headers(self) -> Headers:
        """What the answer has besides, whether it is refused or not: who may read it."""
        origin, path = self.request.origin, self.request.path
        if not origin or not is_open(path):
            return []
        return readable_by(origin, with_cookies=takes_cookies(path))


async def answer(exchange: Exchange) -> Answer:
    """What the hub answers, complete."""
    if exchange.request.takes_long(_LONGEST_IN_LOOP) and database_of_loop() is not None:
        return await in_thread(finish_answer, exchange)
    request = exchange.request
    try:
        is_ours = await is_known_host(request.host)
        made = await exchange.carry_out() if is_ours else respond(bad_request(), request.id)
    except Exception as error:
        is_ours, made = True, await _refuse(exchange, error)
    made.headers.append((b"request-id", str(request.id).encode()))
    made.headers.extend(_OF_EVERY_ANSWER)
    if is_ours:
        made.headers.extend(await _headers_of(exchange))
    return made


def finish_answer(exchange: Exchange) -> Answer:
    """The same in a thread, which may wait."""
    return finish(answer(exchange))


async def _headers_of(exchange: Exchange) -> Headers:
    try:
        return await exchange.headers()
    except Busy:
        return []
    except Exception:  # the answer is made, and what it says has to be told
        _log.exception("%s could not complete its headers", type(exchange).__name__)
        return []


async def _refuse(exchange: Exchange, error: Exception) -> Answer:
    problem = as_problem(error)
    if problem is None:
        # The log of the hub has the error, and neither path nor query, which may name people.
        _log.exception("%s could not answer a request", type(exchange).__name__)
        problem = server_error()
    # A caller who is told to come again need not be in the inspector.
    if problem.status < 500 or problem.code == "server_error":
        try:
            await exchange.keep(problem)
        except Exception:  # most likely it is the database, of which the log says more
            _log.debug("The request is not in the inspector", exc_info=True)
    return exchange.refuse(problem)
