"""`gp`: Optuna's Gaussian process, for a few costly settings with noisy scores."""

import warnings
from typing import TYPE_CHECKING

from sweeps.search.optuna_method import ByStudy

if TYPE_CHECKING:
    import optuna


class GaussianProcess(ByStudy):
    """Expected improvement under a Gaussian process that also fits the scores' noise."""

    def sampler(self, seed: int) -> "optuna.samplers.BaseSampler":
        """Optuna's sampler for one proposal."""
        import optuna

        with warnings.catch_warnings():  # about an experimental class
            warnings.simplefilter("ignore")
            return optuna.samplers.GPSampler(
                seed=seed, n_startup_trials=1, deterministic_objective=False
            )
