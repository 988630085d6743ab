"""A folder for what a file is unpacked into, as long as somebody reads it."""

import shutil
import tempfile
import weakref
from pathlib import Path


class Scratch:
    """A folder of the hub alone, which is deleted with this."""

    def __init__(self, beside: Path):
        self.path = Path(tempfile.mkdtemp(dir=beside.parent, prefix="unpacked-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
