"""The folder of the server's socket: short, because socket paths are limited to 107 bytes."""

import hashlib
import os
import re
import stat
from pathlib import Path

from config.embedded.errors import EmbeddedPostgresFailed
from config.embedded.programs import Account

_PLAIN_PATH = re.compile(r"/[\w./-]{0,60}")


def make_socket_directory(data: Path, account: Account) -> Path:
    """The folder for the socket of the server on `data`, which only `account` may enter.

    :raises EmbeddedPostgresFailed: if another account has made that folder
    """
    digest = hashlib.sha256(os.path.realpath(data).encode()).hexdigest()[:16]
    directory = _parent() / f"throughline-{account.uid}-{digest}"
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        check_socket_directory(directory, account)
    except OSError as error:
        raise EmbeddedPostgresFailed(
            f"The folder for PostgreSQL's socket cannot be made: {error}. "
            "Make it possible, or set XDG_RUNTIME_DIR to a folder of your own."
        ) from error
    account.give(directory)
    return directory


def check_socket_directory(directory: Path, account: Account) -> None:
    """Do nothing if only `account` can have put a socket in `directory`.

    :raises EmbeddedPostgresFailed: if another account can
    """
    found = directory.lstat()
    is_ours = found.st_uid in {account.uid, os.geteuid()}
    if stat.S_ISDIR(found.st_mode) and is_ours and not found.st_mode & 0o077:
        return
    raise EmbeddedPostgresFailed(
        f"{directory} is where PostgreSQL's socket belongs, but it is not a folder that only this "
        "user can enter. Find out who made it, then remove it. "
        "Or set DATABASE_URL to a PostgreSQL server of your own."
    )


def _parent() -> Path:
    # Only root can make, rename or remove anything in /run.
    candidate = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "")
    if _PLAIN_PATH.fullmatch(candidate) and os.access(candidate, os.W_OK | os.X_OK):
        return Path(candidate)
    return Path("/tmp")  # noqa: S108 -- the folder in it is ours alone, or refused
