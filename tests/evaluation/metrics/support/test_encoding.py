"""Metrics that look at the same images encode them once, and their figures are the same bits."""

import dataclasses

import numpy as np
import torch
from torch import Tensor

from evaluation.metrics import METRICS
from evaluation.metrics.support.encoding import Remembering, encode
from tests.evaluation.metrics.toys import Toy, noisy, pack, rotated, standard

SIZES = {"shape": 3, "scale": 4, "posX": 8, "posY": 8}
NEED_POSTERIOR = ("mig", "udr", "indicators")


class Counting:
    """A pack of two encoders, and how many images it has encoded."""

    def __init__(self) -> None:
        perfect = standard(SIZES)
        self.encoder = pack(noisy(perfect, 0.1), noisy(rotated(perfect, 1, 2, 30), 0.3))
        self.images = 0

    def means(self, x: Tensor) -> Tensor:
        self.images += len(x)
        return self.encoder(x)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = self.means(x)
        return mu, mu.square() - 4


def figures(remember: bool) -> tuple[dict[str, dict], int]:
    """What every metric gives, and how many images were encoded."""
    counting = Counting()
    represent, posterior = counting.means, counting.posterior
    if remember:
        represent, posterior = Remembering(represent), Remembering(posterior)
    results = {}
    for name, metric in METRICS.items():
        extra = {"posterior": posterior} if name in NEED_POSTERIOR else {}
        results[name] = dataclasses.asdict(metric(represent, Toy(SIZES), 0, **extra))
    return results, counting.images


def test_all_metrics_give_the_same_bits_for_fewer_images() -> None:
    plain, encoded = figures(remember=False)
    remembered, fewer = figures(remember=True)
    for name, fields in plain.items():
        for key, value in fields.items():
            np.testing.assert_array_equal(value, remembered[name][key], f"{name}.{key}")
    assert fewer < encoded / 3


def test_a_set_of_images_is_encoded_once_and_a_tuple_is_joined() -> None:
    counting = Counting()
    remembering, data = Remembering(counting.posterior), Toy(SIZES)
    first = encode(remembering, data, [5, 3, 3, 9])
    assert counting.images == 3
    assert (
        first.tensor.shape[-1] == 2 * counting.means(torch.from_numpy(data.images([3]))).shape[-1]
    )
    again = encode(remembering, data, [9, 5, 3])
    assert again.tensor is first.tensor
    assert counting.images == 4
    other = encode(remembering, data, [9, 5])
    assert torch.equal(other.tensor, first.tensor[:, 1:])
    assert counting.images == 6
