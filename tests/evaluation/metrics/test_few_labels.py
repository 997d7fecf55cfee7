"""What cannot be fooled by few labels, a single factor, rare classes or lone latents."""

from typing import Any

import numpy as np
import pytest

from evaluation.label_checks import check_labels
from evaluation.metrics import METRICS
from evaluation.metrics.factorvae import factorvae, votes_apart
from evaluation.metrics.higgins import higgins, pairs_apart
from evaluation.metrics.support.labels import MissingLabels
from tests.evaluation.metrics.labelled import Labelled, code, some_labels, standardised

SIZES = (3, 4, 4, 6)
QUICK: dict[str, dict[str, Any]] = {
    "higgins": {"train": 300, "test": 300},
    "factorvae": {"train": 500, "test": 500},
    "dci": {},  # trees of few images are quick
    "sap": {},
    "modularity": {},
    "irs": {},
    "mig": {},
}


def score(name: str, values: Any, labels: Any, seed: int = 0, **options: Any) -> float:
    chosen = QUICK[name] | options
    return float(METRICS[name](code(values), Labelled(labels), seed, **chosen).score)


@pytest.mark.parametrize("name", ["higgins", "factorvae"])
@pytest.mark.parametrize("images", [20, 60])
def test_noise_is_at_chance_with_few_labels(name: str, images: int) -> None:
    noise = np.random.default_rng(0).normal(size=(12, images, 20))
    scores = [score(name, noise[n], some_labels(images, SIZES, n), n) for n in range(12)]
    assert abs(np.mean(scores) - 0.25) < 0.06  # 0.3 to 1.0 where both halves share images


def test_the_penalised_protocol_is_at_chance_too() -> None:
    noise = np.random.default_rng(0).normal(size=(4, 60, 10))
    options = {"protocol": "dlib", "pairs": 16}
    scores = [score("higgins", noise[n], some_labels(60, SIZES, n), **options) for n in range(4)]
    assert abs(np.mean(scores) - 0.25) < 0.08  # 0.6 where both halves share images


def test_a_true_code_is_recognised_from_50_labels_on() -> None:
    for seed in range(3):
        labels = some_labels(50, SIZES, seed)
        assert score("higgins", standardised(labels), labels) > 0.99
        assert score("factorvae", standardised(labels), labels) > 0.9


@pytest.mark.parametrize("apart", [pairs_apart, votes_apart])
@pytest.mark.parametrize("images", [40, 4000])
def test_training_and_test_images_never_meet(apart: Any, images: int) -> None:
    _, splits = apart(Labelled(some_labels(images, SIZES, 0)), images=3000)
    for halves in splits:
        learn, test = ({i for g in half for i in g.images} for half in (halves.learn, halves.test))
        assert learn and test and not learn & test
        assert all(len(g.sizes) >= 2 and g.sizes.min() >= 2 for g in (*halves.learn, *halves.test))


def test_noise_stays_at_chance_where_factors_have_few_and_many_pairs() -> None:
    noise = np.random.default_rng(0).normal(size=(8, 60, 10))
    scores = [score("higgins", noise[n], some_labels(60, (2, 3, 20, 20), n), n) for n in range(8)]
    assert abs(np.mean(scores) - 0.25) < 0.06


def test_it_says_how_many_more_labels_would_do() -> None:
    labels = some_labels(12, (3, 30, 30), 0)
    hidden = np.vstack([labels, np.full((200, 3), -1)])
    zeros = code(np.zeros((212, 2)))
    for metric in (higgins, factorvae):
        with pytest.raises(MissingLabels, match=r"about \d+ more labelled images would") as error:
            metric(zeros, Labelled(hidden))
        assert "\n" not in str(error.value)
    with pytest.raises(MissingLabels, match="every image is labelled for it; merge some"):
        higgins(code(np.zeros((12, 2))), Labelled(labels))
    hidden[:12, 1] = np.arange(12)  # a number of its own for each image
    with pytest.raises(MissingLabels, match=r"'f1' .* its classes rarely repeat"):
        higgins(zeros, Labelled(hidden))


def test_no_factor_is_dropped_silently() -> None:
    labels = some_labels(300, (3, 4, 5), 0)
    labels[:, 2] = 0
    labels[0, 2] = 1  # one image of the second class: nothing to hold fixed
    for name in ("higgins", "factorvae"):
        with pytest.raises(MissingLabels, match="factor 'f2' has 1 classes"):
            score(name, standardised(labels), labels)


@pytest.mark.parametrize("name", ["higgins", "factorvae", "dci", "modularity"])
def test_factors_cannot_be_told_apart_where_there_is_one(name: str) -> None:
    labels = some_labels(400, (4,), 0)
    for values in (np.zeros((400, 3)), np.random.default_rng(0).normal(size=(400, 3))):
        with pytest.raises(MissingLabels, match="'f0' is the only one"):
            score(name, values, labels)


def test_a_rare_class_does_not_hide_another_factor() -> None:
    labels = some_labels(6000, (2, 4), 0)
    labels[:, 0] = np.random.default_rng(1).random(6000) < 0.01
    assert score("factorvae", standardised(labels), labels) > 0.98  # .74 with images as they occur


def test_a_single_latent_is_measured_against_always_predicting_one_class() -> None:
    labels = some_labels(3000, (2, 2), 0)
    noise = np.random.default_rng(0).normal(size=(3000, 1))
    alone, padded = noise, np.hstack([noise, np.ones((3000, 2))])
    for values in (alone, padded):
        assert score("sap", values, labels) < 0.03
    truth = standardised(labels)[:, :1]
    for values in (truth, np.hstack([truth, np.ones((3000, 2))])):
        assert abs(score("sap", values, labels) - 0.25) < 0.03  # one factor of two, 1 against 0.5


@pytest.mark.parametrize("name", ["sap", "dci"])
def test_the_lucky_of_many_latents_are_not_ahead(name: str) -> None:
    noise = np.random.default_rng(0).normal(size=(12, 30, 10))
    scores = [score(name, noise[n], some_labels(30, SIZES, n), n) for n in range(12)]
    assert abs(np.mean(scores)) < 0.04


def test_dci_reports_what_it_read_of_each_factor() -> None:
    labels = some_labels(2000, (2, 4, 5), 0)
    values = np.hstack([standardised(labels)[:, :2], np.zeros((2000, 1))])
    result = METRICS["dci"](code(values), Labelled(labels))
    np.testing.assert_allclose(result.informativeness_per_factor[:2], 1)
    np.testing.assert_allclose(
        result.informativeness_per_factor[2], result.chance_per_factor[2], atol=0.05
    )


@pytest.mark.parametrize("name", QUICK)
def test_what_labels_lack_is_known_before_training(name: str) -> None:
    """The check of labels refuses what the metric would refuse, in its words, and nothing else."""
    rng = np.random.default_rng(0)
    tables = [some_labels(300, SIZES, 0), some_labels(6, (2, 9), 0), some_labels(40, (3,), 0)]
    tables.append(np.where(rng.random((9, 3)) < 0.5, -1, some_labels(9, (3, 3, 3), 0)))
    tables.append(np.arange(24).reshape(12, 2))  # no class twice
    for table in tables:
        data, said = Labelled(table), []
        checks = [
            lambda data=data: check_labels(name, QUICK[name], data),
            lambda data=data: score(name, rng.normal(size=(len(data), 2)), data.table),
        ]
        for check in checks:
            try:
                check()
                said.append("")
            except MissingLabels as error:
                said.append(str(error))
        assert said[0] == said[1]
