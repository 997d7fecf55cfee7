"""`likelihood: auto`: what it stands for, and that it trains even on images that never vary."""

from pathlib import Path

import numpy as np
import pytest

from tests.trainer.runs import config, folders, history
from tests.trainer.shapes import Shapes
from trainer.data.dataset import Dataset
from trainer.likelihoods.automatic import resolved, suitable
from trainer.training.loop import train


class Grey(Shapes):
    """Bytes, one pixel of the last image alone being grey."""

    def __init__(self) -> None:
        super().__init__(levels=255)
        self.pictures[-1, 0, 0, 0] = 7


class Constant(Shapes):
    """The same grey image over and over."""

    def __init__(self) -> None:
        super().__init__(levels=255)
        self.pictures[:] = 100


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (Shapes(), "bernoulli"),
        (Shapes(levels=255, channels=3), "bernoulli"),  # bytes, but black and white
        (Grey(), "gaussian_learned"),
        (Constant(), "gaussian_learned"),
    ],
)
def test_black_and_white_is_bernoulli_and_the_rest_learns_its_noise(
    data: Dataset, name: str
) -> None:
    assert suitable(data) == name
    assert resolved(config(likelihood="auto"), data) == config(likelihood=name)
    assert resolved(config(likelihood="gaussian"), data) == config(likelihood="gaussian")


def test_images_that_never_vary_give_finite_losses(tmp_path: Path) -> None:
    runs = [resolved(config(likelihood="auto", steps=200, lr=1e-2), Constant())]
    [folder] = folders(tmp_path, 1)
    [record] = train(runs, Constant(), [folder], device="cpu")
    assert record["state"] == "finished"
    assert np.isfinite(history(folder)["loss"]).all()
