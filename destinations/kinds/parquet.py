"""Files of Parquet, made of the lines of an hour that is over. Needs the extra `parquet`."""

from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.utils import timezone

from destinations.kinds.appending import OPEN, cut_off_half_line, hour_in, hour_of, locked

MISSING = (
    "Files of Parquet need the extra “parquet”: have the operator install throughline[parquet], or "
    "choose ndjson."
)
_LINES = """
SELECT id, type, CAST("timestamp" AS TIMESTAMPTZ) AS "timestamp",
    json_extract_string(contact, '$.guid') AS guid,
    json_extract_string(contact, '$.email') AS email,
    CAST(contact AS VARCHAR) AS contact, CAST(data AS VARCHAR) AS data
FROM read_json({lines}, format = 'newline_delimited', maximum_object_size = 67108864, columns = {{
    id: 'VARCHAR', type: 'VARCHAR', "timestamp": 'VARCHAR', contact: 'JSON', data: 'JSON'}})
"""


def is_there() -> bool:
    """Whether Parquet can be written."""
    return find_spec("duckdb") is not None


def finish(folder: Path) -> None:
    """Make Parquet of the hours of a folder that are over, whichever destination they are of.

    :raises OSError: if others write all the time
    """
    now = hour_of(timezone.now())
    if not any(hour_in(file) < now for file in folder.glob(f".*{OPEN}")):
        return
    with locked(folder):
        for file in sorted(folder.glob(f".*{OPEN}")):
            if hour_in(file) < now:
                _convert(file)


def leave_out(file: Path, guids: Collection[str]) -> None:
    """Write a file of Parquet anew without the messages about these contacts, if it has any.

    Requests to delete stay.
    """
    query = f"SELECT * FROM read_parquet({_text(file)})"  # noqa: S608
    about = "guid IN (SELECT unnest(?)) AND type <> 'erasure'"
    half = file.with_name(f".{file.name}.half")
    with _database() as database:
        if not database.execute(f"{query} WHERE {about} LIMIT 1", [list(guids)]).fetchall():
            return
        # Statements that write a file take no parameters.
        database.execute("CREATE TABLE erased AS SELECT unnest(?) AS erased_guid", [list(guids)])
        about = "guid IN (SELECT erased_guid FROM erased) AND type <> 'erasure'"
        _write(database, f"{query} WHERE ({about}) IS NOT TRUE", half)
    half.replace(file)


def ids_in(file: Path) -> set[str]:
    """The ids of the messages in a file of Parquet."""
    with _database() as database:
        rows = database.execute(f"SELECT id FROM read_parquet({_text(file)})").fetchall()  # noqa: S608
    return {key for (key,) in rows}


def _convert(lines: Path) -> None:
    """Make a file of Parquet of lines, and remove them.

    If there is one already, a worker was killed before it had removed the lines, or the clock went
    back: then only those are added that it does not have.
    """
    file = lines.with_name(lines.name.removeprefix(".").removesuffix(OPEN) + ".parquet")
    half = lines.with_suffix(".half")
    cut_off_half_line(lines)
    if not lines.stat().st_size:
        lines.unlink()
        return
    query = _LINES.format(lines=_text(lines))
    if file.exists():
        known = f"read_parquet({_text(file)})"
        query = (
            f"SELECT * FROM {known} UNION ALL SELECT * FROM ({query}) AS new "  # noqa: S608
            f"WHERE new.id NOT IN (SELECT id FROM {known})"
        )
    with _database() as database:
        _write(database, query, half)
    half.replace(file)
    lines.unlink()


def _write(database: Any, query: str, file: Path) -> None:
    database.execute(f"COPY ({query}) TO {_text(file)} (FORMAT parquet, COMPRESSION zstd)")
    file.chmod(0o640)


def _database() -> Any:
    import duckdb  # noqa: PLC0415 -- an extra

    return duckdb.connect(config={"threads": 1, "memory_limit": "512MB"})


def _text(file: Path) -> str:
    """The name of a file as SQL has it."""
    return "'" + str(file).replace("'", "''") + "'"
