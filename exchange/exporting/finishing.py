"""Makes the file of an export of the lines that were gathered, with a look at whether it is wanted.

That takes minutes for very many rows: a thread does it, and never asks the database.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from exchange.exporting.files import (
    ELSEWHERE,
    WORK,
    CannotWrite,
    folder,
    measured,
    part_of,
    remove_work,
)
from exchange.exporting.formats import Ended, is_made_of_lines, write_parquet, write_xlsx
from exchange.models import Export

_LOOKS_EVERY = 1.0


@dataclass(frozen=True)
class Made:
    """A file that is whole; `cut` is how many texts had to be cut."""

    file: Path
    size: int
    sha256: str
    cut: int


@contextmanager
def made_file(export: Export, is_wanted: Callable[[], bool]) -> Iterator[Made]:
    """The file, in a place where it is only within this block; `is_wanted` is asked every second.

    :raises Ended: if it is not wanted any more
    :raises CannotWrite: if another machine has what was gathered
    :raises OSError: if it cannot be written
    """
    if not part_of(export).exists():
        raise CannotWrite(ELSEWHERE)
    if not is_wanted():
        raise Ended
    # Rows of persons may lie there since a worker was killed.
    remove_work(export)
    work = Path(tempfile.mkdtemp(prefix=f"{export.file}.", suffix=WORK, dir=folder()))
    try:
        making = _Making(export, work)
        making.start()
        while not making.is_over.wait(_LOOKS_EVERY):
            if not is_wanted():
                making.end()
        making.join()
        if making.error is not None:
            if not is_wanted():
                raise Ended  # and what it was made of was deleted under its hands
            raise making.error
        yield Made(making.target, making.size, making.sha256, making.cut)
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _Making(Thread):
    """Makes one file."""

    def __init__(self, export: Export, work: Path):
        super().__init__(name="export", daemon=True)
        self._export, self._work = export, work
        self.target = work / "made"
        self.is_over, self._ended = Event(), Event()
        self._interrupt: Callable[[], None] = lambda: None
        self.error: BaseException | None = None
        self.size, self.sha256, self.cut = 0, "", 0

    def run(self) -> None:
        try:
            self._make()
            self.size, self.sha256 = measured(self.target)
        except BaseException as error:
            self.error = error
        finally:
            self.is_over.set()

    def end(self) -> None:
        """Have it end soon."""
        self._ended.set()
        with suppress(Exception):  # it may have ended by itself
            self._interrupt()

    def _make(self) -> None:
        export = self._export
        if is_made_of_lines(export.format):
            self.target = part_of(export)
            return
        self.target.touch(mode=0o600)
        if export.format == Export.Format.PARQUET:
            write_parquet(
                part_of(export),
                export.columns,
                export.options,
                self.target,
                work=self._work,
                ready=self._can_be_ended_by,
            )
        else:
            with part_of(export).open("rb") as lines:
                self.cut = write_xlsx(
                    lines,
                    export.columns,
                    export.options,
                    self.target,
                    work=self._work,
                    ended=self._ended,
                )
        self.target.chmod(0o600)

    def _can_be_ended_by(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
