"""What happens between the steps of a build."""

from groups import building
from tests.threads import run_at_once


def in_between(monkeypatch, step, call):
    """Have `call` called in a thread of its own right before a step of the next build."""
    original = getattr(building, step)
    done = []

    def and_then(*args):
        if not done:
            done.append(True)
            run_at_once(call)
        return original(*args)

    monkeypatch.setattr(building, step, and_then)
