"""Scores a baseline as Higgins et al. 2017, A.4 does: ten replicas, three classifiers each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.baselines import BASELINES
from evaluation.baselines.fitted import FittedModel
from evaluation.identity import EVALUATION_FORMAT, with_defaults
from evaluation.metrics.higgins import higgins
from trainer.config.run import digest
from trainer.config.schema import lookup
from trainer.data.dataset import Dataset

BASELINE_FORMAT = 1  # incremented whenever a baseline's result would change
REPLICAS = tuple(range(10))


@dataclass(frozen=True)
class BaselineScore:
    """Scores in [0, 1], one row per replica, one column per classifier; details: see `Fitted`."""

    scores: tuple[tuple[float, ...], ...]
    details: Mapping[str, float]


def score_baseline(
    name: str,
    data: Dataset,
    options: Mapping[str, Any] | None = None,
    seeds: Sequence[int] = REPLICAS,
) -> BaselineScore:
    """Fits the baseline to all images of `data` and computes its Higgins scores.

    options: of `evaluation.metrics.higgins`. seeds: one per replica. For a baseline that is the
        same for every seed, replicas differ only in the metric's pairs and classifiers.

    Raises FieldError for an unknown name or option, MissingLabels when `data` lacks labels.
    """
    baseline = lookup(BASELINES, name, "baseline")
    chosen: dict[str, Any] = with_defaults({"higgins": options or {}})["higgins"]
    fitted = baseline(data, seeds)
    scored = seeds[: fitted.replicas]
    tables = [_scores(model, chosen, scored) for model in fitted.models]
    rows = np.mean(tables, axis=0).tolist()
    return BaselineScore(tuple(map(tuple, rows)), fitted.details)


def baseline_id(
    name: str,
    data: Dataset,
    options: Mapping[str, Any] | None = None,
    seeds: Sequence[int] = REPLICAS,
) -> str:
    """20 hex digits of everything that affects `score_baseline` for the same arguments."""
    return digest(
        {
            "baseline": name,
            "images": data.fingerprint,
            "labels": data.labels_fingerprint,
            "evaluation": with_defaults({"higgins": options or {}}),
            "seeds": list(seeds),
            "format": [BASELINE_FORMAT, EVALUATION_FORMAT],
        }
    )


def _scores(
    model: FittedModel, options: Mapping[str, Any], seeds: Sequence[int]
) -> NDArray[np.float64]:
    """(seeds, classifiers)."""
    first = higgins(model.represent, model.data, **options).scores
    table = np.asarray(first)
    if table.ndim == 2:
        return table
    again = [{**options, "seed": options["seed"] + number} for number in range(1, len(seeds))]
    return np.stack([table, *(higgins(model.represent, model.data, **o).scores for o in again)])
