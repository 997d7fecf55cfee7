"""The configuration of one run: every choice that affects its result, as a frozen dataclass."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from trainer.config.schema import MAX_NUMBER, require

RESULT_FORMAT = 1  # incremented whenever the same configuration would produce a different result
Precision = Literal["fp32", "tf32", "bf16"]  # of the products in layers
# keys that all models of a loaded pack share: they determine its parameters and their meaning
PACK_KEYS = (
    "architecture",
    "latents",
    "likelihood",
    "likelihood_options",
    "objective",
    "objective_options",
    "sources",
)


@dataclass(frozen=True)
class DatasetConfig:
    """A data set by name, and the options of its loader."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OptimizerConfig:
    """Optimiser and learning rate.

    initial_accumulator: for Adagrad; the default is TensorFlow's at the time of the paper.
    beta1, beta2: Adam's decay rates of the two moments.
    """

    name: Literal["adam", "adagrad", "rmsprop"] = "adam"
    lr: float = 1e-3
    initial_accumulator: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.999

    def __post_init__(self) -> None:
        require(self.lr > 0, "lr", "expected a positive number")
        require(self.initial_accumulator >= 0, "initial_accumulator", "expected 0 or more")
        for name in ("lr", "initial_accumulator"):
            value = getattr(self, name)
            require(value <= MAX_NUMBER, name, f"expected at most {MAX_NUMBER:g}, got {value:g}")
        for name in ("beta1", "beta2"):
            require(0 <= getattr(self, name) < 1, name, "expected 0 or more, and less than 1")


MAX_VALUES = {"latents": 100_000, "batch_size": 10_000_000, "steps": 1_000_000_000}


@dataclass(frozen=True)
class RunConfig:
    """One model: one setting and one seed.

    beta: weight of the KL term, 0 or more (Higgins et al. 2017, Eq. 4).
    latents: M, the number of latent units.
    steps: optimiser steps, each over `batch_size` images drawn uniformly with replacement.
    objective_options: hyperparameters of the objective other than beta, by name.
    likelihood_options: hyperparameters of the likelihood, e.g. the variance of its noise.
    precision: of the products in training; sums and parameters have 32 bits. fp32; tf32, which uses
        19 bits and is fp32 on a CPU; bf16; auto, the fastest that the device offers.
    sources: the user's own source code that the names above refer to, by file or module; see
        trainer.extensions.
    """

    dataset: DatasetConfig
    beta: float = 1.0
    latents: int = 10
    seed: int = 0
    objective: str = "beta_vae"
    objective_options: Mapping[str, Any] = field(default_factory=dict)
    likelihood: str = "bernoulli"
    likelihood_options: Mapping[str, Any] = field(default_factory=dict)
    architecture: str = "fc1200"
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    batch_size: int = 64
    steps: int = 10_000
    precision: Literal["fp32", "tf32", "bf16", "auto"] = "fp32"
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(self.beta >= 0, "beta", f"expected 0 or more, got {self.beta}")
        most = f"expected at most {MAX_NUMBER:g}, got {self.beta}"
        require(self.beta <= MAX_NUMBER, "beta", most)
        for name in ("latents", "batch_size", "steps"):
            value, maximum = getattr(self, name), MAX_VALUES[name]
            require(value > 0, name, f"expected 1 or more, got {value}")
            require(value <= maximum, name, f"expected at most {maximum:,}, got {value:,}")
        require(self.seed >= 0, "seed", f"expected 0 or more, got {self.seed}")
        # names of objective, architecture and likelihood are checked by their registries

    def as_mapping(self) -> dict[str, Any]:
        """The mapping from which `build` restores it; without `sources` if there are none."""
        values = dataclasses.asdict(self)
        if not self.sources:
            del values["sources"]
        return values

    def identity(self, data_fingerprint: str) -> str:
        """Name of the run's folder: 20 hex digits hashed from everything that affects its result.

        The data set enters by the fingerprint of its pixels, not its name or path.
        """
        return self.identities(data_fingerprint, [self.seed])[0]

    def identities(self, data_fingerprint: str, seeds: Sequence[int]) -> list[str]:
        """As `identity`, for the same configuration with each of these seeds."""
        decisive = self.as_mapping() | {"dataset": data_fingerprint, "format": RESULT_FORMAT}
        return [digest(decisive | {"seed": seed}) for seed in seeds]


def digest(value: object) -> str:
    """20 hex digits of SHA-256 over the canonical JSON of `value`."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
