"""What a code knows of each factor: known answers, samples, few labels, rare classes."""

import numpy as np
import torch

from evaluation.factor_knowledge import FactorKnowledge, factor_knowledge
from tests.evaluation.metrics.labelled import Labelled, code, some_labels, standardised


def of(values: np.ndarray, labels: np.ndarray, logvar: float = -12.0) -> FactorKnowledge:
    represent = code(values)

    def posterior(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu = represent(x)[None]
        return mu, torch.full_like(mu, logvar)

    found = factor_knowledge(posterior, Labelled(labels))
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
