"""How fast the disentanglement metric is, beside the way of disentanglement_lib: point after point.

    python -m tests.benchmarks.metric [--points 150] [--architecture fc1200] [--all] [--json PATH]

Both take the "dlib" protocol (L = 64, 10,000 + 5,000 points, logistic regression) on all dSprites
images at 64x64, with the same untrained encoder of ten latents. The literal way draws 64 pairs of
factor vectors for each point, fetches both batches of images, encodes each, averages; it is timed
on `--points` points and scaled up to 15,000, without its classifier. Ours is timed whole, with it;
with `--all` also when the pairs may come from every image instead of 65,536 of them.
"""

import argparse
import time

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics.higgins import higgins
from evaluation.metrics.support.encoding import Represent
from tests.benchmarks.output import add_json, show_figures
from trainer.config.run import DatasetConfig, RunConfig
from trainer.data import Dataset, load
from trainer.models import Pack

PAIRS, TRAIN, TEST = 64, 10_000, 5_000


def untrained(architecture: str, data: Dataset) -> Represent:
    """Means of an encoder as training would start from."""
    config = RunConfig(DatasetConfig("dsprites"), latents=10, architecture=architecture)
    pack = Pack(config, 1, data.shape).requires_grad_(False).eval()
    pack.draw_parameters([0])
    return lambda images: pack.encode(images)[0][0]


def literal_points(
    represent: Represent, data: Dataset, points: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """z_diff (points, M) and y (points,), one point and two batches of images at a time."""
    rng, sizes = np.random.default_rng(0), tuple(data.factors.values())
    z_diff, y = [], []
    for _ in range(points):
        factor = rng.integers(len(sizes))
        first, second = (rng.integers(sizes, size=(PAIRS, len(sizes))) for _ in range(2))
        second[:, factor] = first[:, factor]
        codes = []
        for factors in (first, second):
            images = data.images(np.ravel_multi_index(tuple(factors.T), sizes))
            codes.append(represent(torch.from_numpy(images).float() / data.levels).numpy())
        z_diff.append(np.abs(codes[0] - codes[1]).mean(axis=0))
        y.append(factor)
    return np.array(z_diff), np.array(y)


def measure(points: int, architecture: str, every_image: bool) -> dict[str, float]:
    """All figures, by name; times in seconds."""
    data = load("dsprites")
    data.images([0])  # rendered and cached before the clock starts
    represent = untrained(architecture, data)
    literal_points(represent, data, 5)

    start = time.perf_counter()
    literal_points(represent, data, points)
    literal = (time.perf_counter() - start) * (TRAIN + TEST) / points

    figures: dict[str, float] = {"literal_seconds": literal, "literal_points_measured": points}
    for name, images in {"": 65_536, "_all_images": len(data)}.items():
        if not name or every_image:
            start = time.perf_counter()
            result = higgins(represent, data, protocol="dlib", images=images)
            seconds = time.perf_counter() - start
            figures |= {
                f"seconds{name}": seconds,
                f"images_encoded{name}": result.images,
                f"score{name}": float(result.score),
                f"times_less{name}": literal / seconds,
            }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--points", type=int, default=150, help="points the literal way is timed on"
    )
    parser.add_argument("--architecture", default="fc1200")
    parser.add_argument("--all", action="store_true", help="time pairs from every image as well")
    add_json(parser)
    options = parser.parse_args()
    figures = measure(options.points, options.architecture, options.all)
    show_figures(figures, options)


if __name__ == "__main__":
    main()
