"""ICA: recovers sources that are known, fits pairs of shapes, and says which labels it lacks."""

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group

from evaluation.baselines import BASELINES
from evaluation.baselines.ica import independent, note
from evaluation.metrics.support.labels import MissingLabels
from tests.evaluation.baselines.sprites import few_sprites
from trainer.data import load


def test_recovers_independent_sources():
    rng = np.random.default_rng(0)
    sources = rng.uniform(-(3**0.5), 3**0.5, size=(20_000, 4))  # white, and far from normal
    mix = ortho_group.rvs(4, random_state=1)
    rotation, converged = independent((sources @ mix.T).astype(np.float32), seed=0)
    assert converged
    found = rotation @ mix
    # what source went where, and its sign, are free
    np.testing.assert_allclose(np.sort(np.abs(found), axis=1)[:, :3], 0, atol=0.05)
    np.testing.assert_allclose(np.abs(found).max(axis=1), 1, atol=0.05)
    assert sorted(np.abs(found).argmax(axis=1)) == [0, 1, 2, 3]


def test_a_fit_that_did_not_converge_is_reported():
    normal = np.random.default_rng(0).standard_normal((2_000, 12)).astype(np.float32)
    _, converged = independent(normal, seed=0)  # no direction differs from another
    assert not converged
    assert "2 of 6 fits" in note({"whitened": 30, "fits": 6, "unconverged": 2})
    assert "10 of 30 components, a number chosen to match" in note({"whitened": 30, "fits": 6})
    assert "not converge" in note({"whitened": 30, "most_steps": 200})  # of an earlier version


def test_there_is_a_model_for_every_pair_of_shapes_and_every_seed():
    data = few_sprites()
    fitted = BASELINES["ica"](data, [0, 1])
    assert len(fitted.models) == 3
    shape = data.classes(np.arange(len(data)))[:, 0]
    pairs = ((0, 1), (0, 2), (1, 2))
    for pair, model in zip(pairs, fitted.models, strict=True):
        images = torch.from_numpy(data.images(np.flatnonzero(np.isin(shape, pair)))).float()
        codes = model.represent(images).double().numpy()
        assert codes.shape == (2, len(images), 10)
        for code in codes:
            np.testing.assert_allclose(code.mean(axis=0), 0, atol=1e-4)
            np.testing.assert_allclose(np.cov(code, rowvar=False), np.eye(10), atol=1e-3)


def test_needs_two_shapes():
    for data in (
        load("dsprites", size=16, factors={"shape": 1, "scale": 2, "orientation": 2}),
        few_sprites(labels="none"),
    ):
        with pytest.raises(MissingLabels, match="pairs of shapes"):
            BASELINES["ica"](data, [0])
