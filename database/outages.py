"""How to tell a database that is away, or has others to serve, from one that refuses its orders."""

import psycopg
from django.db import Error, OperationalError

# Connections that broke, no room or no connections left, a server that ends or gives up on a
# statement, faults of its disk, and one that may only read.
_STATES = ("08", "53", "57", "58", "25006")
# Transactions that wait for each other, that cannot be put into an order, and a lock that another
# one has.
_CONFLICTS = ("40P01", "40001", "55P03")


def is_away(error: BaseException | None) -> bool:
    """Whether `error` says that the database cannot do its work for now, whatever it is asked."""
    cause = error.__cause__ if isinstance(error, Error) and error.__cause__ else error
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        return cause.sqlstate.startswith(_STATES)
    # Without a state the server has said nothing: there was none to say it.
    return isinstance(cause, OperationalError | psycopg.OperationalError)


def is_conflict(error: BaseException) -> bool:
    """Whether a transaction got in the way of another one, and may be tried again."""
    cause = error.__cause__ if isinstance(error, Error) else error
    return isinstance(cause, psycopg.Error) and cause.sqlstate in _CONFLICTS
