"""Images kept apart: the same ones always, and those that indicators see."""

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike, NDArray

from evaluation.metrics.indicators import indicators
from tests.trainer.shapes import LabelledShapes, Shapes
from trainer.config.schema import FieldError
from trainer.data import class_names_of, load
from trainer.data.holdout import Part, hold_out, unseen

SMALL = {"size": 16, "factors": {"posX": 4, "posY": 4}}


def test_halves_are_disjoint_and_always_the_same() -> None:
    data = load("dsprites", **SMALL, holdout=70)
    again, whole = load("dsprites", **SMALL, holdout=70), load("dsprites", **SMALL)
    apart = unseen(data)
    assert (len(data), len(apart)) == (len(whole) - 70, 70)
    assert isinstance(data, Part)
    assert isinstance(apart, Part)
    assert sorted([*data.places, *apart.places]) == list(range(len(whole)))
    assert isinstance(again, Part)
    assert np.array_equal(data.places, again.places)
    assert data.fingerprint == again.fingerprint
    prints = {whole.fingerprint, data.fingerprint, apart.fingerprint}
    assert len(prints | {load("dsprites", **SMALL, holdout=71).fingerprint}) == 4
    assert load("dsprites", **SMALL, holdout=0).fingerprint == whole.fingerprint  # ids as before
    assert unseen(whole) is whole


def test_images_rows_and_classes_are_those_of_their_places() -> None:
    whole = LabelledShapes()
    data = hold_out(whole, 10)
    assert isinstance(data, Part)
    some = [0, 5, len(data) - 1]
    assert np.array_equal(data.images(some), whole.images(data.places[some]))
    assert np.array_equal(data.classes(some), whole.classes(data.places[some]))
    assert np.array_equal(data.stored(), whole.stored()[data.places])
    assert data.labels_fingerprint != whole.labels_fingerprint
    with pytest.raises(IndexError):
        data.images([len(data)])


def test_classes_keep_their_names() -> None:
    chosen = {"size": 16, "factors": {"shape": [0, 2], "posX": 2, "posY": 2, "scale": 1}}
    for data in (load("dsprites", **chosen), load("dsprites", **chosen, holdout=5)):
        assert list(class_names_of(data, "shape")) == ["square", "heart"]
        assert list(class_names_of(data, "posX")) == ["0", "1"]


@pytest.mark.parametrize("count", [-1, len(Shapes())])
def test_something_must_be_left_to_train_on(count: int) -> None:
    with pytest.raises(FieldError, match=f"fewer than the {len(Shapes())} images, got"):
        hold_out(Shapes(), count)


def test_indicators_are_taken_on_what_was_held_out() -> None:
    data, seen = hold_out(Shapes(), 20), []

    class Watched(Part):
        def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
            seen.append(len(self))
            return super().images(indices)

    assert isinstance(data, Part)
    assert data.held_out is not None
    data.held_out.__class__ = Watched

    def posterior(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu = x.flatten(1)[:, 40:42] - 0.5
        return mu, torch.zeros_like(mu)

    indicators(lambda x: posterior(x)[0], data, posterior=posterior, points=50)
    assert seen
    assert set(seen) == {20}
