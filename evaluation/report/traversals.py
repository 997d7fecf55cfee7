"""Latent traversals of finished runs, for the figures and the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from evaluation.analysis.settings.names import run_label
from evaluation.analysis.table import RunRow
from trainer.data.dataset import Dataset
from trainer.errors import UserError
from trainer.models import load_pack
from trainer.models.traversal import traverse, values_of
from trainer.run_files import MODEL_FILE


@dataclass(frozen=True)
class Traversal:
    """Traversals of one model from several images, with what a figure needs to say about them.

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


def by_kl(kl_per_latent: ArrayLike, rows: int | None = None) -> NDArray[np.int64]:
    """The latents (..., rows) from the highest KL to the lowest, for KLs (..., M) in nats."""
    order = np.argsort(-np.asarray(kl_per_latent), axis=-1, kind="stable")
    return order[..., :rows]


def is_kept(folder: Path) -> bool:
    """Whether the folder of a run contains its model; for some runs only scores are kept."""
    return (folder / MODEL_FILE).is_file()


def traverse_run(row: RunRow, data: Dataset, indices: Sequence[int], rows: int = 10) -> Traversal:
    """Traversals of a finished run from the images at `indices`, of its `rows` highest-KL latents.

    Raises UserError when the run's folder is unknown.
    """
    if row.folder is None:
        raise UserError(f"run {row.run} has no folder to load its model from")
    pack = load_pack([row.folder])
    inputs = torch.from_numpy(data.images(indices)).float() / data.levels
    kl = np.array(row.kl_per_latent or pack.mean_kl(inputs)[0].double().numpy())
    latents = by_kl(kl, rows)
    with torch.inference_mode():
        reconstructions = pack.means(pack.encode(inputs)[0])[0]
    return Traversal(
        title=f"{run_label(row)}, score {row.score:.3f}",
        latents=latents,
        kl=kl[latents],
        values=values_of(pack),
        images=traverse(pack, inputs, latents)[0],
        inputs=inputs.numpy(),
        reconstructions=reconstructions.numpy(),
    )
