"""How well the models of a pack explain the images: reconstruction and KL, in nats an image."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.data.dataset import Dataset
from trainer.distributions.gaussian import reparametrise
from trainer.models import Pack

_BATCH_NUMBERS = 2**25  # pixels decoded at once, over all models: 128 MiB


@dataclass(frozen=True)
class Likelihood:
    """The two terms of the evidence lower bound, means over images; it is reconstruction - kl.

    reconstruction: (K,) E_q log p(x|z), one sample z an image; negative for binary images.
    kl: (K,) KL(q(z|x) || p(z)), p(z) the model's prior. kl_per_latent: (K, M); sums to kl over M.
    images: number of images it was estimated on.
    """

    reconstruction: NDArray[np.float64]
    kl: NDArray[np.float64]
    kl_per_latent: NDArray[np.float64]
    images: int


def likelihood(pack: Pack, data: Dataset, seed: int = 0, images: int = 10_000) -> Likelihood:
    """Reconstruction and KL of every model on the same `images` images (all, when there are fewer).

    Images and the noise of z come from `seed` alone, and the noise is the same for every model, so
    a model's figures do not depend on its pack.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(data), min(images, len(data)), replace=False))
    noise = torch.from_numpy(rng.standard_normal((len(chosen), pack.latents), np.float32))
    device = next(pack.parameters()).device
    batch = max(1, min(512, _BATCH_NUMBERS // (pack.size * int(np.prod(data.shape)))))
    # summed up where they are: fetched batch by batch, each would wait for a GPU
    reconstruction = torch.zeros(pack.size, dtype=torch.float64, device=device)
    kl = torch.zeros(pack.size, pack.latents, dtype=torch.float64, device=device)
    with torch.no_grad():
        for start in range(0, len(chosen), batch):
            pixels = torch.from_numpy(np.asarray(data.images(chosen[start : start + batch])))
            x = (pixels.to(device).float() / data.levels).expand(pack.size, *pixels.shape)
            mu, logvar = pack.encode(x)
            z = reparametrise(mu, logvar, noise[start : start + batch].to(device))
            log_p = pack.log_likelihood(x, pack.decode(z))
            reconstruction += log_p.double().sum(dim=1)
            kl += pack.kl(mu, logvar, z).double().sum(dim=1)
    reconstruction, kl = reconstruction.cpu(), kl.cpu() / len(chosen)
    return Likelihood(
        reconstruction=(reconstruction / len(chosen)).numpy(),
        kl=kl.sum(dim=1).numpy(),
        kl_per_latent=kl.numpy(),
        images=len(chosen),
    )
