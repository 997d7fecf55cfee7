"""Which likelihood is a good default: each of three, on images that are not black and white.

    python -m tests.benchmarks.likelihood_choice [--betas 1 4] [--steps 1500] [--mnist FOLDER]
        [--faces FILE.npy] [--json PATH]

On colour shapes (made here), scikit-learn's digits, and MNIST and faces (an array of grey images in
0..1 or 0..255) where given, an `mlp` of 10 latents is trained by beta-VAE with each likelihood.

kl: nats per image. live: latents with a KL of 0.01 nats or more. explained: the part of the pixels'
variance that reconstructions of the means explain; 0 for the mean image.
factors: of colour shapes, how well the best latent knows each factor: the greatest correlation of
    a latent's mean with the factor, mean over x, y and size.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from tests.benchmarks.output import add_json, show
from trainer.config.run import DatasetConfig, OptimizerConfig, RunConfig
from trainer.data import load
from trainer.data.dataset import Dataset
from trainer.models import load_pack
from trainer.training.loop import train

LIKELIHOODS = ("bernoulli", "gaussian", "gaussian_learned")
COLUMNS = {
    "data": ("images", ""),
    "likelihood": ("likelihood", ""),
    "beta": ("beta", "g"),
    "kl": ("KL, nats", ".2f"),
    "live": ("live of 10", "d"),
    "explained": ("variance explained", ".3f"),
    "factors": ("factors known", ".3f"),
}


def colour_shapes(side: int = 24) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Smooth discs and squares of every place, size and colour (n, side, side, 3); x, y, size."""
    rng = np.random.default_rng(0)
    factors = rng.uniform([7, 7, 3], [side - 7, side - 7, 6], (3000, 3))
    colours = rng.uniform(0.3, 1, (3000, 1, 1, 3))
    y, x = np.mgrid[:side, :side] + 0.5
    dx, dy = x - factors[:, 0, None, None], y - factors[:, 1, None, None]
    disc = rng.random(3000)[:, None, None] < 0.5
    distance = np.where(disc, np.hypot(dx, dy), np.maximum(abs(dx), abs(dy)))
    inside = np.clip(factors[:, 2, None, None] - distance + 0.5, 0, 1)[..., None]
    images = 0.15 * (1 - inside) + colours * inside
    return np.uint8(255 * images), factors


def of_array(images: NDArray, folder: Path) -> Dataset:
    """Any array of images as a data set."""
    path = folder / f"{len(list(folder.iterdir()))}.npy"
    np.save(path, np.uint8(images))
    return load("folder", path=str(path))


def figures(data: Dataset, known: NDArray | None, arguments: Any, likelihood: str) -> list[dict]:
    """One row per beta."""
    configs = [
        RunConfig(
            DatasetConfig(data.name),
            beta=beta,
            latents=10,
            likelihood=likelihood,
            architecture="mlp",
            optimizer=OptimizerConfig(lr=1e-3),
            steps=arguments.steps,
        )
        for beta in arguments.betas
    ]
    with tempfile.TemporaryDirectory() as root:
        folders = [Path(root) / str(k) for k in range(len(configs))]
        train(configs, data, folders)
        pack = load_pack(folders)
    images = torch.from_numpy(data.images(np.arange(min(len(data), 3000)))).float() / data.levels
    with torch.inference_mode():
        mu, logvar = pack.encode(images)
        kl = pack.kl(mu, logvar, mu).mean(1)
        error = (pack.means(mu) - images).square().sum((1, 2, 3, 4))
    spread = (images - images.mean(0)).square().sum()
    rows = []
    for k, beta in enumerate(arguments.betas):
        row = {"likelihood": likelihood, "beta": beta, "kl": kl[k].sum().item()}
        row |= {"live": int((kl[k] >= 0.01).sum()), "explained": (1 - error[k] / spread).item()}
        row["factors"] = None if known is None else _known(mu[k].numpy(), known)
        rows.append(row)
    return rows


def _known(codes: NDArray, factors: NDArray) -> float:
    latents = codes.shape[1]
    noise = 1e-9 * np.random.default_rng(0).normal(size=codes.shape)  # of constant latents, too
    found = np.corrcoef((codes + noise).T, factors.T)
    return float(np.abs(found[:latents, latents:]).max(axis=0).mean())


def main() -> None:
    """Trains and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--betas", type=float, nargs="+", default=[1, 4])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--mnist", type=Path, help="folder of the IDX files as published")
    parser.add_argument("--faces", type=Path)
    add_json(parser)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as root:
        shapes, factors = colour_shapes()
        sets: dict[str, tuple[Dataset, NDArray | None]] = {
            "colour shapes": (of_array(shapes, Path(root)), factors),
            "digits 8x8": (of_array(load_digits().images * 15.9, Path(root)), None),
        }
        if arguments.mnist:
            sets["MNIST"] = load("mnist", path=str(arguments.mnist), split="test"), None
        if arguments.faces:
            faces = np.load(arguments.faces)
            sets["faces"] = of_array(faces * (255 if faces.max() <= 1 else 1), Path(root)), None
        for name, (data, known) in sets.items():
            for likelihood in LIKELIHOODS:
                rows += [{"data": name} | r for r in figures(data, known, arguments, likelihood)]
    show(rows, arguments, COLUMNS)


if __name__ == "__main__":
    main()
