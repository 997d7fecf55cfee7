"""Latent traversals: what each latent does to an image while all others stay as inferred."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from evaluation.analysis.table import RunRow
from trainer.data.dataset import Dataset
from trainer.errors import UserError
from trainer.models import Pack, load_model

VALUES = np.linspace(-3.0, 3.0, 9)  # three standard deviations of the prior to either side


@dataclass(frozen=True)
class Traversal:
    """Traversals of one model from several images, with what a figure must say about them.

    latents, kl: (rows,) which latent each row moves, highest KL first, and its KL in nats.
    values: (columns,) what the latent is set to.
    images: (n, rows, columns, C, H, W) decoded means in [0, 1].
    inputs, reconstructions: (n, C, H, W) the images that were encoded, and their decoded means.
    """

    title: str
    latents: NDArray[np.int64]
    kl: NDArray[np.float64]
    values: NDArray[np.float64]
    images: NDArray[np.float32]
    inputs: NDArray[np.float32]
    reconstructions: NDArray[np.float32]


@torch.inference_mode()
def traverse(
    pack: Pack, images: Tensor, latents: ArrayLike, values: ArrayLike = VALUES
) -> NDArray[np.float32]:
    """Decoded means while one latent at a time takes each value (Higgins et al. 2017, Fig. 6).

    images: (n, C, H, W) in [0, 1]; each is encoded, and latents that do not move keep its means.
    latents: (K, rows), or (rows,) for all models alike: the latent that each row moves.
    values: (columns,). Returns (K, n, rows, columns, C, H, W) in [0, 1].
    """
    mu, _ = pack.encode(images)
    moved = torch.as_tensor(np.broadcast_to(latents, (pack.size, np.shape(latents)[-1])).copy())
    places = torch.as_tensor(np.asarray(values), dtype=mu.dtype, device=mu.device)
    by_image = [
        _traverse_one(pack, mu[:, i], moved.to(mu.device), places) for i in range(mu.shape[1])
    ]
    return np.stack(by_image, axis=1)


def by_kl(kl_per_latent: ArrayLike, rows: int | None = None) -> NDArray[np.int64]:
    """The latents (..., rows) from the highest KL to the lowest, for KLs (..., M) in nats."""
    order = np.argsort(-np.asarray(kl_per_latent), axis=-1, kind="stable")
    return order[..., :rows]


def traverse_run(row: RunRow, data: Dataset, indices: Sequence[int], rows: int = 10) -> Traversal:
    """Traversals of a finished run from the images at `indices`, of its `rows` latents of most KL.

    Raises UserError when the run's folder is not known.
    """
    if row.folder is None:
        raise UserError(f"run {row.run} has no folder to load its model from")
    pack = load_model(row.folder)
    inputs = torch.from_numpy(data.images(indices)).float() / data.levels
    kl = np.array(row.kl_per_latent) if row.kl_per_latent else _mean_kl(pack, inputs)
    latents = by_kl(kl, rows)
    with torch.inference_mode():
        reconstructions = pack.means(pack.encode(inputs)[0])[0]
    return Traversal(
        title=f"β = {row.beta:.3g}, M = {row.latents}, seed {row.seed}, score {row.score:.3f}",
        latents=latents,
        kl=kl[latents],
        values=VALUES,
        images=traverse(pack, inputs, latents)[0],
        inputs=inputs.numpy(),
        reconstructions=reconstructions.numpy(),
    )


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


@torch.inference_mode()
def _mean_kl(pack: Pack, images: Tensor) -> NDArray[np.float64]:
    """KL from the prior of each latent (M,) in nats, mean over images, of a pack of one model."""
    mu, logvar = pack.encode(images)
    return (0.5 * (mu**2 + logvar.exp() - 1 - logvar)).mean(dim=1)[0].double().cpu().numpy()
