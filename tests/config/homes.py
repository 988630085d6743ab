"""Data directories of hubs, prepared once for all processes of a run of tests, and copied."""

import os
import subprocess
import sys

from django.conf import settings

from config.embedded.locks import FileLock
from tests.config.hub import clean_environment

# Other tests run beside it.
_SECONDS_TO_PREPARE = 600


class Homes:
    """Migrated databases, one empty and one with the demo, in a folder that processes share."""

    def __init__(self, folder):
        self._folder = folder

    def copy(self, to, *, demo=False):
        """Make a data directory `to` that nobody else has, and return it."""
        prepared = self._with_demo() if demo else self._migrated()
        to.parent.mkdir(parents=True, exist_ok=True)
        _copy(prepared, to)
        return to

    def _migrated(self):
        return self._once("migrated", lambda home: _manage(home, "migrate", "--skip-checks"))

    def _with_demo(self):
        def prepare(home):
            _copy(self._migrated(), home)
            _manage(home, "load_demo_data")

        return self._once("demo", prepare)

    def _once(self, name, prepare):
        home = self._folder / name
        with FileLock(self._folder / f"{name}.lock").alone():
            if not home.exists():
                unfinished = self._folder / f"{name}.unfinished"
                prepare(unfinished)
                unfinished.rename(home)
        return home


def folder_of_run(tmp_path_factory):
    """A folder of this run of tests; processes of pytest-xdist share one."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "homes"
    folder.mkdir(exist_ok=True)
    return folder


def _copy(home, to):
    # With its owners: PostgreSQL does not run as root.
    subprocess.run(["cp", "-a", home, to], check=True)


def _manage(home, *arguments):
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=clean_environment(home),
        capture_output=True,
        text=True,
        timeout=_SECONDS_TO_PREPARE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
