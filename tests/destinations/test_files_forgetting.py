"""Erased contacts leave files: their lines go, everything else stays as it is."""

import stat
from datetime import timedelta

import pytest

from destinations.kinds import forgetting, kind_of
from destinations.kinds.files import finish_files
from destinations.outcomes import Result
from destinations.signing import id_of
from tests.destinations.conftest import FILE_TIME
from tests.destinations.formats import (
    GUID,
    deliver,
    lines_of,
    make_delivery,
    make_destination,
    make_message,
    names_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("crm_folder", "set_file_time")]

OTHER = "0b6f5b1c-58a9-4e19-8d0c-0f6a44c1d1aa"
FILES = ["2026-11-30T08Z-crm.ndjson", "2026-11-30T09Z-crm.ndjson"]


@pytest.fixture
def destination():
    return make_destination("file", code_name="crm")


def write(destination, *messages):
    outcomes = deliver(destination, *(make_delivery(destination, one) for one in messages))
    assert {one.result for one in outcomes} == {Result.DELIVERED}


def erase(destination, guid=GUID):
    """Ask to delete a contact, and return the message that asks."""
    message = make_message("erasure", contact={"guid": guid}, data={})
    payload = kind_of(destination).erasure(destination, message)
    (outcome,) = deliver(destination, make_delivery(destination, message, payload=payload))
    assert outcome.result is Result.DELIVERED
    return message


def ids_in(folder):
    return [[line["id"] for line in lines_of(folder / name)] for name in FILES]


def test_lines_about_an_erased_contact_go_and_the_request_to_delete_stays(
    crm_folder, set_file_time, destination
):
    kept = make_message(contact={"guid": OTHER}, title=f"About {GUID}")
    write(destination, make_message(), kept, make_message())
    before = (crm_folder / FILES[0]).read_bytes().splitlines()[1]
    set_file_time(FILE_TIME + timedelta(hours=1))
    write(destination, make_message())
    request = erase(destination)
    finish_files()

    assert ids_in(crm_folder) == [[id_of(kept.message_id)], [id_of(request.message_id)]]
    assert (crm_folder / FILES[0]).read_bytes() == before + b"\n"
    assert stat.S_IMODE((crm_folder / FILES[0]).stat().st_mode) == 0o640
    assert lines_of(crm_folder / FILES[1])[0]["contact"] == {"guid": GUID}
    assert GUID not in (crm_folder / ".erased").read_text()
    assert names_in(crm_folder) == [".erased", *FILES]


def test_files_without_the_contact_are_not_written_anew(crm_folder, set_file_time, destination):
    write(destination, make_message(contact={"guid": OTHER}))
    before = (crm_folder / FILES[0]).stat()
    set_file_time(FILE_TIME + timedelta(hours=1))
    erase(destination)
    finish_files()

    after = (crm_folder / FILES[0]).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_is_interrupted_is_done_the_next_time(
    crm_folder, set_file_time, destination, monkeypatch
):
    write(destination, make_message())
    set_file_time(FILE_TIME + timedelta(hours=1))
    write(destination, make_message())
    request = erase(destination)
    leave_out = forgetting._leave_out

    def fails(file, guids):
        if file.name == FILES[1]:
            raise OSError(28, "No space left on device")
        leave_out(file, guids)

    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "_leave_out", fails)
        with pytest.raises(OSError, match="No space left"):
            finish_files()
    between = ids_in(crm_folder)
    finish_files()

    assert (between[0], len(between[1])) == ([], 2)
    assert ids_in(crm_folder) == [[], [id_of(request.message_id)]]


def test_a_contact_who_is_erased_meanwhile_leaves_the_next_time(
    crm_folder, set_file_time, destination, monkeypatch
):
    write(destination, make_message(), make_message(contact={"guid": OTHER}))
    erase(destination)
    leave_out = forgetting._leave_out

    def and_another_is_erased(file, guids):
        leave_out(file, guids)
        forgetting.append_lines(file.with_name(".erased"), f"{OTHER}\n".encode())

    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "_leave_out", and_another_is_erased)
        finish_files()
    between = len(lines_of(crm_folder / FILES[0]))
    finish_files()

    assert (between, len(lines_of(crm_folder / FILES[0]))) == (2, 1)


def test_a_request_that_is_tried_again_is_noted_again(crm_folder, destination):
    """Its line may be there from an attempt that ended before the contact was noted."""
    message = erase(destination)
    (crm_folder / ".erased").unlink()
    payload = kind_of(destination).erasure(destination, message)

    deliver(
        destination,
        make_delivery(destination, message, payload=payload, attempts=2, created_at=FILE_TIME),
    )

    assert (crm_folder / ".erased").read_text() == f"{GUID}\n"
    assert len(lines_of(crm_folder / FILES[0])) == 1


def test_a_line_that_is_no_json_goes_if_it_names_the_contact(crm_folder, destination):
    write(destination, make_message(contact={"guid": OTHER}))
    broken = f"{GUID} was edited\nby hand\n".encode()
    file = crm_folder / FILES[0]
    file.write_bytes(file.read_bytes() + broken)
    erase(destination)

    finish_files()

    assert GUID not in file.read_text().splitlines()[1]
    assert file.read_text().splitlines()[1] == "by hand"
