"""python -m benchmarks [--quick]: what `make bench` runs."""

import argparse
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.hub import ROOT, BenchmarkFailed
from benchmarks.plan import FULL, QUICK
from benchmarks.report import problems_of, render
from benchmarks.run import run

_DATA = ROOT / "benchmarks" / ".data"
_REPORTS = ROOT / "benchmarks" / "reports"


def main() -> int:
    """Measure, write the report and print it; 1 if something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes, and less sure")
    is_quick = parser.parse_args().quick
    # So that the hub is stopped in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    started_at = datetime.now(UTC)
    # Beside the code, because the usual folder for temporary files may be in memory.
    _DATA.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=_DATA) as folder:
            sections = run(Path(folder), QUICK if is_quick else FULL, _say)
    except BenchmarkFailed as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("Interrupted.")
        return 1
    title = f"Benchmark of {started_at:%d %B %Y, %H:%M} UTC" + (" (quick)" if is_quick else "")
    report = render(title, sections)
    _REPORTS.mkdir(exist_ok=True)
    path = _REPORTS / f"{started_at:%Y-%m-%d-%H%M%S}.md"
    path.write_text(report)
    sys.stdout.write(f"\n{report}\n")
    _say(f"This report is in {path.relative_to(ROOT)}")
    return 1 if problems_of(sections) else 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
