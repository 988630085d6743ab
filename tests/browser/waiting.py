"""Waiting for what happens elsewhere."""

import time


def wait_until(condition, seconds=60):
    """Call `condition` until it returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "It did not come true."
        time.sleep(0.03)
    return result


def wait_for(page, condition, arg=None):
    """Wait until `condition`, JavaScript about the `page` that may name `arg`, holds.

    It does not hold yet while it cannot be evaluated, such as a member of what is not there yet.
    Playwright would not wait for that: it gives up, and the page is told of the error.
    """
    page.wait_for_function(
        f"arg => {{ try {{ return {condition}; }} catch {{ return false; }} }}", arg=arg
    )


def wait_until_drawn(page):
    """Wait until the page has drawn what was asked of it so far, and was told of it."""
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
