"""`bayes`: Optuna's tree-structured Parzen estimator, for parameters of any kind."""

from typing import TYPE_CHECKING

from sweeps.search.optuna_method import ByStudy

if TYPE_CHECKING:
    import optuna


class Bayes(ByStudy):
    """TPE (Bergstra et al. 2011), multivariate, with a constant liar for running settings."""

    def sampler(self, seed: int) -> "optuna.samplers.BaseSampler":
        """Optuna's sampler for one proposal."""
        import optuna

        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=1, constant_liar=True, multivariate=True
        )
