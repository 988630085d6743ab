"""The PostgreSQL server under DATA_DIR, which the processes that use it start, share and stop.

Every process that uses the server holds a shared lock on one file. The first one starts the
server, the last one stops it, and a second lock makes coming and leaving take turns. The
kernel gives a killed process's locks back, so a server that nobody stopped is used by the next
process as it is, and stopped by the last one that ends in order.
"""

import atexit
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypedDict

import psycopg

from config.embedded.errors import EmbeddedPostgresFailed
from config.embedded.locks import FileLock
from config.embedded.passwords import access_rules, read_password, scram_verifier
from config.embedded.pid_files import PidFile, clear_remains, running_server
from config.embedded.programs import (
    Account,
    clean_environment,
    command_prefix,
    find_programs,
    run,
    server_account,
)
from config.embedded.sockets import check_socket_directory, make_socket_directory

logger = logging.getLogger(__name__)

USER = "throughline"
DATABASE = "throughline"
# A part of the socket's name; the server listens on no network address.
PORT = 5432

_SECONDS_TO_ANSWER = 180
_SECONDS_TO_STOP = 60
_LOG_BYTES = 10_000_000

_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # What people sent must not be in the log. Errors quote it, in their text, their details and
    # their statements; the client that caused one is told. "log" is more severe than "error".
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    # A crash of a process is logged with its statement, as a detail.
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
if sys.platform == "linux":
    # Before it recovers from a crash: the file system at once, not a thousand files one by one.
    _SETTINGS["recovery_init_sync_method"] = "syncfs"


class ConnectionParameters(TypedDict):
    """What a connection needs, beside the name of a database."""

    host: str
    port: int
    user: str
    password: str


