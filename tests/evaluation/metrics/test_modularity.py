"""Modularity and explicitness: known answers, literal transcriptions, what they cannot see."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score

from evaluation.metrics.modularity import Modularity, modularity
from evaluation.metrics.support.points import labelled_points
from tests.evaluation.metrics.toys import SMALL, Encoder, Toy, noisy, rotated, standard

DATA, PERFECT = Toy(SMALL), standard(SMALL)


def of(encoder: Encoder, **options: int) -> Modularity:
    return modularity(encoder, DATA, 0, **({"train": len(DATA) - 200, "test": 200} | options))


def test_known_answers() -> None:
    assert of(PERFECT).score == pytest.approx(1, abs=1e-3)
    # each of the two turned latents knows as much of one factor as of another: 1 - 1 / (5 - 1)
    turned = of(rotated(PERFECT, 3, 4))
    assert turned.score == pytest.approx((3 + 2 * 0.75) / 5, abs=0.01)
    constant = of(lambda x: torch.ones(len(x), 3))
    assert constant.score == 0
    assert constant.explicitness == 0.5


def test_what_modularity_cannot_see() -> None:
    """Known weaknesses: copies cost nothing, and neither does a factor that nobody holds."""
    assert of(lambda x: PERFECT(x)[:, [0, 1, 2, 3, 4, 0, 1]]).score == pytest.approx(1, abs=1e-3)
    missing = of(lambda x: PERFECT(x)[:, :4])
    assert missing.score == pytest.approx(1, abs=1e-3)
    # explicitness sees the missing factor, at chance
    assert missing.explicitness_per_factor[4] == pytest.approx(0.5, abs=0.1)
    assert missing.explicitness < of(PERFECT).explicitness - 0.05


def test_explicitness_is_blind_to_rotation_and_neither_figure_knows_scale() -> None:
    small = {"train": 2000, "test": 1000}
    code = noisy(PERFECT, 0.2)
    plain, turned = of(code, **small), of(rotated(code, 3, 4), **small)
    assert turned.explicitness == pytest.approx(plain.explicitness, abs=2e-3)
    scaled = of(lambda x: code(x) * torch.tensor([4.0, 0.25, 2**-8, 1024, 1]), **small)
    assert scaled.score == pytest.approx(plain.score, abs=1e-9)
    assert scaled.explicitness == pytest.approx(plain.explicitness, abs=1e-6)


def test_equals_a_literal_transcription() -> None:
    code = noisy(rotated(PERFECT, 3, 4, 25), 0.5, 1)
    result = modularity(code, DATA, 3, train=600, test=300)
    rng = np.random.default_rng(3)
    _, (learn, check) = labelled_points(code, DATA, rng, None, train=600, test=300)
    z, z_test = learn.means[0], check.means[0]
    information = np.zeros((6, 5))
    for j, f in np.ndindex(6, 5):
        bins = np.digitize(z[:, j], np.histogram(z[:, j], 20)[1][:-1])
        information[j, f] = mutual_info_score(learn.classes[:, f], bins)
    np.testing.assert_allclose(result.information, information, atol=1e-6)
    parts = []
    for row in information:
        squared = sorted(row**2)
        parts.append(1 - sum(squared[:-1]) / (squared[-1] * 4))
    assert result.score == pytest.approx(np.mean(parts), abs=1e-6)

    centre, deviation = z.mean(axis=0), z.std(axis=0)
    areas = []
    for f in range(5):
        y, y_test = learn.classes[:, f], check.classes[:, f]
        model = LogisticRegression().fit((z - centre) / deviation, y)
        probability = model.predict_proba((z_test - centre) / deviation)
        areas.append(roc_auc_score(np.eye(y.max() + 1)[y_test], probability))
    np.testing.assert_allclose(result.explicitness_per_factor, areas, atol=1e-6)
    assert result.explicitness == pytest.approx(np.mean(areas), abs=1e-6)
