"""Which Python `make` takes, and when it makes the virtual environment anew."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

SCRIPT = settings.BASE_DIR / "scripts" / "find_python.sh"
TOOLS = ("sh", "awk", "sort", "tail", "mktemp", "rm")
UV_COMMAND = "python install --quiet 3.13"
# Says that it is of another version. The environments that it makes have a copy of it.
PYTHON = """\
#!{real}
import shutil, sys
from pathlib import Path

sys.version_info = (*{version}, "final", 0)
sys.executable = sys._base_executable = __file__
{trouble}
match sys.argv[1:]:
    case ["-c", program]:
        exec(program)
    case ["-m", "venv", *_, folder]:
        shutil.rmtree(folder, ignore_errors=True)
        (Path(folder) / "bin").mkdir(parents=True)
        shutil.copy(__file__, Path(folder) / "bin" / "python")
    case ["-m", "pip", *arguments]:
        print("pip", *arguments, file=open("{log}", "a"))
        if "uv" in arguments:
            shutil.copy("{uv}", Path(__file__).parent / "uv")
"""
# Keeps the Pythons that it fetched where the real one does.
UV = """\
#!/bin/sh
echo "uv $*" >> "{log}"
{effect}
"""
SHIM = """\
#!/bin/sh
echo "pyenv: ${0##*/}: command not found" >&2
exit 127
"""


class Machine:
    """A machine with no Python: commands of its own, and a home."""

    def __init__(self, folder):
        self.home = folder / "home"
        self.commands = folder / "commands"
        self.log = folder / "log"
        self.index = folder / "index"
        for made in (self.home, self.commands, self.index):
            made.mkdir()
        for tool in TOOLS:
            (self.commands / tool).symlink_to(shutil.which(tool))

    def add(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def add_python(self, path, *version, trouble=""):
        text = PYTHON.format(
            real=sys.executable,
            version=version,
            trouble=trouble,
            log=self.log,
            uv=self.index / "uv",
        )
        return self.add(path, text)

    def add_command(self, name, *version, trouble=""):
        return self.add_python(self.commands / name, *version, trouble=trouble)

    def add_shim(self, name):
        self.add(self.commands / name, SHIM)

    def add_to_pyenv(self, *version):
        name = ".".join(map(str, version))
        return self.add_python(self.home / ".pyenv/versions" / name / "bin/python3", *version)

    @property
    def fetched(self):
        folder = self.home / ".local/share/uv/python/cpython-3.13.7-linux-x86_64-gnu"
        return folder / "bin" / "python3"

    def add_uv(self, folder, *, can_download=True):
        ready = Path(self.add_python(self.index / "python3", 3, 13, 7))
        copying = f'{shutil.which("mkdir")} -p "{self.fetched.parent}"\n'
        copying += f'{shutil.which("cp")} "{ready}" "{self.fetched}"'
        effect = copying if can_download else "echo no network >&2; exit 1"
        self.add(folder / "uv", UV.format(log=self.log, effect=effect))

    @property
    def logged(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def find(self, given=""):
        """What the script prints, or what it says if it gives up."""
        done = subprocess.run(
            ["sh", str(SCRIPT), given],
            env={"PATH": str(self.commands), "HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, 1)
        return done.stdout.strip() if done.returncode == 0 else done.stderr


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_newest_command_is_taken(machine):
    machine.add_command("python3", 3, 12, 9)
    machine.add_command("python3.12", 3, 12, 9)
    newest = machine.add_command("python3.13", 3, 13, 0)

    assert machine.find() == newest


def test_python3_is_taken_if_it_is_the_newest(machine):
    machine.add_command("python3.12", 3, 12, 1)
    newest = machine.add_command("python3", 3, 13, 10)

    assert machine.find() == newest


def test_a_command_is_preferred_to_what_pyenv_has(machine):
    machine.add_to_pyenv(3, 13, 0)
    command = machine.add_command("python3.12", 3, 12, 1)

    assert machine.find() == command


def test_shims_of_versions_that_are_not_active_are_passed_over(machine):
    machine.add_shim("python3.13")
    machine.add_shim("python3.12")
    machine.add_command("python3", 3, 11, 7)
    machine.add_to_pyenv(3, 11, 7)
    machine.add_to_pyenv(3, 12, 1)
    newest = machine.add_to_pyenv(3, 13, 0)

    assert machine.find() == newest


def test_versions_are_compared_as_numbers(machine):
    machine.add_to_pyenv(3, 13, 9)
    newest = machine.add_to_pyenv(3, 13, 10)

    assert machine.find() == newest


def test_a_python_that_uv_fetched_before_is_found(machine):
    fetched = machine.add_python(machine.fetched, 3, 13, 7)

    assert machine.find() == fetched
    assert machine.logged == []


def test_a_python_that_cannot_make_environments_is_passed_over(machine):
    machine.add_command("python3.13", 3, 13, 5, trouble="sys.modules['ensurepip'] = None")
    able = machine.add_command("python3.12", 3, 12, 1)

    assert machine.find() == able


def test_uv_fetches_a_python_if_there_is_none(machine):
    machine.add_uv(machine.commands)

    assert machine.find() == str(machine.fetched)
    assert machine.logged == [f"uv {UV_COMMAND}"]


def test_uv_comes_from_the_package_index_if_it_is_not_there(machine):
    machine.add_command("python3", 3, 11, 7)
    machine.add_uv(machine.index)

    assert machine.find() == str(machine.fetched)
    assert machine.logged == ["pip install --quiet uv", f"uv {UV_COMMAND}"]


@pytest.mark.parametrize("has_uv", [True, False])
def test_one_sentence_says_that_there_is_no_python(machine, has_uv):
    if has_uv:
        machine.add_uv(machine.commands, can_download=False)

    assert machine.find().splitlines() == [
        "Fetching Python 3.13 with uv, since there is none from 3.12 on …",
        "Throughline needs Python 3.12 or newer, and uv could not fetch one: install it, "
        "or name yours: make run PYTHON=/path/to/python3.12",
    ]


def test_the_package_that_is_missing_is_named(machine):
    path = machine.add_command("python3", 3, 13, 5, trouble="sys.modules['ensurepip'] = None")

    assert machine.find().splitlines()[-1] == (
        f"“{path}” cannot make virtual environments: it lacks venv or ensurepip. "
        "On Debian and Ubuntu: apt install python3-venv"
    )


def test_a_given_python_is_taken_though_there_are_newer_ones(machine):
    machine.add_command("python3.13", 3, 13, 0)
    given = machine.add_command("python3.12", 3, 12, 1)

    assert machine.find("python3.12") == given


def test_a_given_python_that_is_too_old_is_refused(machine):
    machine.add_command("python3.13", 3, 13, 0)
    machine.add_command("python3", 3, 11, 7)

    assert machine.find("python3") == (
        "Throughline needs Python 3.12 or newer, and “python3” is older. "
        "Name another, or none: make run\n"
    )


def test_a_given_python_that_does_not_run_is_refused(machine):
    machine.add_command("python3.13", 3, 13, 0)
    machine.add_shim("python3.12")

    assert machine.find("python3.12") == (
        "There is no Python “python3.12” that runs. "
        "Name another: make run PYTHON=/path/to/python3.12\n"
    )


def test_the_python_below_a_virtual_environment_is_taken(machine):
    assert machine.find(sys.executable) == sys._base_executable


def prepare(machine, venv, python):
    """Have `make` see to the environment in `venv`, as every command of it does."""
    given = [f"VENV={venv}", f"PYTHON={python}", f"{venv}/.installed"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    subprocess.run(
        ["make", *given],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        timeout=60,
        check=True,
    )
    return (venv / "bin" / "python").read_text()


def test_an_environment_is_kept(machine, tmp_path):
    venv = tmp_path / "venv"
    python = machine.add_command("python3.13", 3, 13, 0)

    for _ in range(2):
        prepare(machine, venv, python)

    assert machine.logged == ["pip install --require-hashes -r requirements.txt"]


def test_an_environment_of_another_python_is_made_anew(machine, tmp_path):
    venv = tmp_path / "venv"
    prepare(machine, venv, machine.add_command("python3.12", 3, 12, 1))
    (venv / "left").touch()

    text = prepare(machine, venv, machine.add_command("python3.13", 3, 13, 0))

    assert "(3, 13, 0)" in text
    assert not (venv / "left").exists()
    assert machine.logged == ["pip install --require-hashes -r requirements.txt"] * 2


def install(machine, says, status, terminal):
    """What is shown while pip `says` something and ends with `status`, and the script's status."""
    python = machine.add(machine.home / "python", f"#!/bin/sh\n{says}\nexit {status}\n")
    command = ["sh", str(settings.BASE_DIR / "scripts" / "pip_install.sh"), python, "some.txt"]
    output = subprocess.PIPE if terminal is None else terminal
    return subprocess.run(
        command, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )


MANY_LINES = "for i in $(seq 90); do echo Collecting package-$i; done"


def test_installing_prints_nothing_but_one_line_on_a_terminal(machine):
    ours, theirs = pty.openpty()
    done = install(machine, MANY_LINES, 0, theirs)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert done.returncode == 0
    assert "Collecting package-90" in shown
    assert "\n" not in shown
    assert done.stderr == ""


def test_installing_prints_nothing_into_a_file(machine):
    done = install(machine, MANY_LINES, 0, None)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_installing_that_fails_says_all_that_pip_said(machine):
    done = install(machine, f"{MANY_LINES}; echo no network >&2", 3, None)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 91
    assert done.stderr.endswith("no network\n")


@pytest.mark.parametrize("trouble", ["sys.exit(1)", "sys.modules['pip'] = None"])
def test_a_broken_environment_is_made_anew(machine, tmp_path, trouble):
    venv = tmp_path / "venv"
    python = machine.add_command("python3.13", 3, 13, 0)
    prepare(machine, venv, python)
    machine.add_python(venv / "bin" / "python", 3, 13, 0, trouble=trouble)

    text = prepare(machine, venv, python)

    assert trouble not in text
    assert machine.logged == ["pip install --require-hashes -r requirements.txt"] * 2
