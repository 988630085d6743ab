"""Reads an uploaded file in a process of its own, and keeps it as one table.

To read half a million rows keeps an interpreter busy for seconds. In a web process, recording
would wait for it; and a file that was made to do harm ends a process that has nothing to lose.

    python -m exchange.importing.preparing UPLOADED PREPARED OPTIONS
"""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from exchange.importing.errors import CannotRead
from exchange.importing.prepared import write_prepared
from exchange.importing.reading import open_uploaded

MOST_SECONDS = 150
_MOST_MEGABYTES = 512
_ROOT = Path(__file__).parents[2]
_TOO_LONG = (
    "It takes too long, or too much memory, to read the file. Cut it into smaller ones, or save it "
    "as CSV, and upload that."
)


def prepare(
    uploaded: Path,
    prepared: Path,
    *,
    sheet: str = "",
    encoding: str = "",
    has_headers: bool | None = None,
) -> dict[str, Any]:
    """Keep the table in the file `uploaded` at `prepared`, and say what was seen in it.

    That is the members of `Table`, and `rows`, `bad`, the `columns` as `Columns` tells them.

    :raises CannotRead: if there is no table in it
    """
    options = json.dumps({"sheet": sheet, "encoding": encoding, "has_headers": has_headers})
    command = [sys.executable, "-m", __name__, str(uploaded), str(prepared), options]
    try:
        done = subprocess.run(  # noqa: S603 -- our own program
            command, capture_output=True, timeout=MOST_SECONDS, check=False, cwd=_ROOT
        )
        told = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        told = {"error": _TOO_LONG}
    if "error" in told:
        prepared.unlink(missing_ok=True)
        raise CannotRead(told["error"])
    return told


def main(uploaded: str, prepared: str, options: str) -> dict[str, Any]:
    """What `prepare` says, or the error."""
    # The program that reads workbooks has limits of its own.
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEGABYTES << 20, hard))
    try:
        table = open_uploaded(Path(uploaded), **json.loads(options))
        return write_prepared(table, Path(prepared))
    except CannotRead as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": f"The hub cannot keep the file: {error.strerror}. Tell an operator."}


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
