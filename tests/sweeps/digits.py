"""Digits in the files of MNIST, for what must run without a download."""

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_digits(folder: Path, count: int = 400) -> Path:
    """A folder in the format of MNIST: so many blots, labelled by their place."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, count).astype(np.uint8)
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[label + 4 : label + 12, 8:20] = rng.integers(120, 256, (8, 12))
    return _write(folder, images, labels)


def write_scanned_digits(folder: Path, count: int = 6_000) -> Path:
    """The same with the handwritten digits of scikit-learn, enlarged and at a random place."""
    from PIL import Image
    from sklearn.datasets import load_digits

    scanned, rng = load_digits(), np.random.default_rng(0)
    large = [
        np.asarray(Image.fromarray((image * 15.9).astype(np.uint8)).resize((20, 20), Image.BICUBIC))
        for image in scanned.images
    ]
    picked = rng.integers(0, len(large), count)
    images = np.zeros((count, 28, 28), np.uint8)
    for image, i in zip(images, picked, strict=True):
        top, left = rng.integers(2, 7, 2)
        image[top : top + 20, left : left + 20] = large[i]
    return _write(folder, images, scanned.target[picked].astype(np.uint8))


def _write(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Path:
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        head = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
        (folder / f"train-{name}-ubyte.gz").write_bytes(
            gzip.compress(head + array.tobytes(), mtime=0)
        )
    return folder
