"""One made-up batch, for the formulas to be transcribed on."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from trainer.config.run import RunConfig
from trainer.distributions.gaussian import reparametrise
from trainer.likelihoods import LIKELIHOODS
from trainer.objectives import OBJECTIVES, objective_options
from trainer.objectives.objective import Batch

K, N, M, SHAPE, IMAGES = 2, 5, 4, (1, 2, 3), 100


def batch(dtype: torch.dtype = torch.float64, **changes: Any) -> Batch:
    """K models, N images, M latents; the same numbers in every precision."""
    generator = torch.Generator().manual_seed(3)

    def draw(*size: int) -> Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64).to(dtype)

    x, decoded = (draw(K, N, *SHAPE) > 0).to(dtype), 3 * draw(K, N, *SHAPE)
    mu, logvar, noise = draw(K, N, M), draw(K, N, M), draw(K, N, M)
    values: dict[str, Any] = {
        "x": x,
        "decoded": decoded,
        "mu": mu,
        "logvar": logvar,
        "z": reparametrise(mu, logvar, noise),
        "log_px": LIKELIHOODS["bernoulli"].log_prob(x, decoded, None, None),
        "beta": torch.tensor([1.0, 4.0], dtype=dtype),
        "step": after(0),
        "images": IMAGES,
        "active": torch.tensor([[True, False, False, False], [False, True, True, False]]),
    }
    return Batch(**(values | changes))


def after(steps: int) -> Tensor:
    """The `step` of a batch."""
    return torch.tensor(float(steps), dtype=torch.float64)


def initialised(module: nn.Module, dtype: torch.dtype = torch.float64) -> nn.Module:
    """The packed module with initial values, model k's from seed k."""
    module.to(dtype)
    for layer in module.modules():
        if hasattr(layer, "initialise"):
            for model in range(K):
                layer.initialise(model, torch.Generator().manual_seed(model))
    return module


def terms_of(config: RunConfig, b: Batch) -> dict[str, Tensor]:
    """The terms of the run's objective on a batch, with what the objective learns at its start."""
    objective, options = OBJECTIVES[config.objective], objective_options(config)
    own = initialised(objective.own(K, M, options), b.mu.dtype) if objective.own else None
    against = objective.adversary
    adversary = initialised(against.network(K, M, options), b.mu.dtype) if against else None
    changed = {**vars(b), "own": own, "adversary": adversary}
    return dict(objective.terms(Batch(**changed), options))


def items(b: Batch) -> Iterator[tuple[int, int]]:
    """Every model and image."""
    for model in range(len(b.mu)):
        for image in range(b.mu.shape[1]):
            yield model, image
