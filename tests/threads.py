"""Running the same thing in several threads at once, each with its own database connection."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import connections


def run_at_once(*calls):
    """Call each of `calls` in a thread of its own, all released together; return their results.

    The first exception is raised again.
    """
    barrier = threading.Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(timeout=30)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as executor:
        return [future.result(timeout=60) for future in [executor.submit(run, c) for c in calls]]
