"""A plugin of pytest: a line of JSON for each test as it ends, so that a cut-off run keeps them."""

import json
import os

import pytest

FILE = "GPU_OUTCOMES"  # the environment variable that names the file


@pytest.hookimpl
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Called for each phase of each test; under xdist, by the process that has the reports."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    if report.when == "call" or report.outcome != "passed":
        reason = "" if report.outcome == "passed" else _last_line(report)
        line = {
            "test": report.nodeid,
            "outcome": report.outcome,
            "seconds": round(report.duration, 2),
            "reason": reason,
        }
        with open(os.environ[FILE], "a") as file:
            file.write(json.dumps(line) + "\n")


def _last_line(report: pytest.TestReport) -> str:
    text = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longreprtext
    errors = [line for line in text.splitlines() if line.startswith("E ")]
    return (errors or text.splitlines() or [""])[0][:300]
