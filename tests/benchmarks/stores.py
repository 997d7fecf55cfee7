"""How long the commands that read a whole store take: a store of small records, and each command.

    python -m tests.benchmarks.stores --runs 10000

Ten seeds per setting, of made-up scores that rise and fall over β. Each command is a process of its
own; `import` is `sweep list` in an empty store, `first` is `sweep status` while no record was read
before, and there is no index yet. Seconds of CPU depend less on what else the machine does.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluation.result_file import RESULT
from sweeps.plan import Setting
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from sweeps.sweepfile import load_spec
from trainer.files import sealed

SEEDS = 10
SWEEP = """
name: large
dataset: {{name: dsprites, size: 32, factors: {{shape: 1, scale: 2, posX: 8, posY: 8}}}}
method: random
parameters:
  beta: {{distribution: log_uniform, min: 0.1, max: 64}}
  latents: {{values: [2, 4, 8]}}
seeds: {seeds}
settings: {settings}
trainer: {{architecture: mlp, steps: 10}}
metric: {{name: mig}}
evaluation: {{mig: {{}}}}
"""
COMMANDS = ("status", "plan", "best", "report")


def main() -> int:
    """Prints a line for each command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stores", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--only", nargs="*", default=COMMANDS, choices=COMMANDS)
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stores-") as folder:
        os.environ["SWEEP_CACHE"] = str(Path(folder, "cache"))
        file, store = Path(folder, "large.yaml"), Store(Path(folder, "store"))
        file.write_text(SWEEP.format(seeds=SEEDS, settings=options.runs // SEEDS))
        start = time.monotonic()
        fill(store, file)
        print(f"{options.runs} runs, made in {time.monotonic() - start:.0f} s", flush=True)
        costs = {}
        sweep = [str(file), "--store", store.location]
        commands = {name: [name, *sweep] for name in options.only}
        nothing = ["list", "--store", str(Path(folder, "empty"))]
        for name, words in {"import": nothing, "first": ["status", *sweep], **commands}.items():
            costs[name] = cost = cost_of(*words)
            print(
                f"{name:8} {cost.seconds:6.1f} s, of CPU {cost.cpu:6.1f} s, {cost.memory:6.0f} MB",
                flush=True,
            )
    if options.json:
        record = {name: asdict(cost) for name, cost in costs.items()}
        options.json.write_text(json.dumps({"runs": options.runs, "costs": record}) + "\n")
    return 0


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds, of them of CPU, and its peak memory in MB."""

    seconds: float
    cpu: float
    memory: float


def cost_of(*words: str) -> Cost:
    """Runs a `sweep` command."""
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "sweeps", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    seconds = time.monotonic() - start
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def fill(store: Store, file: Path) -> None:
    """Makes the store of the sweep in `file`, all of whose runs have ended."""
    spec = load_spec(file)
    sweep = Sweep.load(spec, store)
    rng, root = random.Random(0), store.path("runs")
    for key in ("runs", f"sweeps/{spec.name}/{spec.search_id}/settings"):
        store.path(key).mkdir(parents=True)
    store.save_spec(spec)
    for number in range(spec.setting_count):
        beta, latents = 0.1 * 640 ** rng.random(), rng.choice([2, 4, 8])
        setting = Setting(number, {"beta": beta, "latents": latents})
        runs = sweep.runs(setting.parameters)
        config, shape = runs[0].config.as_mapping(), list(sweep.data.shape)
        record = asdict(setting) | {"runs": {str(run.config.seed): run.id for run in runs}}
        place = store.path(f"sweeps/{spec.name}/{spec.search_id}/settings/{number:05d}.json")
        write(place, record)
        evaluation = sweep.metrics.identity([run.id for run in runs])
        for run in runs:
            score = math.exp(-(math.log(beta / 4) ** 2) / 4) + rng.gauss(0, 0.05)
            figures = {"measures": {"mig": {"score": score}}, "kl": 2.0, "reconstruction": 9.0}
            figures["learned"] = {}
            result = {
                "format": 1,
                "run": run.id,
                "config": config | {"seed": run.config.seed},
                "data": {"shape": shape},
                "state": "finished",
                "reason": None,
                "training": {"steps": 10, "seconds": 2.5, "device": "cpu"},
                "evaluations": {evaluation: figures},
                "files": {},
            }
            folder = root / run.id
            folder.mkdir()
            write(folder / RESULT, result)


def write(path: Path, record: dict[str, Any]) -> None:
    """Writes a record without waiting for the disk."""
    path.write_text(json.dumps(sealed(record)))


if __name__ == "__main__":
    sys.exit(main())
