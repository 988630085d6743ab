"""Erased contacts leave the files of destinations: their lines are taken out some minutes later.

The requests to delete stay, so that who has read the files before learns of them, too.
"""

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from destinations.kinds import parquet
from destinations.kinds.appending import OPEN, append_lines, cut_off_half_line, locked

# In each folder: the GUIDs of contacts whose lines are still to be taken out.
_NOTES = ".erased"


def note_erased(folder: Path, guids: Collection[str]) -> None:
    """Have the lines about these contacts taken out of the files of a folder.

    :raises OSError: if it cannot be noted, or others write all the time
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        append_lines(folder / _NOTES, b"".join(f"{guid}\n".encode() for guid in sorted(guids)))


def forget_erased(folder: Path) -> None:
    """Take out the lines about contacts who were noted; what is interrupted is done the next time.

    :raises OSError: if a file cannot be written, or others write all the time
    """
    guids = _noted(folder)
    if not guids:
        return
    for file in sorted(folder.iterdir()):
        # The others may write between one file and the next.
        with locked(folder):
            if file.suffix == ".parquet":
                parquet.leave_out(file, guids)
            elif file.suffix in (".ndjson", OPEN) and file.exists():
                _leave_out(file, guids)
    with locked(folder):
        _replace(folder / _NOTES, (f"{one}\n".encode() for one in _noted(folder) - guids))


def _noted(folder: Path) -> set[str]:
    file = folder / _NOTES
    return set(file.read_text().split()) if file.exists() else set()


def _leave_out(file: Path, guids: Collection[str]) -> None:
    """Write a file anew without the lines about these contacts, if it has any."""
    cut_off_half_line(file)
    known = [guid.encode() for guid in guids]
    with file.open("rb") as lines:
        if not any(_is_about(line, known, guids) for line in lines):
            return
        lines.seek(0)
        _replace(file, (line for line in lines if not _is_about(line, known, guids)))


def _is_about(line: bytes, known: Collection[bytes], guids: Collection[str]) -> bool:
    if not any(guid in line for guid in known):
        return False
    try:
        message = json.loads(line)
    except ValueError:  # a program that is not the hub has written it: it names the contact
        return True
    return message.get("type") != "erasure" and message.get("contact", {}).get("guid") in guids


def _replace(file: Path, lines: Iterable[bytes]) -> None:
    half = file.with_name(f"{file.name}.half")
    with half.open("wb") as written:
        written.writelines(lines)
        written.flush()
        os.fsync(written.fileno())
    half.chmod(0o640)
    half.replace(file)
