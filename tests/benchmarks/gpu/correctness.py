"""Whether it is right: the forms of the trainer's tests that need the device, run by pytest."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.benchmarks.gpu import outcomes
from tests.benchmarks.gpu.part import Part

LOOK = 5.0  # seconds between two looks at what has ended
CLOSING = 2.0  # before the end of the part's time, at which pytest is ended
OPTIONS = (
    *("-o", "addopts=", "-q", "--tb=short", "--continue-on-collection-errors"),
    *("-p", "no:cacheprovider", "-p", outcomes.__name__),
)


def run(part: Part) -> None:
    """Writes every test's outcome."""
    with tempfile.TemporaryDirectory() as folder:
        _test(part, Path(folder) / "outcomes.jsonl")


def _test(part: Part, lines: Path) -> None:
    command = [sys.executable, "-m", "pytest", *OPTIONS, *part.form.tests]
    # a rehearsal may itself be a worker of pytest-xdist; these tests are not
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = subprocess.Popen(
        command, env={**own, outcomes.FILE: str(lines)}, start_new_session=True
    )
    code: int | None = None
    while code is None and part.left > CLOSING:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(min(LOOK, max(0.0, part.left - CLOSING)))
        part.write({"code": code, "cut_off": code is None, **_figures(lines)})
    if code is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _figures(lines: Path) -> dict[str, Any]:
    tests = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    counts = Counter(test["outcome"] for test in tests)
    slowest = sorted(tests, key=lambda test: -test["seconds"])[:5]
    return {
        "outcomes": dict(counts),
        "failed": [test for test in tests if test["outcome"] == "failed"],
        "skipped": [test for test in tests if test["outcome"] == "skipped"],
        "passed": [test["test"] for test in tests if test["outcome"] == "passed"],
        "slowest": slowest,
    }
