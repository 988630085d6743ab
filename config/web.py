"""python -m config.web: one web process, on HOST and PORT, which it may share with others."""

import asyncio
import atexit
import logging
import os
import resource
import signal
import socket
import threading

import uvicorn
from django.conf import settings

from config.asgi import application
from config.connections import Connection
from config.load import LIMITS
from config.pools import close_connections
from config.publishing import refuse_to_publish, refuse_to_publish_the_demo
from config.web_start import do_without_database, erase_again_before_serving

_log = logging.getLogger(__name__)

# In so many seconds what was begun is answered when the process is to end, and in so many more its
# threads come to an end.
_SECONDS_TO_ANSWER = 8
_SECONDS_FOR_THREADS = 1.5
_BACKLOG = 2048
# Of the files that the process may open, a fourth is left to databases, bodies and the like.
_SHARE_OF_CONNECTIONS = 0.75
_FILES = 65_536


class _Server(uvicorn.Server):
    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                assert isinstance(connection, Connection)
                try:
                    connection.check(now)
                except Exception:
                    # Any kind: a fault of one connection must not end the process, which serves
                    # all other clients.
                    _log.exception("A connection could not be looked at.")
        return await super().on_tick(counter)


def main() -> None:
    """Answer requests until SIGTERM or SIGINT, and then what was begun.

    :raises ImproperlyConfigured: if others than this machine could use what everybody knows
    """
    refuse_to_publish()
    refuse_to_publish_the_demo()
    is_done = erase_again_before_serving()
    close_connections()
    if not is_done:
        do_without_database()
    files = _raise_file_limit()
    LIMITS.connections = min(LIMITS.connections, int(files * _SHARE_OF_CONNECTIONS))
    server = _Server(
        uvicorn.Config(
            application,
            loop="uvloop",
            http=Connection,
            ws="none",
            lifespan="on",
            # Logs are Django's, and a line for each malformed request would be anybody's to write.
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            # Whom to believe about addresses is the hub's to decide.
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_SECONDS_TO_ANSWER,
        )
    )
    # uvicorn repeats a signal when it is done. By default that would end the process at once,
    # without giving back what it uses.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[_listen()])
    _do_not_wait_for_threads()


def _listen() -> socket.socket:
    """A socket on HOST and PORT: of all who have one, Linux gives each connection to one."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.HOST, settings.PORT, type=socket.SOCK_STREAM
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    listener.setblocking(False)
    return listener


def _raise_file_limit() -> int:
    """Let the process open as many files as it may and needs, and return how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files


def _do_not_wait_for_threads() -> None:
    """End the process soon, even if a view goes on in its thread: Python would wait for it."""
    timer = threading.Timer(_SECONDS_FOR_THREADS, os._exit, [0])
    timer.daemon = True
    timer.start()
    # Registered last, it is called first, after the threads: the rest takes its time.
    atexit.register(timer.cancel)


if __name__ == "__main__":
    main()
