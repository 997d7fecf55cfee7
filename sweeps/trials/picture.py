"""An image of each run's latent traversals, small enough to be made for every run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from evaluation.report.traversals import by_kl
from trainer.data.dataset import Dataset
from trainer.data.holdout import unseen
from trainer.files import replacing
from trainer.models import Pack, load_pack
from trainer.models.traversal import traverse
from trainer.run_files import MODEL_FILE, TRAVERSAL_FILE

ROWS = 10  # the latents with the highest KL


def write_traversals(folders: Sequence[Path], data: Dataset) -> None:
    """Writes traversal.png into each run folder that has a model but no such file yet.

    Rows are latents, highest KL first; columns vary one over [-3, 3] (Higgins et al. 2017, Fig. 4),
    or over the whole range of a bounded prior.
    """
    for folder in folders:
        if (folder / MODEL_FILE).exists() and not (folder / TRAVERSAL_FILE).exists():
            draw_traversals(load_pack([folder]), [folder], data)


def draw_traversals(pack: Pack, folders: Sequence[Path], data: Dataset) -> None:
    """Like `write_traversals`, for the models of a pack in memory; one folder per model.

    They start from a held-out image if there is one.
    """
    data = unseen(data)
    image = torch.from_numpy(data.images([len(data) // 2])).float() / data.levels
    image = image.to(next(pack.parameters()).device)
    grids = traverse(pack, image, by_kl(pack.mean_kl(image).cpu().numpy(), ROWS))[:, 0]
    for folder, images in zip(folders, grids, strict=True):
        with replacing(folder / TRAVERSAL_FILE) as partial:
            Image.fromarray(_grid(images)).save(partial, format="png")


def _grid(images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Images (rows, columns, C, H, W) in [0, 1] as one image of bytes (height, width, 3)."""
    rows, columns, channels, height, width = images.shape
    image = images.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    if channels == 1:
        image = image.repeat(3, axis=2)
    return (image.clip(0, 1) * 255).round().astype(np.uint8)
