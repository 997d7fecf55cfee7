"""Checks, before training, whether the labels of a data set suffice for a metric."""

import hashlib
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.identity import EVALUATION_FORMAT
from trainer import cache
from trainer.data.dataset import UNKNOWN, Dataset


def check_labels(metric: str, options: Mapping[str, Any], data: Dataset) -> None:
    """Raises MissingLabels when the metric with these options would, judging only by labels.

    Reads no pixels. Metrics that need no labels always pass.
    """
    from evaluation.metrics import METRICS, TELLS_FACTORS_APART
    from evaluation.metrics.factorvae import votes_apart
    from evaluation.metrics.higgins import pairs_apart
    from evaluation.metrics.irs import groups_of_two
    from evaluation.metrics.mig import check_ordered
    from evaluation.metrics.support.labels import MissingLabels
    from evaluation.metrics.support.points import drawn_labels
    from evaluation.metrics.user_metrics import is_ours, needs_labels

    if not needs_labels(metric, options):
        return
    if not is_ours(metric):
        if not data.factors:
            raise MissingLabels(f"{metric} needs labels, and no factor of the images is labelled")
        return
    parameters = inspect.signature(METRICS[metric]).parameters
    chosen = {key: options.get(key, p.default) for key, p in parameters.items()}
    if metric in ("higgins", "factorvae"):
        apart = pairs_apart if metric == "higgins" else votes_apart
        wanted = inspect.signature(apart).parameters.keys() - {"data"}
        apart(data, **{key: chosen[key] for key in wanted})
        return
    drawn = drawn_labels(
        data,
        np.random.default_rng(chosen["seed"]),
        chosen["factors"],
        several=metric in TELLS_FACTORS_APART,
        **{key: chosen[key] for key in ("points", "train", "test") if key in chosen},
    )
    if metric == "mig":
        check_ordered(drawn.factors, chosen["unordered"], chosen["estimate"])
    if metric == "irs":
        for name, column in zip(drawn.factors, drawn.sets[0][1].T, strict=True):
            groups_of_two(column[column != UNKNOWN], name, chosen["bins"])


def cannot_tell(data: Dataset, options: Mapping[str, Any]) -> str:
    """Why the labels cannot tell a good code from a shuffled one by Higgins; "" when they can.

    The true code, with additional noise latents, is scored on these labels, and so is the same code
    shuffled among the images. The labels can tell them apart if the first score is most of the way
    from the second to 1. Otherwise the sentence says how many more labels like these would suffice.
    Reads no pixels. Raises MissingLabels where `higgins` would.

    options: of `higgins`.
    """
    from evaluation.metrics.higgins import pairs_apart
    from evaluation.metrics.support.halves import growing, imagined

    protocol = options.get("protocol", "paper")
    labels, _ = pairs_apart(data, protocol=protocol, factors=options.get("factors"))
    table = labels.classes[(labels.classes != UNKNOWN).any(axis=1)]
    if len(table) > _PLENTY:
        return ""
    found_scores = truth, shuffled = _cached_scores(table, protocol)
    if _distinguishes(*found_scores):
        return ""
    found = (
        f"{len(table):,} labelled images cannot tell a good code from a shuffled one by Higgins "
        f"(the true code would score {truth:.2f}, shuffled {shuffled:.2f})"
    )
    if len(table) == len(data):
        return f"{found}, and every image is labelled"
    for size in growing(len(table))[:_LOOKS]:
        more = imagined(table, size, np.random.default_rng(size))
        if _distinguishes(*_cached_scores(more, protocol)):
            return f"{found}; about {size - len(table):,} more labels would do"
    return f"{found}; many more labels are needed"


_PLENTY = 5_000  # this many labelled images always tell a good code from a shuffled one
_LOOKS = 8  # larger numbers of labels to try
_CLEARLY = 0.7  # of the way from a shuffled code's score to 1
_LATENTS = 10  # of the true code including noise, as in the papers' models


def _distinguishes(truth: float, shuffled: float) -> bool:
    return truth - shuffled >= _CLEARLY * (1 - shuffled)


def _cached_scores(table: NDArray[np.int64], protocol: Any) -> tuple[float, float]:
    """`_scores`, cached: every command needs them, and they take seconds."""

    def compute() -> dict[str, Any]:
        return dict(zip(("truth", "shuffled"), _scores(table, protocol), strict=True))

    labels = hashlib.sha256(np.ascontiguousarray(table).tobytes()).hexdigest()
    found = cache.remembered(
        "told", (), compute, labels, table.shape[1], protocol, EVALUATION_FORMAT
    )
    return found["truth"], found["shuffled"]


def _scores(table: NDArray[np.int64], protocol: Any) -> tuple[float, float]:
    """Higgins scores of the true code of labels (n, F), and of the same code shuffled."""
    import torch

    from evaluation.metrics.higgins import higgins
    from evaluation.metrics.support.labels import MissingLabels

    rng = np.random.default_rng(0)
    known = np.where(table == UNKNOWN, np.nan, table)
    spread = np.maximum(np.nanstd(known, axis=0), 1e-9)
    factors = (known - np.nanmean(known, axis=0)) / spread
    factors = np.where(table == UNKNOWN, rng.standard_normal(table.shape), factors)
    noise = rng.standard_normal((len(table), max(_LATENTS - table.shape[1], 0)))
    truth = np.hstack([factors, noise])
    codes = torch.from_numpy(np.stack([truth, rng.permutation(truth)]))
    names = tuple(f"factor {number}" for number in range(table.shape[1]))
    try:
        scores = higgins(
            lambda x: codes[:, x[:, 0, 0, 0].long()],
            _Rows(table),
            protocol=protocol,
            factors=names,
            train=400,
            test=400,
        ).score
    except MissingLabels:
        return 0.0, 0.0
    truth_score, shuffled_score = np.asarray(scores).tolist()
    return truth_score, shuffled_score


class _Rows:
    """A data set of labels only: each image is just its index."""

    name = source = fingerprint = labels_fingerprint = "labels"
    shape, levels = (1, 1, 1), 1

    def __init__(self, table: NDArray[np.int64]):
        self.table = table
        self.factors: Mapping[str, int] = {
            f"factor {n}": int(column.max()) + 1 for n, column in enumerate(table.T)
        }

    def __len__(self) -> int:
        return len(self.table)

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        return self.table[np.asarray(indices)]

    def images(self, indices: ArrayLike) -> Any:
        return np.asarray(indices, np.int64)[:, None, None, None]

    def stored(self) -> Any:
        raise NotImplementedError("labels have no pixels")
