"""Whether it is right: the forms of the trainer's tests that need the device, run by pytest."""

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

CLOSING = 2.0  # seconds before the end of the part's time at which pytest is ended
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
    process = subprocess.Popen(
        command, env={**os.environ, outcomes.FILE: str(lines)}, start_new_session=True
    )
    try:
        process.wait(max(0.0, part.left - CLOSING))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    part.write({"code": code, "cut_off": code == -signal.SIGKILL, **_figures(lines)})


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
