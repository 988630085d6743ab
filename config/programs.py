"""What the programs of the hub are called, for PostgreSQL and the audit log."""

import getpass
from pathlib import Path

# PostgreSQL cuts longer ones.
_LONGEST = 63
_OF_CELERY = ("worker", "beat")


def name_of_program(arguments: list[str]) -> str:
    """The name of the process that was started with these arguments, as in “load_config (ada)”.

    A command has the name of the user of the operating system; the others belong to the hub.
    """
    program, *rest = arguments or [""]
    path = Path(program)
    if path.name == "manage.py":
        command = rest[0] if rest else "manage.py"
        return f"{command} ({_user()})"[:_LONGEST]
    if path.match("config/web.py"):
        return "web"
    if found := next((word for word in _OF_CELERY if word in rest), ""):
        return "scheduler" if found == "beat" else found
    name = path.parent.name if path.stem == "__main__" else path.stem
    return (name or "python")[:_LONGEST]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return "unknown user"
