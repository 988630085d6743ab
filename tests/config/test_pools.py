"""The pool of connections to PostgreSQL, while that restarts."""

import time

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg_pool import ConnectionPool, PoolTimeout

pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    """Connections to a server that takes none before `up_at`."""

    class Server(psycopg.Connection):
        up_at = time.monotonic() + 1.3
        attempts = 0

        @classmethod
        def connect(cls, *arguments, **options):
            Server.attempts += 1
            if time.monotonic() < cls.up_at:
                raise psycopg.OperationalError("the database system is starting up")
            return super().connect(*arguments, **options)

    return Server


def make_pool(server, **changes):
    """A pool as the hub has it."""
    options = settings.DATABASES["default"]["OPTIONS"]["pool"]
    parameters = connection.get_connection_params()
    return ConnectionPool(connection_class=server, kwargs=parameters, **{**options, **changes})


def test_whoever_waits_gets_a_connection_as_soon_as_there_is_one(server):
    with make_pool(server) as pool, pool.connection() as database:
        seconds = time.monotonic() - server.up_at

        assert database.execute("SELECT 1").fetchone() == (1,)
    # By itself the pool would have tried at once, after one second and after three.
    assert 0 <= seconds < 1


def test_pool_that_nobody_asks_any_more_does_not_go_on_trying(server):
    server.up_at = float("inf")
    with make_pool(server, timeout=0.5) as pool:
        with pytest.raises(PoolTimeout):
            pool.getconn()
        time.sleep(0.7)
        attempts = server.attempts
        time.sleep(0.5)
        later = server.attempts
        server.up_at = 0

        with pool.connection() as database:
            assert database.execute("SELECT 1").fetchone() == (1,)

    assert 2 <= attempts == later
