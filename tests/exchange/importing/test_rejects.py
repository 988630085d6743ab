"""Files whose rows are nearly all rejected: none is left out of the file of rejects."""

import csv
from pathlib import Path

import pytest

from contacts.models import Contact
from exchange.importing.acting import start_import, work_through
from exchange.importing.telling import rejects_of

pytestmark = pytest.mark.django_db

ROWS = 100_000
# Each is wrong in two cells, with values of its own.
PEOPLE = "email,birthday\nann@example.com,\n" + "".join(
    f"nobody-{number},31.02.{1900 + number % 100}\n" for number in range(ROWS)
)
MAPPING = {"email": "email", "birthday": {"field": "birthday", "format": "DD.MM.YYYY"}}


def lines(pieces):
    """The lines of a CSV that comes in pieces, one after the other."""
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\r\n")
        yield from whole
    assert rest == ""


class Memory:
    """The most memory of this process since now, above what it has now, in bytes."""

    def __init__(self):
        Path("/proc/self/clear_refs").write_text("5")  # the peak is forgotten
        self._before = self._told("VmRSS")

    @property
    def peak(self):
        return self._told("VmHWM") - self._before

    def _told(self, name):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def test_very_many_rejects_are_all_in_the_file_and_take_bounded_memory(imports):
    memory = Memory()
    import_ = imports.check(PEOPLE, MAPPING)
    checked = memory.peak
    assert (import_.counts["create"], import_.counts["reject"]) == (1, ROWS)
    # What is told of them all is short.
    assert [one["count"] for one in import_.errors] == [ROWS, ROWS]
    assert all(len(one["examples"]) == 5 for one in import_.errors)
    start_import(import_)
    work_through(import_)
    memory = Memory()
    told = csv.reader(lines(rejects_of(import_)))
    assert next(told) == ["email", "birthday", "reason"]
    count = 0
    for number, (email, birthday, reason) in enumerate(told):
        assert (email, birthday) == (f"nobody-{number}", f"31.02.{1900 + number % 100}")
        assert f"“{email}”" in reason
        assert f"“{birthday}”" in reason
        count += 1
    assert count == ROWS
    assert import_.counts["reject"] == ROWS
    assert Contact.objects.count() == 1
    # The file has 3 MB; all that is wrong with its rows would be 60.
    assert checked < 25_000_000
    assert memory.peak < 12_000_000


def test_rejects_are_told_once_the_file_is_gone(imports):
    import_ = imports.check("email\nann@example.com\nnobody\nnothing\n")
    start_import(import_)
    work_through(import_)
    import_.file.unlink()
    told = list(csv.reader(lines(rejects_of(import_))))
    assert [row[0] for row in told] == ["row", "3", "4"]
