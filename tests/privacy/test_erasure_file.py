"""The file of erasures: what is added to it, and what becomes of a torn or damaged line."""

import errno
import os
import subprocess
import sys

import pytest
from django.conf import settings

from privacy import erasure_file
from privacy.erasure_file import CannotRead, CannotWrite, append, line_of, read


def line(number):
    return line_of("erasure", {"number": number, "key": "a key"})


def numbers():
    return [one.line and one.line.content["number"] for one in read()]


def test_what_is_added_is_read_in_order(file_of_erasures):
    append(line(1))
    append(line(2), line(3))

    assert numbers() == [1, 2, 3]
    assert [one.place for one in read()] == [1, 2, 3]
    assert file_of_erasures.stat().st_mode & 0o777 == 0o600
    assert file_of_erasures.parent.stat().st_mode & 0o777 == 0o700


def test_without_a_file_there_are_no_lines():
    assert read() == []


def test_a_torn_last_line_is_told_from_others(file_of_erasures):
    append(line(1), line(2))
    whole = file_of_erasures.read_bytes()
    file_of_erasures.write_bytes(whole[:-20])

    first, torn = read()

    assert (first.line.content["number"], first.is_torn) == (1, False)
    assert (torn.line, torn.is_torn) == (None, True)


def test_what_is_added_after_a_torn_line_is_a_line_of_its_own(file_of_erasures):
    append(line(1))
    file_of_erasures.write_bytes(file_of_erasures.read_bytes() + b'{"kind": "era')

    append(line(2))

    assert numbers() == [1, None, 2]
    assert [one.is_torn for one in read()] == [False, False, False]


@pytest.mark.parametrize(
    "garbage", [b"\0\0\0\0", b"\xff\xfe", b"[]", b'{"kind": "erasure"}', b"9" * 5_000]
)
def test_a_line_of_garbage_loses_no_other(file_of_erasures, garbage):
    append(line(1))
    file_of_erasures.write_bytes(file_of_erasures.read_bytes() + garbage + b"\n")
    append(line(3))

    assert numbers() == [1, None, 3]


def test_a_line_for_which_there_is_no_room_leaves_nothing(file_of_erasures, monkeypatch):
    append(line(1))
    before = file_of_erasures.read_bytes()
    write = os.write
    monkeypatch.setattr("privacy.erasure_file.os.write", lambda to, given: write(to, given[:5]))

    with pytest.raises(CannotWrite, match="no room"):
        append(line(2))

    assert file_of_erasures.read_bytes() == before


def test_a_line_that_the_disk_did_not_take_is_refused(file_of_erasures, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("privacy.erasure_file.os.fsync", fail)

    with pytest.raises(CannotWrite, match="Input/output error") as caught:
        append(line(1))

    assert str(file_of_erasures) in str(caught.value)


def test_a_folder_that_is_no_folder_is_said(file_of_erasures):
    file_of_erasures.parent.parent.mkdir(exist_ok=True)
    file_of_erasures.parent.write_text("")

    with pytest.raises(CannotWrite, match="file of erasures"):
        append(line(1))
    with pytest.raises(CannotRead, match="file of erasures"):
        read()


def test_processes_that_add_at_once_tear_no_line(file_of_erasures):
    append(line(0))
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        "from pathlib import Path\n"
        f"settings.ERASURES_DIR = Path({str(file_of_erasures.parent)!r})\n"
        "from privacy.erasure_file import append, line_of\n"
        "for number in range(1, 51):\n"
        "    append(line_of('erasure', {'number': number, 'key': 'x' * 500}))\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}

    writers = [
        subprocess.Popen([sys.executable, "-c", code], cwd=settings.BASE_DIR, env=environment)
        for _ in range(2)
    ]

    assert [one.wait(timeout=60) for one in writers] == [0, 0]
    assert sorted(numbers()) == sorted([0, *range(1, 51), *range(1, 51)])
    assert erasure_file.read()[-1].place == 101
