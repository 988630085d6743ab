"""What a web process does with its interpreter: why a door is no faster."""

import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.hub import ROOT

_PY_SPY = Path(sys.executable).with_name("py-spy")
_SAMPLES_A_SECOND = 200
# py-spy takes its time to begin and to end.
_SECONDS_MORE = 30
_ELSEWHERE = "uvicorn, the event loop and threads"


@dataclass
class Profile:
    """In which part of the time a function of the hub, or what it had called, held the interpreter.

    `failure` says why there is no profile, if so.
    """

    shares: Counter[str] = field(default_factory=Counter)
    failure: str = ""

    @property
    def held(self) -> float:
        """In which part of the time anything did."""
        return self.shares.total()


def spy(pid: int, seconds: int) -> Profile:
    """Who holds the interpreter of a process within so many seconds, as py-spy sees it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile"
        command = [str(_PY_SPY), "record", "--pid", str(pid), "--duration", str(seconds)]
        command += ["--rate", str(_SAMPLES_A_SECOND), "--gil", "--nonblocking", "--nolineno"]
        command += ["--full-filenames", "--format", "raw", "--output", str(path)]
        done = subprocess.run(  # noqa: S603 -- a fixed command, no shell
            command, capture_output=True, text=True, timeout=seconds + _SECONDS_MORE, check=False
        )
        if done.returncode != 0:
            return Profile(failure=done.stderr.strip().partition("\n")[0])
        samples = read_profile(path.read_text())
    all_samples = _SAMPLES_A_SECOND * seconds
    return Profile(Counter({name: count / all_samples for name, count in samples.items()}))


def read_profile(text: str) -> Counter[str]:
    """How often each function of the hub was the innermost of a stack, by py-spy's raw lines."""
    functions: Counter[str] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        ours = [name for frame in stack.split(";") if (name := _our_name(frame))]
        functions[ours[-1] if ours else _ELSEWHERE] += int(count)
    return functions


def _our_name(frame: str) -> str:
    """Module and name of a function of the hub; nothing for those of libraries."""
    function, _, file = frame.removesuffix(")").partition(" (")
    path = Path(file)
    if not path.is_relative_to(ROOT) or path.is_relative_to(ROOT / ".venv"):
        return ""
    return f"{path.relative_to(ROOT).with_suffix('').as_posix().replace('/', '.')}.{function}"
