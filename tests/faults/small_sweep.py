"""A small real sweep as its own process: started, watched, and compared with an undisturbed one."""

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from safetensors.numpy import load_file

from evaluation.result_file import read_result
from tests.faults.clock import Clock
from tests.sweeps.made_up import DATA

NAME = "small"
NO_TOKEN = {"RAY_AUTH_MODE": "disabled"}  # of a cluster that only this machine can reach
# eight runs of about a second each; those of the higher learning rate diverge at their first steps
SWEEP: Mapping[str, Any] = {
    "name": NAME,
    "dataset": dict(DATA),
    "method": "grid",
    "parameters": {
        "latents": {"value": 4},
        "beta": {"values": [1, 16]},
        "optimizer.lr": {"values": [1e-3, 1e30]},
    },
    "seeds": 2,
    "pack": 1,  # a model trained alone equals itself bit for bit, whatever had to be done again
    "max_failures": 3,
    "evaluation": {"higgins": {"train": 200, "test": 100, "images": 256}},
    "trainer": {"architecture": "mlp", "batch_size": 16, "steps": 800},
}


# what is put on top of it, by the name of the kind of sweep
KINDS: Mapping[str, Mapping[str, Any]] = {
    "grid": {},
    "race": {
        "method": "surface",
        "metric": "mig",
        "parameters": {"latents": [2, 4], "beta": {"min": 0.5, "max": 16, "points": 6}},
        "seeds": {"min": 1, "max": 3},
        "budget": {"runs": 14},
        "lookahead": 2,
        "evaluation": {"mig": {"points": 300}},
    },
    "halving": {
        "metric": "mig",
        "parameters": {"latents": [2, 4], "beta": [0.5, 2, 8]},
        "seeds": 1,
        "early_stop": {"halving": {"at": [0.25, 0.5]}},
        "evaluation": {"mig": {"points": 300}},
    },
}


@dataclass(frozen=True)
class Table:
    """What a sweep gives.

    runs: of each run by id, its state and scores. models: SHA-256 of each run's weights.
    decisions: the settings, rounds and comparisons that were recorded, by file.
    answer: what `sweep best --json` prints.
    """

    runs: Mapping[str, Any]
    models: Mapping[str, str]
    decisions: Mapping[str, Any]
    answer: Any


@dataclass
class Sweep:
    """The sweep in `folder`, whose store is `folder/store`.

    address: of a Ray cluster; None is this machine. spoilt: runs whose files were damaged.
    trained_again: runs that were trained though they had been, and had not been damaged.
    clock: the sweep's own, where it is to jump.
    """

    folder: Path
    address: str | None = None
    clock: Clock | None = None
    keys: Mapping[str, Any] = field(default_factory=dict)
    spoilt: set[str] = field(default_factory=set)
    trained_again: Counter[str] = field(default_factory=Counter)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def start(self) -> subprocess.Popen[str]:
        """Starts `sweep run`, in a process group of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "small.yaml").write_text(yaml.safe_dump({**SWEEP, **self.keys}))
        where = [] if self.address is None else ["--address", self.address]
        return subprocess.Popen(
            command(self, "run", str(self.folder / "small.yaml"), *where),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **environment(),
                **({} if self.address is None else NO_TOKEN),
                **(self.clock.environment if self.clock else {}),
            },
            process_group=0,
        )

    def finish(self, seconds: float = 900) -> str:
        """Runs the sweep to its end, again if it must be; what the last one printed."""
        for _ in range(3):
            process = self.start()
            output = process.communicate(timeout=seconds)[0]
            if process.returncode == 0:
                return output
        raise AssertionError(f"three times exit code {process.returncode}:\n{output}")

    def results(self) -> dict[str, Path]:
        """Folders of the runs that have a result, by id."""
        return {path.parent.name: path.parent for path in self.store.glob("runs/*/result.json")}

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Notes meanwhile which runs are trained again."""
        over, seen = threading.Event(), dict[str, int]()
        thread = threading.Thread(target=self._watch, args=(over, seen), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _watch(self, over: threading.Event, seen: dict[str, int]) -> None:
        while not over.wait(0.1):
            for record in self.store.glob("runs/*/training.json"):
                with contextlib.suppress(FileNotFoundError):
                    run, written = record.parent.name, record.stat().st_mtime_ns
                    if seen.setdefault(run, written) != written and run not in self.spoilt:
                        self.trained_again[run] += 1
                    seen[run] = written

    def table(self) -> Table:
        """What it has given, every file checked."""
        runs, models = {}, {}
        for run, folder in self.results().items():
            result = read_result(folder)
            if result is None:
                continue
            scores = {name: one["measures"] for name, one in result["evaluations"].items()}
            runs[run] = {"state": result["state"], "reason": result["reason"], "scores": scores}
            if (folder / "model.safetensors").exists():
                models[run] = _weights(folder / "model.safetensors")
        best = subprocess.run(
            command(self, "best", NAME, "--json"), capture_output=True, text=True, check=True
        )
        sweep = self.store / "sweeps" / NAME
        decisions = {
            str(file.relative_to(sweep)): json.loads(file.read_text())
            for file in sweep.glob("*/*/[0-9]*.json")
        }
        return Table(runs, models, decisions, json.loads(best.stdout))

    def in_mlflow(self) -> Counter[tuple[str, str]]:
        """How often each run (by id) and setting (by number) is in MLflow's database."""
        query = """
            select kind.value, coalesce(run.value, setting.value, '') from runs
            join tags kind on kind.run_uuid = runs.run_uuid and kind.key = 'kind'
            left join tags run on run.run_uuid = runs.run_uuid and run.key = 'run'
            left join tags setting on setting.run_uuid = runs.run_uuid and setting.key = 'setting'
            where runs.status in ('FINISHED', 'FAILED')
        """
        with contextlib.closing(sqlite3.connect(self.store / "mlflow.db")) as database:
            return Counter((kind, name) for kind, name in database.execute(query))

    def wait_for(self, pattern: str, count: int, process: subprocess.Popen[str]) -> None:
        """Until `count` files of run folders match `pattern`, or the process has ended."""
        while process.poll() is None and len(list(self.store.glob(f"runs/*/{pattern}"))) < count:
            time.sleep(0.02)


def _weights(path: Path) -> str:
    """SHA-256 of the weights; the file's own differs, for its header comes in any order."""
    digest = hashlib.sha256()
    for name, array in sorted(load_file(path).items()):
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()


def command(sweep: Sweep, *words: str) -> list[str]:
    return [sys.executable, "-m", "sweeps", *words, "--store", str(sweep.store)]


def environment() -> dict[str, str]:
    """Of the processes of a sweep."""
    left_out = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS")
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    return {**kept, "RAY_worker_niceness": "0"}  # Ray's workers give way to all else, and starve
