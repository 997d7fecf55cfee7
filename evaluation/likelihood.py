"""How well the models of a pack explain the images: reconstruction and KL, in nats per image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.data.dataset import Dataset
from trainer.distributions.gaussian import reparametrise
from trainer.models import Pack

_BATCH_NUMBERS = 2**25  # pixels decoded at once, over all models: 128 MiB


@dataclass(frozen=True)
class LowerBound:
    """The two terms of the evidence lower bound, means over images; it is reconstruction - kl.

    reconstruction: (K,) E_q log p(x|z), one sample z per image; negative for binary images.
    kl: (K,) KL(q(z|x) || p(z)), p(z) the model's prior. kl_per_latent: (K, M), sums to kl.
    information_per_latent: (K, M) I(x; z_m) in nats, an upper bound: the mean KL of q(z_m|x) from
        the Gaussian with mean and variance of all its samples.
    relative_error: (K,) squared error of the reconstructions over that of the mean image; 1 for a
        decoder that outputs the mean image for any z.
    images: number of images it was estimated on.
    """

    reconstruction: NDArray[np.float64]
    kl: NDArray[np.float64]
    kl_per_latent: NDArray[np.float64]
    information_per_latent: NDArray[np.float64]
    relative_error: NDArray[np.float64]
    images: int


def likelihood(pack: Pack, data: Dataset, seed: int = 0, images: int = 10_000) -> LowerBound:
    """Reconstruction and KL of every model on the same `images` images (all, if there are fewer).

    Images and the noise of z depend only on `seed`, and the noise is the same for every model, so a
    model's results do not depend on its pack.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(data), min(images, len(data)), replace=False))
    noise = torch.from_numpy(rng.standard_normal((len(chosen), pack.latents), np.float32))
    device = next(pack.parameters()).device
    batch = max(1, min(512, _BATCH_NUMBERS // (pack.size * int(np.prod(data.shape)))))
    # summed on the device: fetching each batch would wait for a GPU
    wide: dict[str, Any] = {"dtype": torch.float64, "device": device}
    reconstruction, error = torch.zeros(2, pack.size, **wide)
    kl = torch.zeros(pack.size, pack.latents, **wide)
    moments = torch.zeros(3, pack.size, pack.latents, **wide)
    pixel_sum, pixel_squares = torch.zeros(data.shape, **wide), torch.zeros((), **wide)
    with torch.no_grad():
        for start in range(0, len(chosen), batch):
            pixels = torch.from_numpy(np.asarray(data.images(chosen[start : start + batch])))
            image = pixels.to(device).float() / data.levels
            x = image.expand(pack.size, *pixels.shape)
            mu, logvar = pack.encode(x)
            z = reparametrise(mu, logvar, noise[start : start + batch].to(device))
            decoded = pack.decode(z)
            reconstruction += pack.log_likelihood(x, decoded).double().sum(dim=1)
            kl += pack.kl(mu, logvar, z).double().sum(dim=1)
            mu, logvar = mu.double(), logvar.double()
            parts = (mu, mu.square() + logvar.exp(), logvar)
            moments += torch.stack([part.sum(dim=1) for part in parts])
            off = pack.likelihood.mean(decoded) - x
            error += off.square().flatten(1).double().sum(dim=1)
            pixel_sum += image.double().sum(dim=0)
            pixel_squares += image.double().square().sum()
    n = len(chosen)
    reconstruction, kl, moments, error = (
        total.cpu() / n for total in (reconstruction, kl, moments, error)
    )
    mean, square, log_variance = moments
    spread = (square - mean.square()).clamp_min(torch.finfo(torch.float64).tiny)
    around_mean = float(pixel_squares / n - (pixel_sum / n).square().sum())
    return LowerBound(
        reconstruction=reconstruction.numpy(),
        kl=kl.sum(dim=1).numpy(),
        kl_per_latent=kl.numpy(),
        information_per_latent=(0.5 * (spread.log() - log_variance)).numpy(),
        relative_error=(error / max(around_mean, 1e-12)).numpy(),
        images=n,
    )
