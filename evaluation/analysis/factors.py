"""What models know about each factor: from the whole code, and from a single latent."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ENCODED = 0.2  # of 1: with less knowledge, a factor counts as lost


@dataclass(frozen=True)
class Knowledge:
    """Knowledge of one factor, corrected for chance: 0 is none, 1 all that labels can show.

    known: by a nonlinear classifier on the whole code. best_latent: by the best single latent.
    """

    known: float
    best_latent: float

    @property
    def encoded(self) -> bool:
        """Whether the code contains the factor at all."""
        return self.known >= ENCODED


def read_factors(record: object) -> dict[str, Knowledge]:
    """The knowledge of each factor in an evaluation's `factors`; empty where not measured."""
    if not isinstance(record, Mapping):
        return {}
    found = {
        str(name): Knowledge(_number(entry.get("known")), _number(entry.get("best_latent")))
        for name, entry in record.items()
        if isinstance(entry, Mapping)
    }
    return {name: entry for name, entry in found.items() if math.isfinite(entry.known)}


def mean_knowledge(runs: Sequence[Mapping[str, Knowledge]]) -> dict[str, Knowledge]:
    """Mean knowledge by factor, over the runs in which it was measured."""
    names = dict.fromkeys(name for run in runs for name in run)
    found = {name: [run[name] for run in runs if name in run] for name in names}
    return {
        name: Knowledge(
            known=statistics.fmean(entry.known for entry in entries),
            best_latent=statistics.fmean(entry.best_latent for entry in entries),
        )
        for name, entries in found.items()
    }


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
