"""The prior of ISA-VAE for K models: an L^p-nested distribution with fixed or learned exponents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from trainer.config.schema import require
from trainer.distributions import lp_nested
from trainer.distributions.gaussian import log_density

# Stühmer et al. 2019, Sec. 4: on dSprites, and the initial value for learning
P1_FIXED, P1_LEARNED = 2.2, 2.0


@dataclass(frozen=True)
class IsaOptions:
    """The layout and the exponents of the prior (Stühmer et al. 2019, Sec. 4 and A.5).

    subspaces: their number, if all have the same size, or the size of each; the paper has 5
        subspaces of 4 or 5 latents.
    p0: exponent of the root. If it equals p1, all latents are independent.
    p1: exponent within the subspaces; its initial value if it is learned. By default 2.2 if fixed
        and 2.0 if learned, as in the paper.
    exponents: whether each subspace learns its own p1 along with the networks.
    scale: s of Eq. 11. The paper does not state it; 2 makes p0 = p1 = 2 the standard normal.
    """

    subspaces: int | tuple[int, ...] = 5
    p0: float = 2.1
    p1: float | None = None
    exponents: Literal["fixed", "learned"] = "fixed"
    scale: float = 2.0

    def __post_init__(self) -> None:
        sizes = (self.subspaces,) if isinstance(self.subspaces, int) else self.subspaces
        require(len(sizes) > 0 and min(sizes) > 0, "subspaces", "expected 1 or more")
        for name in ("p0", "p1", "scale"):
            value = getattr(self, name)
            require(value is None or value > 0, name, "expected a positive number")

    @property
    def first_p1(self) -> float:
        """p1 before any training."""
        if self.p1 is not None:
            return self.p1
        return P1_FIXED if self.exponents == "fixed" else P1_LEARNED

    def sizes(self, latents: int) -> tuple[int, ...]:
        """Latents of each subspace. Raises FieldError when they do not add up to `latents`."""
        if isinstance(self.subspaces, int):
            require(
                latents % self.subspaces == 0,
                "subspaces",
                f"{latents} latents cannot be split into {self.subspaces} equal subspaces; "
                "choose a divisor, or list the size of each",
            )
            return (latents // self.subspaces,) * self.subspaces
        require(
            sum(self.subspaces) == latents,
            "subspaces",
            f"sizes {list(self.subspaces)} add up to {sum(self.subspaces)}, not {latents} latents",
        )
        return self.subspaces


class IsaPrior(nn.Module):
    """p(z) of `trainer.distributions.lp_nested` for K models. `log_p1`: (K, l0), log p1."""

    def __init__(self, size: int, latents: int, options: IsaOptions):
        super().__init__()
        self.options, self.layout = options, options.sizes(latents)
        learned = options.exponents == "learned"
        self.log_p1 = nn.Parameter(torch.empty(size, len(self.layout)), requires_grad=learned)

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Sets the exponents of one model to their initial value."""
        with torch.no_grad():
            self.log_p1[model].fill_(self.options.first_p1).log_()

    def learned(self) -> dict[str, Tensor]:
        """ "exponents" (K, l0): p1 of each subspace; empty if they are fixed."""
        learned = self.options.exponents == "learned"
        return {"exponents": self.log_p1.exp()} if learned else {}

    def kl(self, mu: Tensor, logvar: Tensor, z: Tensor) -> Tensor:
        """log q(z|x) - log p(z) in nats, (K, n, M); the sum over M estimates the KL (Eq. 12)."""
        options = self.options
        negative_log_p = lp_nested.negative_log_density(
            z, self.layout, options.p0, self.log_p1.exp(), options.scale
        )
        return log_density(z, mu, logvar) + negative_log_p

    def sample(self, size: int, count: int, latents: int, rng: np.random.Generator) -> Tensor:
        """Exact samples, (K, count, M), model after model."""
        samples = [self._sample(count, p1, rng) for p1 in self.log_p1.detach().exp().tolist()]
        return torch.stack(samples)

    def _sample(self, count: int, p1: Sequence[float], rng: np.random.Generator) -> Tensor:
        options = self.options
        z = lp_nested.sample(count, self.layout, options.p0, p1, options.scale, rng)
        return torch.from_numpy(z).float()
