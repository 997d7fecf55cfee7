"""What models know of each factor of the data: read from the whole code, and from one latent."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ENCODED = 0.2  # of 1: less knowledge of a factor than this, and it counts as lost


@dataclass(frozen=True)
class Knowledge:
    """Of one factor, corrected for chance: 0 is nothing, 1 everything that labels could show.

    known: by a nonlinear reader of the whole code. best_latent: by the best latent alone.
    """

    known: float
    best_latent: float

    @property
    def encoded(self) -> bool:
        """Whether the code holds the factor at all."""
        return self.known >= ENCODED


def read_factors(record: object) -> dict[str, Knowledge]:
    """The knowledge of each factor in an evaluation's `factors`; none where it is not measured."""
    if not isinstance(record, Mapping):
        return {}
    found = {
        str(name): Knowledge(_number(entry.get("known")), _number(entry.get("best_latent")))
        for name, entry in record.items()
        if isinstance(entry, Mapping)
    }
    return {name: entry for name, entry in found.items() if math.isfinite(entry.known)}


def mean_knowledge(runs: Sequence[Mapping[str, Knowledge]]) -> dict[str, Knowledge]:
    """The mean over the runs that have it measured, by factor."""
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
