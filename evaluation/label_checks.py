"""Whether the labels of a data set suffice for a metric, found out before anything is trained."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from trainer.data.dataset import UNKNOWN, Dataset


def check_labels(metric: str, options: Mapping[str, Any], data: Dataset) -> None:
    """Raises MissingLabels when the metric with these options would, of labels alone.

    Reads no pixel. Metrics that need no label always pass.
    """
    from evaluation.metrics import METRICS, TELLS_FACTORS_APART, WITHOUT_LABELS
    from evaluation.metrics.factorvae import votes_apart
    from evaluation.metrics.higgins import pairs_apart
    from evaluation.metrics.irs import groups_of_two
    from evaluation.metrics.mig import check_ordered
    from evaluation.metrics.support.points import drawn_labels

    if metric in WITHOUT_LABELS:
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
