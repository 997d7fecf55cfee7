"""The quick sweep from start to report: one trial per model, in packs, and in packs with bf16.

    python -m tests.benchmarks.quick_sweep [--ways "one by one" packs bf16 "2 models, 20 steps"]
        [--seeds 4] [--quick] [--json PATH]

Each is the real command with a store of its own, one after another, so the machine should do
nothing else. "of training" adds up what the packs took, on two cores in two trials at once; "CPU"
is the processor time of all processes, Ray's too. What does not depend on training shows in a sweep
of two models of 20 steps, 40 s of CPU: imports, Ray, MLflow, scoring and the report. The
answers should agree: the best beta of each within the interval of the others. bf16 is for
processors that multiply it (AMX, AVX512-BF16); elsewhere it is imitated and takes seven times as
long.
"""

import argparse
import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.output import add_json, show

FILE = "sweeps/quickstart.yaml"
WAYS = {
    "one by one": ["pack=1"],
    "packs": [],
    "bf16": ["trainer.precision=bf16"],
    "2 models, 20 steps": [
        *("seeds=1", "trainer.steps=20"),
        *("parameters.beta={values: [1, 4]}", "parameters.latents={value: 10}"),
    ],
}
_PR_SET_CHILD_SUBREAPER = 36
COLUMNS = {
    "way": ("way", ""),
    "seconds": ("s to the report", ".0f"),
    "times": ("x the first", ".2f"),
    "cpu": ("s of CPU", ".0f"),
    "training": ("s of training", ".0f"),
    "beta": ("best beta", "g"),
    "low": ("from", ".3g"),
    "high": ("to", ".3g"),
    "verdict": ("verdict", ""),
}


def measure(way: str, options: argparse.Namespace, store: Path) -> dict[str, Any]:
    """One sweep."""
    keys = [f"seeds={options.seeds}", *WAYS[way]]
    if options.quick:
        keys += ["trainer.steps=50", "parameters.beta={values: [1, 4]}"]
    start, used = time.perf_counter(), processor_seconds()
    sweep("run", FILE, *keys, "--store", str(store))
    seconds, used = time.perf_counter() - start, processor_seconds() - used
    best = json.loads(sweep("best", "quickstart", "--store", str(store), "--json"))["best"]
    records = [json.loads(path.read_text()) for path in store.glob("runs/*/training.json")]
    packs = {record["seconds"] for record in records}  # the models of one tell the same
    low, high = best["interval"] or (None, None)
    return {
        "way": way,
        "seconds": seconds,
        "cpu": used,
        "training": sum(packs),
        "runs": len(records),
        "beta": best["beta"],
        "low": low,
        "high": high,
        "verdict": best["verdict"],
    }


def processor_seconds() -> float:
    """What all processes that have ended used, also those that a sweep's processes left to us."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def sweep(*words: str) -> str:
    """Runs a command; what it printed. Ends the benchmark where it fails."""
    done = subprocess.run([sys.executable, "-m", "sweeps", *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ways", nargs="+", choices=tuple(WAYS), default=list(WAYS))
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="two betas, 50 steps")
    add_json(parser)
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for way in options.ways:
            rows.append(measure(way, options, Path(folder) / way.replace(" ", "-")))
            rows[-1]["times"] = rows[0]["seconds"] / rows[-1]["seconds"]
    show(rows, options, COLUMNS)


if __name__ == "__main__":
    main()
