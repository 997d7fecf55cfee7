"""What a code knows of each factor: known answers, samples, few labels, rare classes."""

import numpy as np
import pytest
import torch

from evaluation.knowledge.factor_knowledge import FactorKnowledge, factor_knowledge
from tests.evaluation.metrics.labelled import Labelled, code, some_labels, standardised


def of(
    values: np.ndarray, labels: np.ndarray, logvar: float = -12.0, numbers: tuple[str, ...] = ()
) -> FactorKnowledge:
    represent = code(values)
    data = Labelled(labels)
    data.numbers = numbers

    def posterior(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu = represent(x)[None]
        return mu, torch.full_like(mu, logvar)

    found = factor_knowledge(posterior, data)
    assert found is not None
    return found


def test_encoded_factors_are_known_and_missing_ones_are_not() -> None:
    labels = some_labels(1500, (4, 5, 6), 0)
    noise = np.random.default_rng(1).normal(size=(1500, 2))
    values = np.hstack([noise[:, :1], standardised(labels)[:, :2], noise[:, 1:]])
    found = of(values, labels)
    assert found.factors == ("f0", "f1", "f2")
    assert found.known[0, :2].min() > 0.95 and found.best_latent[0, :2].min() > 0.95
    assert found.latent[0, :2].tolist() == [1, 2]
    assert found.known[0, 2] < 0.08 and found.best_latent[0, 2] < 0.08
    assert found.of_model(0)["f1"]["latent"] == 2


def test_a_factor_in_two_latents_is_known_only_to_the_whole_code() -> None:
    labels = some_labels(1500, (2, 2), 0)
    hidden = np.random.default_rng(1).choice([-1.0, 1.0], 1500)
    values = np.stack([hidden, hidden * (2 * labels[:, 0] - 1)], axis=1)  # their product tells it
    found = of(values, labels)
    assert found.known[0, 0] > 0.95 and found.best_latent[0, 0] < 0.15


def test_means_of_a_latent_that_no_sample_carries_count_for_nothing() -> None:
    labels = some_labels(1500, (4, 4), 0)
    found = of(1e-3 * standardised(labels), labels, logvar=0.0)
    assert found.known.max() < 0.1 and found.best_latent.max() < 0.1


def test_noise_is_not_known_with_few_labels_nor_by_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    figures = []
    for seed in range(6):
        labels = some_labels(60, (3, 6), seed)
        labels[:, 0] = rng.random(60) < 0.1
        found = of(rng.normal(size=(60, 10)), labels)
        figures += [*found.known.ravel(), *found.best_latent.ravel()]
    assert np.mean(figures) < 0.04


def test_there_is_nothing_to_report_without_labels() -> None:
    data = Labelled(np.full((30, 2), -1))
    assert factor_knowledge(lambda x: (x, x), data) is None


def test_a_quantity_in_the_code_is_known_from_few_labels() -> None:
    rng = np.random.default_rng(0)
    labels = some_labels(100, (20, 20), 0)  # five images per class
    values = np.stack([labels[:, 0] + rng.normal(size=100), 20 * rng.normal(size=100)], axis=1)
    by_class, by_number = of(values, labels), of(values, labels, numbers=("f0", "f1"))
    assert by_class.known[0, 0] < 0.3  # the number is there, but hardly tells the class
    assert by_number.known[0, 0] > 0.8 and by_number.best_latent[0, 0] > 0.8
    assert by_number.latent[0, 0] == 0
    assert by_number.known[0, 1] < 0.1 and by_number.best_latent[0, 1] < 0.1


def test_noise_is_not_known_of_a_quantity() -> None:
    figures = []
    for seed in range(8):
        labels = some_labels(60, (10,), seed)
        noise = np.random.default_rng(100 + seed).normal(size=(60, 10))
        found = of(noise, labels, numbers=("f0",))
        figures += [*found.known.ravel(), *found.best_latent.ravel()]
    assert np.mean(figures) < 0.04


@pytest.mark.filterwarnings("error")
def test_many_classes_of_few_images_are_known_without_a_warning() -> None:
    labels = np.repeat(np.arange(20), 2)[:, None]  # two of each
    found = of(np.random.default_rng(0).normal(size=(20, 10))[labels[:, 0]], labels)
    assert found.known[0, 0] > 0.7
