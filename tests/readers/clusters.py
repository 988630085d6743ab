"""Another database cluster, and dumps that go from one to the other."""

import os
import subprocess
from contextlib import contextmanager
from unittest.mock import patch

import psycopg
import pytest
from django.db import connection, connections

from config.embedded.postgres import DATABASE, EmbeddedPostgres
from config.embedded.programs import find_programs
from config.pools import close_connections

_NEEDED = ("host", "port", "user", "password", "dbname")


def of_tests():
    """What a connection to the database of the tests needs."""
    found = connection.get_connection_params()
    return {name: found[name] for name in _NEEDED if name in found}


@contextmanager
def another_cluster(home):
    """What a connection needs to an empty database of a server that keeps its data in `home`."""
    server = EmbeddedPostgres(home)
    server.acquire()
    try:
        yield {**server.connection_parameters(), "dbname": DATABASE}
    finally:
        server.release()


@contextmanager
def another_database(parameters, suffix="restored"):
    """An empty database of the same cluster; tests that run meanwhile have others."""
    name = f"{parameters['dbname']}_{suffix}"
    with psycopg.connect(**parameters, autocommit=True) as cluster:
        cluster.execute(f"DROP DATABASE IF EXISTS {name}")  # of tests that were interrupted
        cluster.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield {**parameters, "dbname": name}
        finally:
            cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


def dump(parameters, *options):
    """Everything in a database, or what these options of pg_dump leave of it, as SQL."""
    program = _run("pg_dump", parameters, "--version").split()[-1].partition(".")[0]
    with psycopg.connect(**parameters) as server:
        if server.info.server_version // 10_000 != int(program):
            pytest.skip(f"pg_dump {program} writes what a server of another version cannot read")
    return _run("pg_dump", parameters, "--no-owner", "--no-privileges", *options)


def restore(sql, parameters):
    """Load what `dump` returned into an empty database."""
    _run("psql", parameters, "--quiet", "--set", "ON_ERROR_STOP=1", given=sql)


@contextmanager
def moved_to(parameters):
    """Meanwhile Django's connections lead to another database."""
    wrapper = type(connections["default"])
    at_home = wrapper.get_connection_params
    close_connections()
    with patch.object(wrapper, "get_connection_params", lambda one: {**at_home(one), **parameters}):
        try:
            yield
        finally:
            close_connections()


def _run(program, parameters, *arguments, given=None):
    done = subprocess.run(
        [find_programs() / program, *arguments],
        env={
            **os.environ,
            "PGHOST": str(parameters["host"]),
            "PGPORT": str(parameters["port"]),
            "PGUSER": parameters["user"],
            "PGPASSWORD": parameters.get("password", ""),
            "PGDATABASE": parameters["dbname"],
        },
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
