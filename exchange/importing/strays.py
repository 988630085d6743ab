"""Forgets what uploads have left on disk and no import knows of any more."""

import shutil
import time

from exchange.importing.storing import KEPT_FOR, folder, table_of
from exchange.models import Import


def forget_strays() -> int:
    """Delete what lies below `DATA_DIR/imports` for longer than a day, and is of no import.

    That is what a process has left that was killed, and files as they came, whose table is gone.
    Returns how many there were.
    """
    before = time.time() - KEPT_FOR.total_seconds()
    known = set(Import.objects.exclude(path="").values_list("path", flat=True))
    strays = [
        path
        for path in folder().iterdir()
        if table_of(path).name not in known and path.lstat().st_mtime < before
    ]
    for path in strays:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(strays)
