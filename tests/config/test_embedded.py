"""The embedded PostgreSQL: who starts it, who stops it, and what may have happened in between."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.embedded.errors import EmbeddedPostgresFailed
from config.embedded.programs import find_programs, server_account
from config.embedded.sockets import make_socket_directory
from tests.config.hub import ROOT, clean_environment, postmaster_pid, processes_of, wait_until

IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")


class DatabaseUser:
    """Another process that uses the server."""

    def __init__(self, home, uid=None):
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.config.database_user",
                home,
                *([str(uid)] if uid else []),
            ],
            cwd=ROOT,
            env={**clean_environment(home), "DJANGO_SETTINGS_MODULE": "config.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line):
        answer = self.try_to(line)
        assert "error" not in answer, answer
        return answer["ok"]

    def try_to(self, line):
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def leave(self):
        """End the process in order."""
        self._process.stdin.close()
        self._process.stdout.read()
        self._process.stdout.close()
        return self._process.wait(timeout=60)

    def kill(self):
        self._process.kill()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@contextmanager
def database_user(home, uid=None):
    user = DatabaseUser(home, uid)
    try:
        user.ask("acquire")
        yield user
    finally:
        if user._process.poll() is None:
            user.leave()


@pytest.fixture
def home(tmp_path):
    """A data directory; whatever still runs on it at the end is killed."""
    directory = tmp_path / "hub"
    yield directory
    for pid in processes_of(directory):
        os.kill(pid, signal.SIGKILL)


def test_server_is_started_by_its_first_user_and_stopped_by_its_last(home):
    with database_user(home) as first:
        started = postmaster_pid(home)
        with database_user(home) as second:
            first.leave()
            running_for_second = postmaster_pid(home)
            answer = second.ask("sql SELECT 1")

    assert running_for_second == started
    assert answer == "1"
    assert processes_of(home) == {}


def test_threads_that_come_at_once_all_wait_until_the_server_answers(home):
    user = DatabaseUser(home)
    try:
        hosts = user.ask("acquire_at_once 8").splitlines()
        assert hosts == [user.ask("acquire")]
        assert user.ask("sql SELECT 1") == "1"
    finally:
        user.leave()

    assert processes_of(home) == {}


def test_server_keeps_what_was_committed_when_all_of_it_is_killed(home):
    with database_user(home) as user:
        user.ask("sql CREATE TABLE kept AS SELECT 42 AS answer")
        user.kill()
        os.kill(postmaster_pid(home), signal.SIGKILL)

        with database_user(home) as next_user:
            answer = next_user.ask("sql SELECT answer FROM kept")

    assert answer == "42"
    assert processes_of(home) == {}


def test_server_left_by_a_killed_user_is_adopted_and_stopped_by_the_next(home):
    with database_user(home) as killed:
        left_over = postmaster_pid(home)
        killed.kill()
        assert left_over in processes_of(home)

        with database_user(home):
            adopted = postmaster_pid(home)

    assert adopted == left_over
    assert processes_of(home) == {}


def test_server_starts_although_another_process_has_the_number_in_its_pid_file(home):
    with database_user(home):
        pass
    pid_file = home / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{home}/postgres\n0\n5432\n/nowhere\n\n0 0\nready\n")

    with database_user(home) as user:
        answer = user.ask("sql SELECT 1")

    assert answer == "1"


def test_server_outlives_a_process_whose_forked_child_goes_on(home):
    with database_user(home) as user:
        child = int(user.ask("hand_to_fork"))
        user._process.wait(timeout=60)
        with database_user(home):
            pass
        answer = user.ask("sql SELECT 1")
        user.leave()
        wait_until(lambda: child not in processes_of(home))

    assert answer == "1"
    assert processes_of(home) == {}


def test_setting_up_again_clears_what_an_interrupted_one_left(home):
    interrupted = home / "postgres.new-interrupted"
    interrupted.mkdir(parents=True)
    (interrupted / "PG_VERSION").write_text("18")

    with database_user(home):
        remains = interrupted.exists()

    assert not remains


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", ""),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
    ],
)
def test_server_is_durable_and_private(shared_user, setting, value):
    assert shared_user.ask(f"sql SHOW {setting}") == value


def test_server_understands_letters_of_all_languages(shared_user):
    assert shared_user.ask("sql SELECT upper('straße é я')") == "STRAßE É Я"


def test_socket_is_in_a_short_folder_for_its_owner_alone(shared_user):
    folder = Path(shared_user.ask("acquire"))

    assert len(str(folder / ".s.PGSQL.5432.lock")) < 107
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.fixture(scope="module")
def shared_user(tmp_path_factory):
    home = tmp_path_factory.mktemp("shared") / "hub"
    with database_user(home) as user:
        yield user


@pytest.mark.parametrize(
    "name", [pytest.param("with a space", id="space"), pytest.param(None, id="120-characters")]
)
def test_server_runs_in_any_folder(tmp_path, name):
    home = tmp_path / (name or "x" * (119 - len(str(tmp_path))))
    assert name or len(str(home)) == 120

    with database_user(home) as user:
        answer = user.ask("sql SELECT 1")

    assert answer == "1"
    assert processes_of(home) == {}


def test_two_servers_run_side_by_side(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"

    with database_user(here) as one, database_user(there) as other:
        one.ask("sql CREATE TABLE only_here ()")
        found_there = other.ask("sql SELECT to_regclass('only_here') IS NOT NULL")

    assert found_there == "False"


@needs_root
def test_root_runs_the_server_as_another_user_without_opening_folders(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "hub"

    with database_user(home):
        server = Path(f"/proc/{postmaster_pid(home)}")
        owner = server.stat().st_uid
        status = (server / "status").read_text()

    assert owner == (home / "postgres").stat().st_uid != 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    # Nothing but CAP_DAC_READ_SEARCH, with which it passes through the closed folders.
    assert "CapEff:\t0000000000000004" in status
    assert "CapBnd:\t0000000000000004" in status


@needs_root
def test_ordinary_user_runs_the_server_as_himself():
    _skip_unless_readable_by_all(find_programs())
    nobody = 65534
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:
        os.chown(parent, nobody, nobody)
        home = Path(parent, "hub")

        with database_user(home, uid=nobody) as user:
            owner = Path(f"/proc/{postmaster_pid(home)}").stat().st_uid
            answer = user.ask("sql SELECT 1")

        assert processes_of(home) == {}
    assert owner == nobody
    assert answer == "1"


def test_socket_folder_that_others_may_enter_is_refused(home):
    home.mkdir()
    account = server_account(home / "postgres")
    folder = make_socket_directory(home / "postgres", account)
    folder.chmod(0o777)

    with pytest.raises(EmbeddedPostgresFailed, match="remove it"):
        make_socket_directory(home / "postgres", account)

    folder.rmdir()


def test_failed_start_shows_the_log_and_what_to_do(home):
    with database_user(home):
        pass
    with (home / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    user = DatabaseUser(home)

    error = user.try_to("acquire")["error"]

    user.leave()
    assert 'unrecognized configuration parameter "no_such_setting"' in error
    assert "set DATABASE_URL" in error


def test_folder_with_something_else_in_it_is_not_touched(home):
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "notes.txt").write_text("mine")
    user = DatabaseUser(home)

    error = user.try_to("acquire")["error"]

    user.leave()
    assert "holds something else" in error
    assert [path.name for path in (home / "postgres").iterdir()] == ["notes.txt"]


def _skip_unless_readable_by_all(folder):
    done = subprocess.run(
        [
            shutil.which("setpriv") or "setpriv",
            "--reuid=65534",
            "--clear-groups",
            "--regid=65534",
            "test",
            "-x",
            folder / "postgres",
        ],
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"{folder} is in a folder that ordinary users may not enter")
