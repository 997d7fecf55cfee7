"""Runs the parts, each as a process with its share of the time, and says how each ended."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.files import write_json

CLOSING = 5.0  # seconds kept for what comes after the last part
GRACE = 4.0  # that a part may take over its time before its process is ended


@dataclass(frozen=True)
class Share:
    """The time of a part: a share of all of it, and the most seconds that it is worth."""

    of_all: float
    most: float = float("inf")


# in order; the last one has all that is left
SHARES: Mapping[str, Share] = {
    "correctness": Share(0.19, 90),
    "ceilings": Share(0.05, 20),
    "speed": Share(0.24, 150),
    "timeline": Share(0.07, 30),
    "study": Share(1.0),
}
LEAST = 2.0  # seconds; with less, a part is not begun


def run_parts(out: Path, device: str, form: str, seconds: float) -> dict[str, dict[str, object]]:
    """Runs all parts in `seconds`; how each ended, which run.json says as well.

    A part is `done`, `failed` (its last line of output says why), `cut off` at the end of its time,
    or `skipped` where none was left.
    """
    out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds - min(CLOSING, seconds / 20)
    _render(form)
    ended: dict[str, dict[str, object]] = {}
    for name, share in SHARES.items():
        left = end - time.monotonic()
        given = min(left, share.of_all * seconds, share.most)
        print(f"{name}: {given:.0f} s", flush=True)
        ended[name] = _run(name, out, device, form, given) if given > LEAST else _SKIPPED
        print(f"{name}: {ended[name]}", flush=True)
        write_json(out / "run.json", {"device": device, "form": form, "parts": ended})
    return ended


_SKIPPED: dict[str, object] = {"state": "skipped", "seconds": 0.0}


def _run(name: str, out: Path, device: str, form: str, seconds: float) -> dict[str, object]:
    """One part, in a session of its own, which ends with all that it started."""
    command = [*_PYTHON, "--part", name, "--out", str(out), "--device", device, "--form", form]
    start, log = time.monotonic(), out / "log.txt"
    with open(log, "a") as output:
        part = subprocess.Popen(
            [*command, "--until", f"{time.time() + seconds:.3f}"],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = part.wait(seconds + GRACE)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(part)
    took = round(time.monotonic() - start, 1)
    if code == 0:
        return {"state": "done", "seconds": took}
    state = "cut off" if code is None else "failed"
    lines = log.read_text(errors="replace").splitlines()
    return {"state": state, "seconds": took, "code": code, "last line": (lines or [""])[-1][:500]}


_PYTHON = (sys.executable, "-u", "-m", "tests.benchmarks.gpu")


def _end(part: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(part.pid, signal.SIGKILL)
    part.wait()


def _render(form: str) -> None:
    """Begins to render the images of the study, which the first part does not need."""
    code = (
        "from tests.benchmarks.gpu.form import FORMS; from trainer.data import load; "
        f"load('dsprites', **FORMS[{form!r}].study_data).stored()"
    )
    subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
