"""K models of one architecture as one module: every parameter has a leading model axis."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from trainer.architectures import ARCHITECTURES
from trainer.architectures.single_model import build
from trainer.config.run import Precision, RunConfig
from trainer.config.schema import require
from trainer.distributions.gaussian import reparametrise
from trainer.distributions.prior import Prior, StandardNormal
from trainer.extensions import find
from trainer.likelihoods import LIKELIHOODS, likelihood_options
from trainer.nn.layers import Initialised
from trainer.objectives import OBJECTIVES, objective_options
from trainer.randomness import stream

DRAWS = 16


class Pack(nn.Module):
    """K VAEs that share all of `config` except seed, beta and learning rate.

    Parameters are uninitialised until `draw_parameters` or a loader sets them.

    size: K. latents: M. shape: (C, H, W) of an image.
    precision: of the products in layers during training; for "auto", set by the training code.
    objective, objective_options: what it minimises.
    objective_own, likelihood_own: modules learned by objective and likelihood; often None.
    adversary: the network trained against the objective, or None. prior: p(z).
    Raises FieldError for an unknown name, UserError for images that the architecture cannot handle.
    """

    def __init__(self, config: RunConfig, size: int, shape: tuple[int, int, int]):
        super().__init__()
        latents = config.latents
        self.size, self.latents, self.shape = size, latents, shape
        self.precision: Precision = "fp32" if config.precision == "auto" else config.precision
        architecture = partial(
            build, find(ARCHITECTURES, config, "architecture"), config.architecture
        )
        self.likelihood = find(LIKELIHOODS, config, "likelihood")
        self.objective = objective = find(OBJECTIVES, config, "objective")
        self.objective_options = options = objective_options(config)
        self.encoder: nn.Module
        self.decoder: nn.Module
        if objective.networks:
            self.encoder, self.decoder = objective.networks(
                architecture, size, shape, latents, options
            )
        else:
            self.encoder, self.decoder = architecture(size, shape, latents)
        if self.likelihood.outputs > 1:
            require(not objective.networks, "likelihood", "this objective builds its own decoder")
            given = (shape[0] * self.likelihood.outputs, *shape[1:])
            _, self.decoder = architecture(size, given, latents)
        self._likelihood_options = likelihood_options(config)
        self.likelihood_own = (
            self.likelihood.own(size, self._likelihood_options) if self.likelihood.own else None
        )
        self.objective_own = objective.own(size, latents, options) if objective.own else None
        adversary = objective.adversary
        self.adversary = adversary.network(size, latents, options) if adversary else None

    def draw_parameters(self, seeds: Sequence[int]) -> None:
        """Draws model k's parameters only from seeds[k], so it starts the same in any pack."""
        modules = [module for module in self.modules() if isinstance(module, Initialised)]

        def draw(model: int) -> None:
            generator = stream(seeds[model], "parameters")
            for module in modules:
                module.initialise(model, generator)

        # one generator draws 14 million weights in 0.1 s, and a GPU's pack has dozens of models
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(draw, range(len(seeds))))

    def autocast(self) -> torch.autocast:
        """A context in which layers compute in the run's precision during training."""
        device = next(self.parameters()).device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.precision == "bf16")

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), each (K, n, M).

        images: float32 in [0, 1], (K, n, C, H, W), or (n, C, H, W) shared by all models.
        """
        if images.ndim == 4:
            images = images.expand(self.size, *images.shape)
        mu, logvar = self.encoder(images).chunk(2, dim=-1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        """The decoder's output for z (K, n, M): (K, n, C, H, W), logits if Bernoulli."""
        return self.decoder(z)

    def means(self, z: Tensor) -> Tensor:
        """Mean images of p(x|z) in [0, 1], (K, n, C, H, W), for z (K, n, M)."""
        return self.likelihood.mean(self.decode(z))

    def log_likelihood(self, images: Tensor, decoded: Tensor) -> Tensor:
        """log p(x|z) in nats, (K, n), of images (K, n, C, H, W) given the output of `decode`."""
        options = self._likelihood_options
        return self.likelihood.log_prob(images, decoded, self.likelihood_own, options)

    def update_likelihood(self, images: Tensor, decoded: Tensor) -> None:
        """Updates what the likelihood learns in closed form; arguments as for `log_likelihood`."""
        if self.likelihood.update:
            options = self._likelihood_options
            self.likelihood.update(images, decoded, self.likelihood_own, options)

    def learned(self) -> dict[str, Tensor]:
        """What likelihood and objective learned besides the networks, by name, each (K, ...).

        Collected from their modules' methods of this name: the noise, the exponents.
        """
        found: dict[str, Tensor] = {}
        for own in (self.likelihood_own, self.objective_own):
            learned = getattr(own, "learned", None)
            found |= learned() if learned is not None else {}
        return {name: values.detach() for name, values in found.items()}

    @property
    def prior(self) -> Prior:
        """p(z): the objective's own, or N(0, I)."""
        own = self.objective_own
        return own if isinstance(own, Prior) else StandardNormal()

    def kl(self, mu: Tensor, logvar: Tensor, z: Tensor) -> Tensor:
        """KL(q(z|x) || p(z)) in nats per latent, all (K, n, M); see `Prior.kl`."""
        return self.prior.kl(mu, logvar, z)

    @torch.inference_mode()
    def mean_kl(self, images: Tensor) -> Tensor:
        """KL from the prior in nats per latent, mean over images (n, C, H, W): (K, M).

        Without a closed form it is estimated at DRAWS codes per image, the same on every call.
        """
        mu, logvar = (part.repeat(1, DRAWS, 1) for part in self.encode(images))
        noise = np.random.default_rng(0).standard_normal(mu.shape[1:], np.float32)
        z = reparametrise(mu, logvar, torch.from_numpy(noise).to(mu.device))
        return self.kl(mu, logvar, z).mean(1)

    def sample_prior(self, count: int, seed: int = 0) -> Tensor:
        """Samples of p(z) to decode, (K, count, M)."""
        z = self.prior.sample(self.size, count, self.latents, np.random.default_rng(seed))
        return z.to(next(self.parameters()).device)
