"""A small sweep in a folder of its own, run by the real command."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAME = "here"
SWEEP = """
name: here
dataset: {name: dsprites, size: 16, factors: {scale: 3, orientation: 4, posX: 4, posY: 4}}
method: grid
parameters: {beta: {values: [1, 4]}, latents: {value: 2}}
seeds: 1
trainer: {architecture: mlp, batch_size: 16, steps: 20}
metric: {name: mig}
evaluation: {mig: {}}
"""
THEIRS = "raise ImportError('this is another project')\n"
NO_MODULES = ("sweeps", "evaluation", "trainer")
SHADOWS = ("random.py", "torch.py", "ray.py", "types.py")
LEFT_OUT = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "PYTHONPATH")


@dataclass
class Place:
    """The folder of a sweep, what the shell has set there, and what the command is started by.

    environment: what is set; None is what is not. before: words in front of the command.
    after: what a shell does with its output.
    """

    folder: Path
    environment: dict[str, str | None] = field(default_factory=dict)
    before: Sequence[str] = ()
    after: str = ""
    store: str = "store"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "here.yaml").write_text(SWEEP)

    @property
    def runs(self) -> list[Path]:
        """Folders of the runs that have a result."""
        return sorted(p.parent for p in (self.folder / self.store).glob("runs/*/result.json"))

    def sweep(self, *words: str, seconds: float = 900) -> subprocess.CompletedProcess[str]:
        """Runs the command with these words, in this place."""
        # what pip installs: `python -m` would put the current folder first
        script = str(Path(sys.executable).with_name("sweep"))
        command = [*self.before, script, *words, "--store", self.store]
        quoted = " ".join(f"'{word}'" for word in command) + self.after
        return subprocess.run(
            ["bash", "-c", quoted],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            errors="replace",
        )

    def run(self) -> subprocess.CompletedProcess[str]:
        """Runs the sweep."""
        return self.sweep("run", "here.yaml")

    def answer(self) -> Any:
        """What `sweep best --json` prints, whatever the surroundings."""
        asked = Place(self.folder, store=self.store).sweep("best", NAME, "--json")
        return json.loads(asked.stdout)

    def _environment(self) -> Mapping[str, str]:
        kept = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
        changed = {"RAY_worker_niceness": "0", **kept, **self.environment}
        return {key: value for key, value in changed.items() if value is not None}


def add_their_modules(folder: Path) -> None:
    """Gives a folder packages and modules that have names of ours, and of Python's."""
    for name in NO_MODULES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(THEIRS)
    for name in SHADOWS:
        (folder / name).write_text(THEIRS)
