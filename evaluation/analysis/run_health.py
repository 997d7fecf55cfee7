"""The health of runs: how many latents are alive, and which runs collapsed or did not converge."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.live_latents import LIVE


@dataclass(frozen=True)
class RunHealth:
    """What went wrong with one run, if anything.

    live_latents: latents whose posterior differs from the prior; None when unknown.
    collapsed: no latent is alive. diverged: training produced non-finite numbers.
    unconverged: the loss was still falling when training ended.
    worse_than_mean_image: its reconstructions are no better than the mean image.
    """

    live_latents: int | None = None
    collapsed: bool = False
    diverged: bool = False
    unconverged: bool = False
    worse_than_mean_image: bool = False

    @property
    def unhealthy(self) -> bool:
        """Whether the model is unusable, whatever its score."""
        return self.collapsed or self.diverged


@dataclass(frozen=True)
class HealthCounts:
    """The health of several runs.

    live_latents: of the median run; None when unknown. The others are counts of runs.
    """

    runs: int
    live_latents: int | None
    collapsed: int
    diverged: int
    unconverged: int
    worse_than_mean_image: int

    def to_json(self) -> dict[str, Any]:
        """Plain values under these names."""
        return dict(vars(self))


def read_health(
    record: Mapping[str, Any], kl_per_latent: Sequence[float], failed: bool
) -> RunHealth:
    """The recorded health, completed from whatever else is known about a run.

    record: `health` of a result; empty in results that were written before it was measured.
    """
    live = _integer(record.get("live_latents"))
    if live is None and kl_per_latent and not failed:
        live = sum(kl > LIVE for kl in kl_per_latent)
    return RunHealth(
        live_latents=live,
        collapsed=_flag(record.get("collapsed"), live == 0),
        diverged=_flag(record.get("diverged"), False) or failed,
        unconverged=_flag(record.get("unconverged"), False),
        worse_than_mean_image=_flag(record.get("worse_than_mean_image"), False),
    )


def count_health(runs: Iterable[RunHealth]) -> HealthCounts:
    """The health of several runs together."""
    runs = tuple(runs)
    live = [run.live_latents for run in runs if run.live_latents is not None]
    return HealthCounts(
        runs=len(runs),
        live_latents=statistics.median_low(live) if live else None,
        collapsed=sum(run.collapsed for run in runs),
        diverged=sum(run.diverged for run in runs),
        unconverged=sum(run.unconverged for run in runs),
        worse_than_mean_image=sum(run.worse_than_mean_image for run in runs),
    )


def _integer(value: object) -> int | None:
    known = isinstance(value, int | float) and math.isfinite(value)
    return int(value) if known else None  # type: ignore[call-overload]


def _flag(value: object, otherwise: bool) -> bool:
    """A boolean, or MLflow's number for one."""
    return bool(value) if isinstance(value, int | float) and value == value else otherwise
