"""The embedded PostgreSQL lets in nobody without the password that only the hub's user can read."""

import os
import stat
import subprocess

import psycopg
import pytest

from config.embedded.passwords import access_rules
from config.embedded.postgres import DATABASE, EmbeddedPostgres
from config.embedded.programs import find_programs, server_account

TRUST = "local all all trust\n"


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def start(tmp_path):
    """Starts the server of a data directory, as the next process that uses it would."""
    started = []

    def start(home=tmp_path / "hub"):
        server = EmbeddedPostgres(home)
        server.acquire()
        started.append(server)
        return server

    yield start
    for server in started:
        server.release()


def ask(server, sql="SELECT 42", **changes):
    parameters = {**server.connection_parameters(), **changes}
    with psycopg.connect(**parameters, dbname=DATABASE, autocommit=True) as connection:
        found = connection.execute(sql)
        return found.fetchone()[0] if found.description else None


def test_only_the_password_lets_in(start):
    server = start()

    assert ask(server) == 42
    for wrong in ("", "guessed"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            ask(server, password=wrong)
    assert mode_of(server.home) == 0o700
    file = server.home / "postgres.password"
    assert mode_of(file) == 0o600
    assert file.stat().st_uid == os.geteuid()
    assert len(file.read_text()) > 40
    assert file.read_text() not in server.log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_servers_own_account_cannot_read_the_password_or_come_in(start):
    server = start()
    account = server_account(server.data)
    assert account.is_another
    as_server = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]

    for path in (server.home / "postgres.password", server.data / "PG_VERSION"):
        done = subprocess.run([*as_server, "cat", path], capture_output=True, check=False, cwd="/")
        assert done.returncode != 0
    with pytest.raises(psycopg.OperationalError):
        ask(server, password="")


def make_as_it_was(server):
    """Make the data directory one from before there were passwords."""
    server.release()
    (server.home / "postgres.password").unlink()
    (server.data / "pg_hba.conf").write_text(TRUST)
    server.home.chmod(0o755)


def test_a_data_folder_that_exists_is_switched_over(start):
    before = start()
    ask(before, "CREATE TABLE kept AS SELECT 42 AS answer")
    make_as_it_was(before)

    after = start()

    assert ask(after, "SELECT answer FROM kept") == 42
    with pytest.raises(psycopg.OperationalError, match="password"):
        ask(after, password="")
    assert mode_of(after.home) == 0o700


def test_a_server_that_was_left_behind_without_a_password_is_replaced(start):
    before = start()
    make_as_it_was(before)
    account, programs = server_account(before.data), find_programs()
    # As an earlier release would have started it.
    before._start(account, programs)
    assert ask(before, password="") == 42

    after = start()
    before._process.wait(timeout=10)

    with pytest.raises(psycopg.OperationalError, match="password"):
        ask(after, password="")
    assert ask(after) == 42


def test_a_copied_database_gets_the_password_of_the_hub_that_it_came_to(start):
    before = start()
    ask(before, "CREATE TABLE kept AS SELECT 42 AS answer")
    before.release()
    old = (before.home / "postgres.password").read_text()
    (before.home / "postgres.password").write_text("that-of-another-hub")

    after = start()

    assert ask(after, "SELECT answer FROM kept") == 42
    with pytest.raises(psycopg.OperationalError, match="password"):
        ask(after, password=old)


def test_the_rules_name_the_password_without_telling_it():
    rules = access_rules("secret-of-the-hub")

    assert "secret-of-the-hub" not in rules
    assert "trust" not in rules
    assert access_rules("another") != rules
