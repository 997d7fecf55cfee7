"""Made-up digits in the files of MNIST, for what must run without a download."""

import gzip
import struct
from pathlib import Path

import numpy as np


def write_digits(folder: Path, count: int = 400) -> Path:
    """A folder in the format of MNIST: so many blots, labelled by their place."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, count).astype(np.uint8)
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[label + 4 : label + 12, 8:20] = rng.integers(120, 256, (8, 12))
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        head = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
        (folder / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    return folder
