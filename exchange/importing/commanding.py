"""What the commands `import_contacts` and `import_activities` share."""

import json
import os
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels.management.channel_command import demand_tables
from channels.models import Channel
from exchange.importing import files
from exchange.importing.acting import CannotImport, cancel, start_check, start_import, work_through
from exchange.importing.checking import open_file
from exchange.importing.mapping import InvalidMapping, Mapping
from exchange.importing.opening import CannotRead
from exchange.importing.telling import rejects_of
from exchange.models import Import


class ImportCommand(BaseCommand):
    """Checks a file and imports it, waits for the end, and prints what became of its rows."""

    # They load every page and every door: 15 MiB that an import has no use for.
    requires_system_checks = []
    kind = Import.Kind.CONTACTS

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="a file of rows, such as CSV")
        parser.add_argument(
            "--mapping",
            metavar="FILE.json",
            type=Path,
            help="which column means what; by default, headers are names of fields",
        )
        parser.add_argument("--dry-run", action="store_true", help="check only, and change nothing")

    def handle(
        self, *, file: Path, mapping: Path | None, dry_run: bool, channel: str = "", **options: Any
    ) -> None:
        demand_tables()
        began_at = time.monotonic()
        said = _read_mapping(mapping)
        try:
            import_ = files.add_file(file, kind=self.kind, channel=self.find_channel(channel))
            self._check(import_, said)
            if not dry_run:
                start_import(import_)
                work_through(import_)
        except (CannotRead, CannotImport, InvalidMapping) as error:
            raise CommandError(_one_line(str(error))) from None
        if import_.status not in (Import.Status.CHECKED, Import.Status.IMPORTED):
            raise CommandError(_one_line(import_.reason or "The import was cancelled."))
        rejects = _write_rejects(import_, file)
        if dry_run:
            cancel(import_)
        told = {
            "import": import_.pk,
            **import_.counts,
            **_new_tags(import_),
            "rejects_file": str(rejects),
            "seconds": round(time.monotonic() - began_at, 1),
        }
        self.stdout.write(json.dumps(told))

    def find_channel(self, code_name: str) -> Channel | None:
        """The channel that rows are of, if they are of one.

        :raises CannotImport: if there is no such channel
        """
        return None

    def _check(self, import_: Import, said: Any) -> None:
        try:
            headers = open_file(import_).headers
            mapping = Mapping.by_names(headers, kind=import_.kind) if said is None else said
            # What is wrong with it is told before anything is read.
            Mapping.of(mapping, headers, kind=import_.kind)
        except (CannotRead, InvalidMapping):
            cancel(import_)
            raise
        start_check(import_, mapping)
        work_through(import_)
        if import_.status == Import.Status.FAILED:
            reason = import_.reason
            cancel(import_)
            raise CannotImport(reason)


def _read_mapping(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {_one_line(str(error))}") from None


def _write_rejects(import_: Import, file: Path) -> Path:
    """The file of rejects: beside the one that was imported, else where the hub keeps files."""
    names = (
        file.with_name(f"{file.stem}.rejects-{import_.pk}.csv"),
        settings.DATA_DIR / "imports" / f"{import_.pk}.rejects.csv",
    )
    for path in names:
        try:
            with path.open("w", encoding="utf-8", newline="") as rejects:
                # Before there is a row of a person in it.
                os.fchmod(rejects.fileno(), 0o600)
                rejects.writelines(rejects_of(import_))
        except OSError:
            continue
        return path.absolute()
    raise CommandError(f"The file of rejects cannot be written: neither {names[0]} nor {names[1]}.")


def _new_tags(import_: Import) -> dict[str, dict[str, int]]:
    """The tags that the file makes, with the contacts who get them; nothing if it makes none."""
    names = import_.told.get("tags", {"names": []})["names"]
    new = {name: count for name, count, is_new in names if is_new}
    return {"new_tags": new} if new else {}


def _one_line(text: str) -> str:
    return " ".join(text.split())
