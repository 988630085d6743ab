"""Files: whole lines, each message once, also if workers write at once or are killed."""

import asyncio
import os
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, timedelta

import pytest
from django.utils import timezone

from destinations.http import Client
from destinations.kinds import InvalidDestination, kind_of
from destinations.kinds.appending import HourlyFiles, locked
from destinations.outcomes import Result
from destinations.signing import id_of
from tests.destinations.conftest import FILE_TIME
from tests.destinations.formats import (
    deliver,
    lines_of,
    make_delivery,
    make_destination,
    make_message,
    names_in,
)
from tests.threads import run_at_once, run_in_loop

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("crm_folder")]


def test_a_message_is_a_line_of_the_file_of_its_hour(crm_folder, set_file_time):
    destination, message = make_destination("file", code_name="crm"), make_message()

    (outcome,) = deliver(destination, make_delivery(destination, message))

    assert outcome.result is Result.DELIVERED
    assert names_in(crm_folder) == ["2026-11-30T08Z-crm.ndjson"]
    (line,) = lines_of(crm_folder / "2026-11-30T08Z-crm.ndjson")
    assert line == {"id": id_of(message.message_id), **message.as_json()}
    assert stat.S_IMODE((crm_folder / "2026-11-30T08Z-crm.ndjson").stat().st_mode) & 0o007 == 0


def test_each_hour_has_a_file(crm_folder, set_file_time):
    destination = make_destination("file", code_name="crm")
    deliver(destination, make_delivery(destination), make_delivery(destination))
    set_file_time(FILE_TIME + timedelta(seconds=1))
    deliver(destination, make_delivery(destination))

    files = [crm_folder / name for name in names_in(crm_folder)]
    assert [file.name for file in files] == [
        "2026-11-30T08Z-crm.ndjson",
        "2026-11-30T09Z-crm.ndjson",
    ]
    assert [len(lines_of(file)) for file in files] == [2, 1]


def test_destinations_may_share_a_folder(crm_folder, set_file_time):
    for code_name in ("crm", "crm.ndjson", "other"):
        destination = make_destination("file", code_name=code_name)
        deliver(destination, make_delivery(destination))

    assert names_in(crm_folder) == [
        "2026-11-30T08Z-crm.ndjson",
        "2026-11-30T08Z-crm.ndjson.ndjson",
        "2026-11-30T08Z-other.ndjson",
    ]


def test_half_a_line_of_a_worker_that_died_is_cut_off(crm_folder, set_file_time):
    destination = make_destination("file", code_name="crm")
    first, second = make_message(), make_message()
    deliver(destination, make_delivery(destination, first))
    file = crm_folder / "2026-11-30T08Z-crm.ndjson"
    with file.open("ab") as half:
        half.write(b'{"id":"msg_' + b"0" * 100_000)

    deliver(destination, make_delivery(destination, second))

    assert [line["id"] for line in lines_of(file)] == [
        id_of(first.message_id),
        id_of(second.message_id),
    ]


def test_what_was_written_before_a_worker_died_is_not_written_again(crm_folder, set_file_time):
    destination = make_destination("file", code_name="crm")
    written, new = make_message(), make_message()
    deliver(destination, make_delivery(destination, written, created_at=FILE_TIME))
    set_file_time(FILE_TIME + timedelta(hours=3))

    outcomes = deliver(
        destination,
        make_delivery(destination, written, created_at=FILE_TIME, attempts=2),
        make_delivery(destination, new, created_at=FILE_TIME, attempts=2),
    )

    assert [one.result for one in outcomes] == [Result.DELIVERED] * 2
    ids = [line["id"] for name in names_in(crm_folder) for line in lines_of(crm_folder / name)]
    assert ids == [id_of(written.message_id), id_of(new.message_id)]


def test_what_was_half_written_is_written_again(crm_folder, set_file_time):
    destination, message = make_destination("file", code_name="crm"), make_message()
    deliver(destination, make_delivery(destination, message, created_at=FILE_TIME))
    file = crm_folder / "2026-11-30T08Z-crm.ndjson"
    os.truncate(file, file.stat().st_size - 1)

    deliver(destination, make_delivery(destination, message, created_at=FILE_TIME, attempts=2))

    (line,) = lines_of(file)
    assert line["id"] == id_of(message.message_id)


def test_workers_that_write_at_once_write_whole_lines(crm_folder, monkeypatch):
    write = os.write

    def slowly(descriptor, text):
        time.sleep(0.001)
        return write(descriptor, bytes(text[:10_000]))

    monkeypatch.setattr("destinations.kinds.appending.os.write", slowly)
    destination = make_destination("file", code_name="crm")
    batches = [[make_delivery(destination) for _ in range(50)] for _ in range(8)]

    run_at_once(*(lambda batch=batch: deliver(destination, *batch) for batch in batches))

    ids = [line["id"] for name in names_in(crm_folder) for line in lines_of(crm_folder / name)]
    assert sorted(ids) == sorted(id_of(one.message_id) for batch in batches for one in batch)
    # The lines of one batch stay together.
    first = [ids.index(id_of(batch[0].message_id)) for batch in batches]
    assert sorted(first) == [0, 50, 100, 150, 200, 250, 300, 350]


