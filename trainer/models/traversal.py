"""Latent traversals: what each latent does to an image while all others keep their means."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from trainer.models.pack import Pack

VALUES = np.linspace(-3.0, 3.0, 9)  # three standard deviations of the prior to either side


def values_of(pack: Pack) -> NDArray[np.float64]:
    """The values that latents take: three standard deviations of a normal prior to either side, or
    the whole range of a bounded prior such as InfoGAN's."""
    return VALUES * (getattr(pack.prior, "reach", VALUES[-1]) / VALUES[-1])


@torch.inference_mode()
def traverse(
    pack: Pack, images: Tensor, latents: ArrayLike, values: ArrayLike | None = None
) -> NDArray[np.float32]:
    """Decoded means while one latent at a time takes each value (Higgins et al. 2017, Fig. 6).

    images: (n, C, H, W) in [0, 1]; each is encoded, and latents that do not move keep their means.
    latents: (K, rows), or (rows,) for all models: the latent that each row moves.
    values: (columns,); by default those of `values_of`.
    Returns (K, n, rows, columns, C, H, W) in [0, 1].
    """
    mu, _ = pack.encode(images)
    moved = torch.as_tensor(np.broadcast_to(latents, (pack.size, np.shape(latents)[-1])).copy())
    values = values_of(pack) if values is None else values
    places = torch.as_tensor(np.asarray(values), dtype=mu.dtype, device=mu.device)
    by_image = [
        _traverse_one(pack, mu[:, i], moved.to(mu.device), places) for i in range(mu.shape[1])
    ]
    return np.stack(by_image, axis=1)


def _traverse_one(pack: Pack, mu: Tensor, latents: Tensor, values: Tensor) -> NDArray[np.float32]:
    """(K, rows, columns, C, H, W) around the inferred means `mu` (K, M) of one image."""
    (models, size), rows, columns = mu.shape, latents.shape[1], len(values)
    z = mu[:, None, None, :].repeat(1, rows, columns, 1)
    z.scatter_(
        dim=3,
        index=latents[:, :, None, None].expand(-1, -1, columns, 1),
        src=values[None, None, :, None].expand(models, rows, -1, -1),
    )
    means = pack.means(z.reshape(models, rows * columns, size))
    return means.reshape(models, rows, columns, *means.shape[2:]).float().cpu().numpy()
