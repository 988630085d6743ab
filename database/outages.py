"""How to tell a database that is away, or takes nothing, from one that refuses what it was told."""

import psycopg
from django.db import Error, OperationalError

# Connections that broke, no room or no connections left, a server that ends or gives up on a
# statement, faults of its disk, and one that may only read.
_STATES = ("08", "53", "57", "58", "25006")


def is_away(error: BaseException | None) -> bool:
    """Whether `error` says that the database cannot do its work for now, whatever it is asked."""
    cause = error.__cause__ if isinstance(error, Error) and error.__cause__ else error
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        return cause.sqlstate.startswith(_STATES)
    # Without a state the server has said nothing: there was none to say it.
    return isinstance(cause, OperationalError | psycopg.OperationalError)
