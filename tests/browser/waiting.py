"""Waiting for what happens elsewhere."""

import time


def wait_until(condition, seconds=8):
    """Call `condition` until it returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "It did not come true."
        time.sleep(0.03)
    return result
