"""Metrics of a representation: one file with one function each, listed by name in METRICS.

A metric is `(represent, data, seed=0, **options) -> frozen dataclass` with at least `.score`.
`represent` maps images (n, channels, height, width), float32 in [0, 1], to the means (n, M) of one
model or (K, n, M) of a pack. For a pack, results that differ between models are arrays with a
leading axis K; for one model they have no such axis. No other results of a pack are arrays.
Options are keyword arguments with JSON values and defaults; they are part of an evaluation's id.
Its properties are the sets below; its display name is in `evaluation.analysis.formatting`, and if
its scores end at 1, `evaluation.analysis.choose.UP_TO_ONE` says so.
"""

from collections.abc import Callable
from typing import Any

from trainer.registry import Registry

METRICS: Registry[Callable[..., Any]] = Registry(
    {
        "higgins": "evaluation.metrics.higgins:higgins",
        "factorvae": "evaluation.metrics.factorvae:factorvae",
        "mig": "evaluation.metrics.mig:mig",
        "sap": "evaluation.metrics.sap:sap",
        "dci": "evaluation.metrics.dci:dci",
        "modularity": "evaluation.metrics.modularity:modularity",
        "irs": "evaluation.metrics.irs:irs",
        "unsupervised": "evaluation.metrics.unsupervised:unsupervised",
        "udr": "evaluation.metrics.udr:udr",
        "indicators": "evaluation.metrics.indicators:indicators",
    }
)
WITHOUT_LABELS = frozenset({"unsupervised", "udr", "indicators"})
WITHOUT_FLOOR = frozenset({"unsupervised", "indicators"})  # independent of the order of images
LOWER_IS_BETTER = frozenset({"unsupervised", "indicators"})
TELLS_FACTORS_APART = frozenset({"higgins", "factorvae", "dci", "modularity"})  # need two
COMPARES_SEEDS = frozenset({"udr"})  # its pack must be exactly the seeds of one setting
