"""Draws depend on the model and the step alone; pixels come out as the data set has them."""

import numpy as np
import pytest
import torch

from tests.trainer.shapes import Shapes
from trainer.randomness import stream
from trainer.training.batches import (
    BLOCK,
    Draws,
    Pixels,
    images_on,
    unpack_on_cpu,
    unpack_on_device,
)

CPU = torch.device("cpu")


def test_draws_depend_only_on_seed_and_step() -> None:
    pack = Draws([3, 4, 5], 100, 8, 2, CPU)
    alone = Draws([4], 100, 8, 2, CPU)
    for step in (0, 1, BLOCK - 1, BLOCK, 5 * BLOCK + 7, 2):  # in any order
        for packed, single in zip(pack.at(step), alone.at(step), strict=True):
            assert torch.equal(packed[1], single[0])
            assert not torch.equal(packed[0], packed[1])


def test_steps_models_and_purposes_are_independent() -> None:
    draws = Draws([0, 1], 1000, 64, 3, CPU)
    noise = torch.stack([draws.at(step)[1] for step in range(2 * BLOCK)])
    flat = noise.transpose(0, 1).reshape(2, -1)
    count = flat.shape[1]
    assert abs((flat[0] * flat[1]).mean()) < 4 / count**0.5
    half = noise.reshape(2, -1)  # the two blocks
    assert abs((half[0] * half[1]).mean()) < 4 / count**0.5
    assert flat.mean().abs() < 4 / (2 * count) ** 0.5
    assert flat.std().item() == pytest.approx(1, abs=0.01)


def test_indices_are_uniform_over_all_images() -> None:
    draws = Draws([0], 10, 50, 2, CPU)
    counts = torch.zeros(10)
    for step in range(2 * BLOCK):
        counts += torch.bincount(draws.at(step)[0].flatten(), minlength=10)
    expected = counts.sum() / 10
    assert ((counts - expected).abs() < 5 * expected**0.5).all()


def test_the_number_of_latents_does_not_change_the_images() -> None:
    few, many = Draws([0], 100, 8, 2, CPU), Draws([0], 100, 8, 20, CPU)
    assert torch.equal(few.at(70)[0], many.at(70)[0])


def test_streams_are_named() -> None:
    names = [(0, "a", 0), (1, "a", 0), (0, "b", 0), (0, "a", 1)]
    first = {torch.rand(1, generator=stream(*name)).item() for name in names}
    assert len(first) == 4


@pytest.mark.parametrize(("levels", "channels"), [(1, 1), (1, 3), (255, 1), (255, 3)])
@pytest.mark.parametrize("side", [12, 13])  # 13 x 13 pixels do not fill their last byte
def test_pixels_are_the_data_sets(levels: int, channels: int, side: int) -> None:
    data = Shapes(side, levels, channels)
    indices = np.random.default_rng(0).integers(len(data), size=(2, 7))
    images = Pixels(data, CPU).at(torch.from_numpy(indices))
    assert images.dtype == torch.float32
    expected = data.images(indices.ravel()).reshape(2, 7, *data.shape) / levels
    assert np.array_equal(images.numpy(), expected.astype(np.float32))
    assert torch.equal(images_on(CPU, data, indices.ravel()), images.flatten(0, 1))


def test_both_ways_of_unpacking_agree() -> None:
    rows = torch.arange(256, dtype=torch.uint8).view(64, 4)
    for pixels in (25, 32):
        assert torch.equal(unpack_on_cpu(rows, pixels), unpack_on_device(rows, pixels))
