"""Files of Parquet: made of the lines of an hour that is over, each message once."""

import json
from datetime import timedelta

import duckdb
import pytest

from destinations.kinds import InvalidDestination, kind_of, parquet
from destinations.kinds.files import finish_files
from destinations.outcomes import Result
from destinations.signing import id_of
from tests.destinations.conftest import FILE_TIME
from tests.destinations.formats import (
    GUID,
    deliver,
    make_delivery,
    make_destination,
    make_message,
    names_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("crm_folder")]

OTHER = "0b6f5b1c-58a9-4e19-8d0c-0f6a44c1d1aa"


@pytest.fixture
def parquet_destination():
    options = {"folder": "crm", "format": "parquet"}
    return make_destination("file", code_name="crm", options=options)


def rows_of(file):
    with duckdb.connect() as database:
        found = database.execute(f"SELECT * FROM read_parquet('{file}') ORDER BY id")
        columns = [name for name, *_ in found.description]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def test_when_an_hour_is_over_it_becomes_a_file_of_parquet(
    crm_folder, set_file_time, parquet_destination
):
    message = make_message(at=FILE_TIME)
    deliver(parquet_destination, make_delivery(parquet_destination, message))
    finish_files()
    during = names_in(crm_folder)
    set_file_time(FILE_TIME + timedelta(hours=1))
    finish_files()
    finish_files()

    assert during == [".2026-11-30T08Z-crm.open"]
    assert names_in(crm_folder) == ["2026-11-30T08Z-crm.parquet"]
    (row,) = rows_of(crm_folder / "2026-11-30T08Z-crm.parquet")
    assert row["id"] == id_of(message.message_id)
    assert (row["type"], row["guid"], row["email"]) == ("activity", GUID, "ada@example.com")
    assert row["timestamp"] == FILE_TIME
    assert json.loads(row["contact"]) == dict(message.contact)
    assert json.loads(row["data"]) == dict(message.data)


def test_a_conversion_that_was_killed_is_made_again_without_doubles(
    crm_folder, set_file_time, parquet_destination
):
    first, second = make_message(), make_message()
    deliver(parquet_destination, make_delivery(parquet_destination, first))
    lines = (crm_folder / ".2026-11-30T08Z-crm.open").read_bytes()
    set_file_time(FILE_TIME + timedelta(hours=1))
    finish_files()
    # It was killed before it had removed the lines; and a clock that went back had more written.
    (crm_folder / ".2026-11-30T08Z-crm.open").write_bytes(lines)
    set_file_time(FILE_TIME)
    deliver(parquet_destination, make_delivery(parquet_destination, second))
    with (crm_folder / ".2026-11-30T08Z-crm.open").open("ab") as half:
        half.write(b'{"id":"half')
    set_file_time(FILE_TIME + timedelta(hours=1))
    finish_files()

    assert names_in(crm_folder) == ["2026-11-30T08Z-crm.parquet"]
    ids = [row["id"] for row in rows_of(crm_folder / "2026-11-30T08Z-crm.parquet")]
    assert ids == sorted([id_of(first.message_id), id_of(second.message_id)])


def test_what_became_parquet_is_not_written_again(crm_folder, set_file_time, parquet_destination):
    message = make_message()
    deliver(parquet_destination, make_delivery(parquet_destination, message, created_at=FILE_TIME))
    set_file_time(FILE_TIME + timedelta(hours=1))
    finish_files()

    (outcome,) = deliver(
        parquet_destination,
        make_delivery(parquet_destination, message, created_at=FILE_TIME, attempts=2),
    )

    assert outcome.result is Result.DELIVERED
    assert names_in(crm_folder) == ["2026-11-30T08Z-crm.parquet"]


def test_without_the_extra_parquet_is_refused_and_told(monkeypatch, parquet_destination):
    monkeypatch.setattr(parquet, "find_spec", lambda name: None)

    with pytest.raises(InvalidDestination, match="Files of Parquet need the extra"):
        kind_of(parquet_destination).check(parquet_destination)
    (outcome,) = deliver(parquet_destination, make_delivery(parquet_destination))
    assert (outcome.result, outcome.error) == (Result.FAILED, parquet.MISSING)


def test_an_erased_contact_leaves_parquet_but_the_request_to_delete_stays(
    crm_folder, set_file_time, parquet_destination
):
    kept = make_message(contact={"guid": OTHER})
    request = make_message("erasure", contact={"guid": GUID}, data={})
    for message in (make_message(), kept):
        deliver(parquet_destination, make_delivery(parquet_destination, message))
    set_file_time(FILE_TIME + timedelta(hours=1))
    finish_files()
    for message in (make_message(), request):
        deliver(parquet_destination, make_delivery(parquet_destination, message))
    finish_files()
    set_file_time(FILE_TIME + timedelta(hours=2))
    finish_files()

    first, second = (crm_folder / name for name in names_in(crm_folder) if name != ".erased")
    assert [row["id"] for row in rows_of(first)] == [id_of(kept.message_id)]
    assert [row["id"] for row in rows_of(second)] == [id_of(request.message_id)]