class EmbeddedPostgres:
    """The server on the data in `home`/postgres, seen from one process."""

    def __init__(self, home: Path):
        self.home = home
        self.data = home / "postgres"
        self.log = home / "postgres.log"
        self._password_file = home / "postgres.password"
        self._password = ""
        self._access_file = self.data / "pg_hba.conf"
        self._users = FileLock(home / "postgres.users")
        self._turn = FileLock(home / "postgres.turn")
        self._mutex = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None
        self._is_usable = False

    def acquire(self) -> None:
        """Use the server until `release` or the end of this process; start it if none runs.

        :raises EmbeddedPostgresFailed: if that does not work, with what to do about it
        """
        # Every connection of the process comes through here. The lock is held from before the
        # server answers, so it does not say whether there is one to talk to.
        if self._is_usable:
            return
        with self._mutex:
            if self._is_usable:
                return
            self._make_home()
            with self._turn.alone():
                self._users.share()
                try:
                    self._make_sure_it_runs()
                except BaseException:
                    self._users.unlock()
                    raise
            self._is_usable = True
            atexit.register(self.release)

    def release(self) -> None:
        """Use the server no longer, and stop it if nobody else does."""
        with self._mutex:
            if not self._users.is_held:
                return
            atexit.unregister(self.release)
            self._is_usable = False
            with self._turn.alone():
                self._users.unlock()
                if self._users.try_alone():
                    try:
                        self._stop()
                    finally:
                        self._users.unlock()

    def revive(self) -> bool:
        """Start the server again if it has died under its users, and tell whether it had."""
        with self._mutex, self._turn.alone():
            if self._running() is not None:
                return False
            self._make_sure_it_runs()
            return True

    def connection_parameters(self) -> ConnectionParameters:
        """How to reach the server, once `acquire` has returned."""
        return {
            "host": str(self._sockets),
            "port": PORT,
            "user": USER,
            "password": self._password,
        }

    def after_fork(self) -> None:
        """In a forked child: become a user of the server in its own right."""
        self._mutex = threading.RLock()
        self._process = None
        self._turn.forget()
        if self._users.is_held:
            self._users.forget()
            # The parent holds it too, so there is nothing to wait for.
            self._users.share()

    # Starting

    def _make_home(self) -> None:
        try:
            make_private(self.home)
            if not os.access(self.home, os.W_OK | os.X_OK):
                raise PermissionError(f"no permission to write in {self.home}")
        except OSError as error:
            raise EmbeddedPostgresFailed(
                f"The hub cannot keep its data in {self.home}: {error}. Set DATA_DIR to a folder "
                "that you can write in, or DATABASE_URL to a PostgreSQL server of your own."
            ) from error

    def _make_sure_it_runs(self) -> None:
        account = server_account(self.data)
        self._password = read_password(self._password_file)
        if not self._asks_for_password():
            # It lets in every process of its account, or knows the password of another hub.
            self._stop()
        if not self._wait_for_answer(account, lambda: self._running() is not None):
            programs = find_programs()
            if not (self.data / "PG_VERSION").exists():
                self._create(account, programs)
            clear_remains(self.data)
            if not self._asks_for_password():
                self._set_password(account, programs)
            self._start(account, programs)
        self._create_database()

    def _create(self, account: Account, programs: Path) -> None:
        if self.data.exists() and any(self.data.iterdir()):
            raise EmbeddedPostgresFailed(
                f"{self.data} holds something else than a PostgreSQL database. Move it away, "
                "set DATA_DIR to another folder, or set DATABASE_URL."
            )
        for unfinished in self.home.glob("postgres.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        # Only a finished directory gets the real name, so that a crash in here leaves no half.
        directory = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.home))
        try:
            account.give(directory)
            self._initialise(directory, account, programs)
            directory.rename(self.data)
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise

    def _initialise(self, directory: Path, account: Account, programs: Path) -> None:
        command = [*command_prefix(account, programs, directory), str(programs / "initdb")]
        command += ["--pgdata", str(directory), "--username", USER, "--auth", "reject"]
        command += ["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin"]
        command += ["--builtin-locale", "C.UTF-8", "--no-instructions"]
        done = run(command)
        if done.returncode != 0:
            raise EmbeddedPostgresFailed(
                f"The embedded PostgreSQL could not be set up in {self.data}:\n{done.stdout}\n"
                "Correct what it says, or set DATABASE_URL to a PostgreSQL server of your own."
            )

    def _asks_for_password(self) -> bool:
        try:
            return self._access_file.read_text() == access_rules(self._password)
        except FileNotFoundError:
            return False

    def _set_password(self, account: Account, programs: Path) -> None:
        """Let nobody in without the password. No server runs, so nobody is in meanwhile."""
        command = [*command_prefix(account, programs, self.data), str(programs / "postgres")]
        command += ["--single", "-D", str(self.data), "postgres"]
        # PostgreSQL gets no more than what proves the password.
        verifier = scram_verifier(self._password)
        done = run(command, f"ALTER ROLE {USER} PASSWORD '{verifier}';\n")
        if done.returncode != 0 or "ERROR" in done.stdout:
            raise EmbeddedPostgresFailed(
                f"The embedded PostgreSQL in {self.data} did not take its password:\n"
                f"{done.stdout}\nCorrect what it says, or set DATABASE_URL to a PostgreSQL server "
                "of your own."
            )
        unfinished = self._access_file.with_suffix(".new")
        unfinished.write_text(access_rules(self._password))
        unfinished.chmod(0o600)
        account.give(unfinished)
        unfinished.rename(self._access_file)

    def _start(self, account: Account, programs: Path) -> None:
        sockets = make_socket_directory(self.data, account)
        for remains in sockets.iterdir():
            # Like the pid file: the number in them may be another process's by now, or a zombie's.
            remains.unlink()
        command = [*command_prefix(account, programs, self.data), str(programs / "postgres")]
        command += ["-D", str(self.data)]
        for name, value in {**_SETTINGS, "unix_socket_directories": str(sockets)}.items():
            command += ["-c", f"{name}={value}"]
        offset = self._open_log()
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(  # noqa: S603 -- a fixed program, no shell
                command,
                cwd="/",
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is for the hub, which then stops the server in its turn.
                start_new_session=True,
            )
        try:
            if not self._wait_for_answer(account, lambda: process.poll() is None):
                raise EmbeddedPostgresFailed(
                    "The embedded PostgreSQL did not start." + self._advice_with_log(offset)
                )
        except BaseException:
            # Not SIGTERM: it would wait for the connection that was just being made here.
            process.send_signal(signal.SIGINT)
            process.wait()
            shutil.rmtree(sockets, ignore_errors=True)
            raise

    def _open_log(self) -> int:
        """Begin a new log if the old one is large, and return where the next line will be."""
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        # For this user only, although nothing that people sent is in it: see _SETTINGS.
        self.log.touch(mode=0o600)
        return self.log.stat().st_size

    def _create_database(self) -> None:
        with self._connect() as connection:
            found = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if found is None:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')

    # Stopping

    def _stop(self) -> None:
        running = self._running()
        if running is None:
            return
        account, programs = server_account(self.data), find_programs()
        command = [*command_prefix(account, programs, self.data), str(programs / "pg_ctl"), "stop"]
        command += ["-D", str(self.data), "-m", "fast", "-w", "-t", str(_SECONDS_TO_STOP)]
        done = run(command)
        if done.returncode != 0 and self._running() is not None:
            logger.error("The embedded PostgreSQL could not be stopped: %s", done.stdout.strip())
            return
        if self._process is not None:
            self._process.wait()
        shutil.rmtree(running.socket_directory, ignore_errors=True)

    # Looking

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            **self.connection_parameters(), dbname="postgres", autocommit=True, connect_timeout=5
        )

    def _answers(self, account: Account) -> bool:
        running = self._running()
        if running is None:
            return False
        check_socket_directory(running.socket_directory, account)
        self._sockets = running.socket_directory
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _wait_for_answer(self, account: Account, is_alive: Callable[[], bool]) -> bool:
        """Wait while the server recovers or is being stopped: True if it answers in the end."""
        deadline = time.monotonic() + _SECONDS_TO_ANSWER
        while is_alive():
            if self._answers(account):
                return True
            if time.monotonic() > deadline:
                raise EmbeddedPostgresFailed(
                    f"The embedded PostgreSQL runs, but has not answered for {_SECONDS_TO_ANSWER} "
                    "seconds." + self._advice_with_log()
                )
            time.sleep(0.05)
        return False

    def _running(self) -> PidFile | None:
        if self._process is not None:
            # Without this a dead server of ours stays a zombie, which looks alive.
            self._process.poll()
        return running_server(self.data)

    def _advice_with_log(self, offset: int = 0) -> str:
        advice = " Correct what the log says, or set DATABASE_URL to a PostgreSQL of your own."
        try:
            with self.log.open("rb") as log:
                log.seek(offset)
                tail = log.read().decode(errors="replace").splitlines()[-15:]
        except OSError:
            return advice
        return "\n".join([f"{advice} The end of {self.log}:", *tail])


def make_private(folder: Path) -> None:
    """Make `folder` if it is missing, and let nobody but its owner enter it.

    :raises OSError: if that cannot be done
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_mode & 0o077 and os.geteuid() in (0, found.st_uid):
        folder.chmod(0o700)


_servers: list[EmbeddedPostgres] = []


@cache
def embedded_postgres(home: Path) -> EmbeddedPostgres:
    """The server of the data directory `home`: the same object throughout a process."""
    server = EmbeddedPostgres(home)
    _servers.append(server)
    return server


def _after_fork() -> None:
    for server in _servers:
        server.after_fork()


os.register_at_fork(after_in_child=_after_fork)
