"""Scores of unfinished runs, on few points, kept next to their checkpoints."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.identity import evaluation_id
from sweeps.run_store import Store, run_key
from sweeps.sweep import Sweep
from trainer.config.run import RunConfig


@dataclass(frozen=True)
class EarlyScore:
    """score: None where it is not finite, or was missed (`EarlyScores.write`)."""

    score: float | None
    missed: bool


@dataclass(frozen=True)
class EarlyScores:
    """Reads and writes the early scores of a sweep; its metric on few points decides them.

    evaluation: that metric with its options. identity: its id on the data of the sweep.
    """

    store: Store
    evaluation: Mapping[str, Mapping[str, Any]]
    identity: str

    @classmethod
    def of(cls, sweep: Sweep) -> "EarlyScores | None":
        """None for a sweep that compares no unfinished runs."""
        if not sweep.spec.early_stop.shares:
            return None
        from evaluation.early_score import few_points  # torch

        metric = sweep.metrics.metric
        evaluation = few_points(metric, sweep.metrics.evaluation[metric])
        return cls(sweep.store, evaluation, evaluation_id(evaluation, sweep.data))

    @classmethod
    def ordered(cls, store: Store, order: Mapping[str, Any]) -> "EarlyScores":
        """What `order` describes."""
        return cls(store, order["evaluation"], order["identity"])

    @property
    def order(self) -> dict[str, Any]:
        """As plain data for a worker."""
        given = {name: dict(options) for name, options in self.evaluation.items()}
        return {"evaluation": given, "identity": self.identity}

    def write(self, run: str, step: int, score: float | None, missed: bool = False) -> None:
        """Records a run's score at a step, None where it has none.

        missed: it could not be scored, since it had been trained beyond that step before.
        """
        record = {"run": run, "step": step, "score": score, "missed": missed}
        evaluation = self.order["evaluation"]
        self.store.write_record(self._key(run, step), {**record, "evaluation": evaluation})

    def read(self, run: str, step: int) -> EarlyScore | None:
        """What was recorded; None if nothing was, or it is damaged."""
        record = self.store.read_record(self._key(run, step))
        if record is None or record.get("run") != run:
            return None
        score = record.get("score")
        return EarlyScore(
            float(score) if isinstance(score, int | float) else None, bool(record.get("missed"))
        )

    def _key(self, run: str, step: int) -> str:
        return f"{run_key(run)}/early-{step:09d}-{self.identity}.json"


def step_of(config: RunConfig, share: float) -> int:
    """The step at which a run has trained for this share of its steps."""
    return max(1, math.floor(share * config.steps))
