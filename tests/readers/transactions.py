"""Transactions that stay open while something else happens."""

import threading

from django.db import connections, transaction


def in_other_transaction(*calls):
    """Call each of `calls` in one transaction of another connection, which is then open.

    Returns what commits it.
    """
    done, go = threading.Event(), threading.Event()

    def work():
        try:
            with transaction.atomic():
                for call in calls:
                    call()
                done.set()
                go.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    assert done.wait(30)

    def commit():
        go.set()
        thread.join(30)

    return commit
