"""Commands of the hub, as they are pasted into a terminal that is in the project's folder."""

import shlex
import sys
from pathlib import Path

from django.conf import settings


def manage(*arguments: str) -> str:
    """The command that runs `manage.py` with these arguments: on this Python, and on this data."""
    python = Path(sys.executable)
    if python.is_relative_to(settings.BASE_DIR):
        python = python.relative_to(settings.BASE_DIR)
    command = shlex.join([str(python), "manage.py", *arguments])
    if settings.DATA_DIR == settings.BASE_DIR / ".data":
        return command
    return f"DATA_DIR={shlex.quote(str(settings.DATA_DIR))} {command}"
