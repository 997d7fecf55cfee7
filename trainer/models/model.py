"""One trained model for use: NumPy arrays in, NumPy arrays out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from trainer.config.run import RunConfig
from trainer.errors import UserError
from trainer.models.loading import load_pack, read_config
from trainer.models.pack import Pack
from trainer.models.traversal import traverse

BATCH = 512  # images at a time: bounds memory, changes nothing else

Images = NDArray[np.float32]


class Model:
    """A trained model. `config`: its configuration. `pack`: the model as a pack of one.

    Example:
        >>> from trainer import load_model                            # doctest: +SKIP
        >>> means, variances = load_model("runs/0").encode(images)    # doctest: +SKIP
    """

    def __init__(self, config: RunConfig, pack: Pack, levels: int):
        """A model in a pack of one; `levels`: the value of white in its uint8 images."""
        self.config, self.pack, self._levels = config, pack, levels

    @property
    def latents(self) -> int:
        """M, the number of latents."""
        return self.pack.latents

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of its images."""
        return self.pack.shape

    def encode(self, images: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Means and variances of q(z|x), (n, M) each.

        images: (n, C, H, W); floats in [0, 1], or uint8 as in its data set: 0 to 255, or 0 and 1
            if the data are black and white. Raises UserError for anything else.
        """
        pixels = self._pixels(images)
        with torch.inference_mode():
            parts = [self.pack.encode(self._placed(part)) for part in pixels.split(BATCH)]
            means = torch.cat([mu[0] for mu, _ in parts])
            variances = torch.cat([logvar[0].exp() for _, logvar in parts])
        return _array(means), _array(variances)

    def decode(self, z: ArrayLike) -> Images:
        """Mean images of p(x|z), (n, C, H, W) in [0, 1], for codes z (n, M)."""
        codes = torch.as_tensor(np.asarray(z, np.float32))
        if codes.ndim != 2 or codes.shape[1] != self.latents:
            raise UserError(f"expected codes (n, {self.latents}), got {tuple(codes.shape)}")
        return self._images(codes)

    def traverse(
        self,
        images: ArrayLike,
        latents: Sequence[int] | None = None,
        values: ArrayLike | None = None,
    ) -> Images:
        """Mean images while one latent at a time takes each value (Higgins et al. 2017, Fig. 6).

        images: (n, C, H, W) as for `encode`; latents that do not move keep their inferred means.
        latents: which ones move, one per row; by default all M in order.
        values: one per column, in standard deviations of a normal prior.
        Returns (n, rows, columns, C, H, W) in [0, 1].
        """
        moved = list(range(self.latents)) if latents is None else list(latents)
        if not moved or not all(0 <= latent < self.latents for latent in moved):
            raise UserError(f"expected latents from 0 to {self.latents - 1}, got {moved}")
        return traverse(self.pack, self._placed(self._pixels(images)), moved, values)[0]

    def sample(self, count: int, seed: int = 0) -> Images:
        """Mean images (count, C, H, W) in [0, 1] of codes drawn from the model's own prior.

        Exact draws from N(0, I) or the objective's prior, such as ISA-VAE's L^p-nested prior with
        its learned exponents, or InfoGAN's uniform prior of regularised and noise codes. `seed`
        determines the samples.
        """
        if count < 1:
            raise UserError(f"expected at least 1 sample, got {count}")
        return self._images(self.pack.sample_prior(count, seed)[0])

    def _images(self, codes: Tensor) -> Images:
        with torch.inference_mode():
            parts = [self.pack.means(self._placed(part)[None])[0] for part in codes.split(BATCH)]
            return _array(torch.cat(parts))

    def _placed(self, array: Tensor) -> Tensor:
        return array.to(next(self.pack.parameters()).device)

    def _pixels(self, images: ArrayLike) -> Tensor:
        """The images as float32 in [0, 1]. Raises UserError."""
        given = np.asarray(images)
        if given.ndim != 4 or given.shape[1:] != self.shape or not len(given):
            shape = ", ".join(map(str, self.shape))
            raise UserError(f"expected images (n, {shape}), got {given.shape}")
        if given.dtype.kind not in "uifb":
            raise UserError(f"expected uint8 images or floats in 0..1, got {given.dtype}")
        integers = given.dtype.kind in "ui"
        pixels = given.astype(np.float32) / (self._levels if integers else 1)
        if not (pixels.min() >= 0 and pixels.max() <= 1):  # also rejects NaN
            valid = f"integers from 0 to {self._levels}" if integers else "floats from 0 to 1"
            found = f"{given.min()} to {given.max()}"
            raise UserError(f"expected pixels as {valid}, got {found}; scale to floats in 0..1")
        return torch.from_numpy(pixels)


def load_model(folder: Path | str, device: torch.device | str = "cpu") -> Model:
    """The trained model in a run's folder. Raises UserError if there is none.

    Example: `load_model("store/runs/0123456789abcdef0123").sample(16)`.
    """
    saved = read_config(Path(folder))
    return Model(saved.config, load_pack([folder], device), saved.levels)


def _array(values: Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy()
