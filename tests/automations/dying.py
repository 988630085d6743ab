"""Workers that die at a chosen instant: each a child of one process, which has the hub loaded.

As a program it reads numbers of instants from its input, a line each. It has a worker do everything
that is due, and die at that instant, then prints `died`, or `done` if there were not so many.

Instants are the moments before and after each commit, each statement that is its own transaction,
and each email that is handed over.
"""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import wraps

from tests.config.hub import ROOT, clean_environment, url_of_database


class Workers:
    """The process whose children die."""

    def __init__(self, process):
        self._process = process

    def die_at(self, instant):
        """Have a worker die at this instant; tell whether it came so far."""
        self._process.stdin.write(f"{instant}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer in ("died", "done"), answer
        return answer == "died"


@contextmanager
def workers(home, **changes):
    """A process with the database of this test, ended when the block is left."""
    environment = clean_environment(home, DATABASE_URL=url_of_database(), **changes)
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.automations.dying"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Workers(process)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


class _Countdown:
    """Kills this process at an instant."""

    def __init__(self, instant):
        self._left = instant

    def here(self):
        """One instant."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call):
        """`call`, with an instant before and one after it."""

        @wraps(call)
        def counted(*arguments, **named):
            self.here()
            result = call(*arguments, **named)
            self.here()
            return result

        return counted


def _count_down(instant):
    countdown = _Countdown(instant)
    BaseDatabaseWrapper._commit = countdown.around(BaseDatabaseWrapper._commit)
    SmtpLine.hand_over = countdown.around(SmtpLine.hand_over)

    def wrap(execute, sql, params, many, context):
        alone = not context["connection"].in_atomic_block
        return (countdown.around(execute) if alone else execute)(sql, params, many, context)

    connection.execute_wrappers.append(wrap)


def _work():
    read_next(AUTOMATIONS)
    while any(_is_due(job) for job in _JOBS):
        for job in _JOBS:
            work_off(job)


def _is_due(job):
    return job.model.objects.filter(job.waiting, due_at__lte=Now()).exists()


def _serve():
    for line in sys.stdin:
        child = os.fork()
        if not child:
            begin()
            _count_down(int(line))
            _work()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        answer = "died" if died else "done" if status == 0 else f"failed: {status}"
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import django

    django.setup()
    from django.db import connection
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.functions import Now

    from automations.emails.smtp import SmtpLine
    from automations.following import AUTOMATIONS
    from automations.jobs import EMAILS, RUNS, TRANSACTIONAL_EMAILS
    from jobs.working import work_off
    from readers.reading import begin, read_next

    _JOBS = (RUNS, TRANSACTIONAL_EMAILS, EMAILS)
    _serve()
