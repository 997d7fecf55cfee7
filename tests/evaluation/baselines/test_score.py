"""Scores of the baselines: ten replicas of three classifiers, and what is in their identity."""

import numpy as np
import pytest
import torch

from evaluation.baselines import BASELINES
from evaluation.baselines.score import baseline_id, score_baseline
from evaluation.metrics.higgins import higgins
from evaluation.metrics.support.labels import MissingLabels
from tests.evaluation.baselines.sprites import few_sprites
from trainer.config.run import DatasetConfig, RunConfig
from trainer.config.schema import FieldError
from trainer.models import Pack

QUICK = {"pairs": 8, "train": 400, "test": 400}


def test_ground_truth_scores_all_points():
    scores = np.array(score_baseline("ground_truth", few_sprites(), seeds=[0, 1]).scores)
    assert scores.shape == (2, 3)
    assert scores.min() > 0.999


def test_ground_truth_codes_are_the_classes():
    data = few_sprites()
    (model,) = BASELINES["ground_truth"](data, [0]).models
    indices = np.arange(0, len(data), 7)
    pixels = torch.from_numpy(model.data.images(indices)).float() / model.data.levels
    np.testing.assert_array_equal(model.represent(pixels), data.classes(indices))


def test_ground_truth_needs_all_labels():
    with pytest.raises(MissingLabels, match="every factor of every image"):
        score_baseline("ground_truth", few_sprites(labels=100))


def test_replicas_of_a_fixed_code_are_the_metrics_seeds():
    data = few_sprites()
    (model,) = BASELINES["pca"](data, [0]).models
    found = score_baseline("pca", data, QUICK, seeds=[0, 1]).scores
    assert len(found) == 2
    for seed, scores in enumerate(found):
        expected = higgins(model.represent, data, seed, **QUICK).scores
        np.testing.assert_allclose(scores, expected, atol=0.01)
    assert found[0] != found[1]


def test_raw_pixels_are_scored_for_one_seed():
    data = few_sprites()
    found = score_baseline("raw_pixels", data, QUICK, seeds=[0, 1]).scores
    expected = higgins(lambda x: x.flatten(1), data, **QUICK).scores
    assert found == (tuple(expected),)


def test_replicas_of_an_untrained_vae_are_the_models_that_training_starts_from():
    data = few_sprites()
    found = score_baseline("untrained_vae", data, QUICK, seeds=[5, 6]).scores
    pack = Pack(RunConfig(DatasetConfig("dsprites")), 1, data.shape)
    pack.draw_parameters([6])
    expected = higgins(lambda x: pack.encode(x)[0][0], data, **QUICK).scores
    np.testing.assert_allclose(found[1], expected, atol=0.01)


def test_identity_depends_only_on_images_labels_options_and_seeds():
    data = few_sprites()
    same = baseline_id("pca", data), baseline_id("pca", few_sprites(), {"protocol": "paper"})
    assert len(set(same)) == 1
    others = (
        baseline_id("ica", data),
        baseline_id("pca", data, {"protocol": "dlib"}),
        baseline_id("pca", data, seeds=[1]),
        baseline_id("pca", few_sprites(labels=100)),
    )
    assert len({same[0], *others}) == 5


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(FieldError, match="did you mean 'raw_pixels'"):
        score_baseline("raw_pixel", few_sprites())
