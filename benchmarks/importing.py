"""python -m benchmarks.importing [ROWS] [CONTACTS]: how fast a file of contacts is imported.

A hub of its own has so many contacts; half of the rows are of those. It measures the dry run, the
import and the undo, each in seconds, and the memory of the process that does it, in MiB: all of it,
and what is above that of a command that does nothing. Nothing else runs.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from benchmarks.hub import ROOT, BenchmarkFailed, Hub

_DATA = ROOT / "benchmarks" / ".data"
_HEADERS = (
    *("email", "first_name", "last_name", "mobile_phone", "company_name", "address1", "city"),
    *("zip", "country", "birthday"),
)
_FIRST = ("Ada", "Boris", "Clara", "Dmitri", "Élodie", "Fatima", "Göran", "Hana", "Iñigo", "Jana")
_CITIES = ("Wien", "Graz", "Praha", "Brno", "Lyon", "Málaga", "Torino", "Gent", "Malmö", "Bergen")
_COUNTRIES = ("AUT", "AUT", "CZE", "CZE", "FRA", "ESP", "ITA", "BEL", "SWE", "NOR")
_SECONDS = 1_800


def main() -> int:
    """Measure, and print one line of JSON for each thing."""
    given = [int(one) for one in sys.argv[1:]]
    rows, contacts = (*given, *(500_000, 1_000_000)[len(given) :])
    _DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_DATA) as folder:
        hub = Hub(Path(folder) / "hub")
        try:
            with hub.database():
                hub.manage("migrate", seconds=_SECONDS)
                _say({"rows": rows, "contacts": contacts, "idle_mib": _idle(hub)})
                file = Path(folder) / "people.csv"
                write_people(file, contacts, first=0)
                if contacts:
                    _say({"filled": _manage(hub, "import_contacts", str(file))})
                write_people(file, rows, first=max(contacts - rows // 2, 0))
                dry = _manage(hub, "import_contacts", str(file), "--dry-run")
                _say({"dry_run": dry})
                done = _manage(hub, "import_contacts", str(file))
                _say({"import": done})
                _say({"undo": _manage(hub, "undo_import", str(done["import"]))})
        except BenchmarkFailed as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


def write_people(file: Path, rows: int, *, first: int) -> None:
    """Write a CSV of so many people, from the one with this number."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(_HEADERS)
        for number in range(first, first + rows):
            place = number % 10
            name = f"{_FIRST[number // 7 % 10]}"
            surname = f"Person{number * 7919 % 999_983}"
            birthday = f"{1950 + number % 50}-{1 + number % 12:02}-{1 + number % 28:02}"
            writer.writerow(
                (
                    f"person.{number}@example.com",
                    *(name, surname, f"+43 660 {number:07}", f"Company {number % 5_000}"),
                    *(f"Street {number % 900}", _CITIES[place], f"0{number % 9_999:04}"),
                    *(_COUNTRIES[place], birthday),
                )
            )


@cache
def _idle(hub: Hub) -> int:
    """The memory of a command that does nothing, in MiB."""
    return _memory_of(_measured(hub, ("shell", "--verbosity", "0", "--command", "pass")))


def _memory_of(done: subprocess.CompletedProcess[str]) -> int:
    """The most memory that a command had, in MiB."""
    return round(int(done.stderr.split()[-1]) / 1024)


def _manage(hub: Hub, *arguments: str) -> dict:
    """What a command prints, with its seconds and the most memory that it had, in MiB."""
    began_at = time.perf_counter()
    done = _measured(hub, arguments)
    if done.returncode != 0:
        raise BenchmarkFailed(f"manage.py {arguments[0]} failed:\n{done.stderr[-2000:]}")
    memory = _memory_of(done)
    told = json.loads(done.stdout)
    took = round(time.perf_counter() - began_at, 1)
    used = {"memory_mib": memory, "above_idle_mib": memory - _idle(hub)}
    return {**told, "whole_seconds": took, **used}


def _measured(hub: Hub, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    code = (
        "import resource, subprocess, sys;"
        "code = subprocess.call([sys.executable, 'manage.py', *sys.argv[1:]]);"
        "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss));"
        "sys.exit(code)"
    )
    return subprocess.run(  # noqa: S603 -- commands of our own, no shell
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=hub.environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _say(told: dict) -> None:
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
