"""Reading where other tests run on the same server: readers wait for their transactions."""

import time
from functools import wraps

from django.db import connection

from activities import seen
from readers import reading
from readers.epochs import begin_epochs

_SECONDS = 120
_RUNNING = """
SELECT pid, backend_xid::text FROM pg_stat_activity
WHERE backend_xid IS NOT NULL AND datname <> current_database()
"""


def _after_others(function):
    @wraps(function)
    def called(reader=seen.SEEN, *args):
        # An epoch that begins later would wait for more of them.
        begin_epochs(reader.logs)
        _wait_for_others()
        return function(reader, *args)

    return called


def _wait_for_others():
    """Return when the transactions in other databases are over that run now."""
    gives_up_at = time.monotonic() + _SECONDS
    others = _running()
    while others & _running() and time.monotonic() < gives_up_at:
        time.sleep(0.05)


def _running():
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING)
        return set(cursor.fetchall())


read_next = _after_others(reading.read_next)
catch_up = _after_others(lambda reader: seen.catch_up())