def test_a_folder_that_does_not_answer_holds_no_other_destination(crm_folder, monkeypatch):
    answers, write = threading.Event(), HourlyFiles.append

    def append(files, *lines, **more):
        if files._name == "network":
            answers.wait(20)
        write(files, *lines, **more)

    monkeypatch.setattr(HourlyFiles, "append", append)
    network, local = make_destination("file", code_name="network"), make_destination("file")
    there, here = make_delivery(network), make_delivery(local)

    async def deliver_at_once():
        kind = kind_of(network)
        async with Client() as client:
            held = [asyncio.create_task(kind.deliver(network, [there], client)) for _ in range(100)]
            await asyncio.sleep(0.1)
            outcomes = await asyncio.wait_for(kind.deliver(local, [here], client), 10)
            answers.set()
            return outcomes, await asyncio.gather(*held)

    outcomes, held = run_in_loop(deliver_at_once())

    assert [one.result for one in outcomes] == [Result.DELIVERED]
    assert {one.result for (one,) in held} <= {Result.DELIVERED, Result.FAILED}


KILLED_WRITERS = """
import os, signal, sys, time
from pathlib import Path
import django

django.setup()
from destinations.kinds.appending import HourlyFiles

files = HourlyFiles(Path(sys.argv[1]), "crm", ".ndjson")
for writer in range(8):
    child = os.fork()
    for number in range(0 if child else 1_000_000):
        key = f"msg_{writer:08x}{number:024x}"
        line = b'{"id":"%s","x":"%s"}' % (key.encode(), b"x" * 200_000)
        files.append({key: line}, maybe_there=(), since=None)
    time.sleep(0.1 + writer * 0.013)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_workers_that_are_killed_leave_whole_lines_to_the_next(crm_folder, settings):
    subprocess.run(
        [sys.executable, "-c", KILLED_WRITERS, str(crm_folder)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        check=True,
    )

    destination = make_destination("file", code_name="crm")
    (outcome,) = deliver(destination, make_delivery(destination))

    lines = [line for name in names_in(crm_folder) for line in lines_of(crm_folder / name)]
    assert outcome.result is Result.DELIVERED
    assert len(lines) > 8
    assert len({line["id"] for line in lines}) == len(lines)


def test_while_another_worker_writes_for_too_long_it_fails(crm_folder, monkeypatch):
    monkeypatch.setattr("destinations.kinds.appending._PATIENCE", 0.05)
    destination = make_destination("file", code_name="crm")
    crm_folder.mkdir(parents=True)

    with locked(crm_folder):
        (outcome,) = deliver(destination, make_delivery(destination))

    assert (outcome.result, outcome.error) == (
        Result.FAILED,
        "Another worker was writing for too long.",
    )


def test_a_disk_that_takes_nothing_is_a_failure_that_leaves_no_half_line(
    crm_folder, set_file_time, monkeypatch
):
    destination = make_destination("file", code_name="crm")
    deliver(destination, make_delivery(destination))
    before = (crm_folder / "2026-11-30T08Z-crm.ndjson").read_bytes()
    write = os.write

    def full(descriptor, text):
        if len(text) < 60:
            raise OSError(28, "No space left on device")
        return write(descriptor, bytes(text[:50]))

    with monkeypatch.context() as patch:
        patch.setattr("destinations.kinds.appending.os.write", full)
        (outcome,) = deliver(destination, make_delivery(destination))

    assert (outcome.result, outcome.error) == (
        Result.FAILED,
        "The file cannot be written: No space left on device.",
    )
    assert (crm_folder / "2026-11-30T08Z-crm.ndjson").read_bytes() == before


def test_a_folder_that_cannot_be_is_a_failure(crm_folder, tmp_path):
    (tmp_path / "destinations").write_text("")
    destination = make_destination("file", code_name="crm")

    (outcome,) = deliver(destination, make_delivery(destination))

    assert outcome.result is Result.FAILED
    assert outcome.error in (
        "The file cannot be written: Not a directory.",
        "The file cannot be written: File exists.",
    )


@pytest.mark.parametrize(
    "folder", ["", "..", "a/../../b", "/etc", "a//b", ".hidden", "a b", "a\\b", "a/", "x" * 101]
)
def test_a_folder_lies_below_the_data_of_the_hub(folder):
    destination = make_destination("file")
    destination.options = {"folder": folder}

    with pytest.raises(InvalidDestination) as refused:
        kind_of(destination).check(destination)

    assert (refused.value.member, refused.value.path) == ("options", "folder")


def test_a_format_is_one_of_two():
    destination = make_destination("file")
    destination.options = {"folder": "crm", "format": "csv"}

    with pytest.raises(InvalidDestination, match="This has to be one of: ndjson, parquet"):
        kind_of(destination).check(destination)


def test_the_time_of_files_is_that_of_the_clock(crm_folder):
    before = timezone.now()
    destination = make_destination("file", code_name="crm")
    deliver(destination, make_delivery(destination))

    (name,) = names_in(crm_folder)
    hours = {at.astimezone(UTC).strftime("%Y-%m-%dT%HZ") for at in (before, timezone.now())}
    assert name.removesuffix("-crm.ndjson") in hours
