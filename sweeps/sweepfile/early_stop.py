"""The key `early_stop` of a sweep file: when runs end before their last step."""

import math
from dataclasses import dataclass

from trainer.config.schema import FieldError, require


@dataclass(frozen=True)
class Halving:
    """Synchronous successive halving over settings (sweeps.scheduling.halving).

    at: shares of its steps at which a setting is compared with the others, in increasing order.
    keep: the share of the settings that continues each time.
    """

    at: float | tuple[float, ...] = (0.25, 0.5)
    keep: float = 0.5

    def __post_init__(self) -> None:
        shares = self.shares
        inside = bool(shares) and all(0 < share < 1 for share in shares)
        require(inside, "at", f"expected shares of the steps in (0, 1), got {self.at}")
        increasing = list(shares) == sorted(set(shares))
        require(increasing, "at", f"expected shares in increasing order, got {self.at}")
        require(0 < self.keep < 1, "keep", f"expected a share in (0, 1), got {self.keep:g}")

    @property
    def shares(self) -> tuple[float, ...]:
        """`at`, as a tuple."""
        return self.at if isinstance(self.at, tuple) else (self.at,)


@dataclass(frozen=True)
class EarlyStop:
    """When a run is ended before its last step. Such a run has no result: its score is unknown.

    collapsed: the share of its steps at which a run with no latent in use is ended.
    halving: ends the worse settings at some shares of their steps.
    median: the share of its steps at which a setting below the median of all settings is ended.
    """

    collapsed: float | None = None
    halving: Halving | None = None
    median: float | None = None

    def __post_init__(self) -> None:
        for key in ("collapsed", "median"):
            share = getattr(self, key)
            ok = share is None or 0 < share < 1
            require(ok, key, f"expected a share of the steps in (0, 1), got {share}")
        given = [key for key in ("collapsed", "halving", "median") if getattr(self, key)]
        if len(given) > 1:
            # a collapsed run would be missing from its setting's mean
            problem = f"`{given[0]}` and `{given[1]}` cannot be combined: keep one of them"
            raise FieldError(problem, (given[1],))

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares of the steps at which settings are compared; empty if they never are."""
        if self.halving is not None:
            return self.halving.shares
        return () if self.median is None else (self.median,)

    def least_work(self, settings: int, reached: float = 0.0) -> float:
        """Training that so many settings still need, if each comparison drops all that it may.

        reached: the share of their steps that they have done. In whole trainings of a setting.
        """
        keep = self.halving.keep if self.halving is not None else 0.5
        work, done = 0.0, reached
        for share in (*(share for share in self.shares if share > reached), 1.0):
            work += settings * (share - done)
            settings, done = math.ceil(keep * settings), share
        return work
