"""Dumping configuration: a file for each object, which loads unchanged."""

import hashlib
import re
from pathlib import Path
from typing import Any

from database.letter_case import fold
from exchange.files import configuration_files, write_yaml
from exchange.kinds import Kind, all_kinds
from exchange.problems import InvalidConfiguration

_UNSAFE = re.compile(r"[^A-Za-z0-9_. -]|^[. ]|[. ]$")
# File systems have room for 255 bytes in a name, some for fewer.
_LONGEST_NAME = 120
# What Windows takes for devices.
_DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")


def dump(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write each configured object into a file of `folder`, as `KIND/CODE_NAME.yaml`.

    Secrets are left out. A file that has the name of one that is written is replaced.

    :return: the files that were written, and other configuration files of the folder, which are
        left as they are
    :raises InvalidConfiguration: if a file cannot be written
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidConfiguration("This is not a folder.", file=str(folder))
    objects: dict[Path, dict[str, Any]] = {}
    # What refers is read before what is referred to, which is there for as long as it is.
    for kind in reversed(all_kinds().values()):
        for row in kind.objects():
            objects[folder / kind.name / file_name(row.code_name)] = _values(kind, row)
    for file, values in objects.items():
        write_yaml(file, values)
    return sorted(objects), [file for file in configuration_files(folder) if file not in objects]


def file_name(code_name: str) -> str:
    """The name of the file for an object: its code name, as far as any file system can have it.

    Names that are the same but for their letter case are one code name.
    """
    safe = _UNSAFE.sub(lambda found: "".join(f"%{b:02x}" for b in found[0].encode()), code_name)
    if len(safe) > _LONGEST_NAME or _DEVICES.fullmatch(safe):
        digest = hashlib.sha256(fold(code_name).encode()).hexdigest()[:16]
        safe = f"{safe[:_LONGEST_NAME]}%{digest}"
    return f"{safe}.yaml"


def _values(kind: Kind, row: Any) -> dict[str, Any]:
    values = {"kind": kind.name, "code_name": row.code_name}
    for member in kind.members.values():
        if not member.is_secret:
            values |= member.dump(row)
    return values
