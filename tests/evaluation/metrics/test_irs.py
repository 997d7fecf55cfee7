"""IRS: known answers, a literal slow transcription, and what it cannot see."""

import numpy as np
import pytest
import torch

from evaluation.metrics.irs import IRS, irs
from evaluation.metrics.support.labels import MissingLabels
from evaluation.metrics.support.points import labelled_points
from tests.evaluation.metrics.toys import SMALL, Encoder, Toy, noisy, rotated, standard

DATA, PERFECT = Toy(SMALL), standard(SMALL)


def of(encoder: Encoder, **options: object) -> IRS:
    return irs(encoder, DATA, 0, **({"points": len(DATA)} | options))


def test_known_answers() -> None:
    assert of(PERFECT).score == pytest.approx(1, abs=1e-6)
    constant = of(lambda x: torch.ones(len(x), 3))
    assert constant.score == 0 and constant.active == 0
    # (x + y) / sqrt 2 with x held fixed still moves by half of its range
    turned = of(rotated(PERFECT, 3, 4), quantile=1.0)
    np.testing.assert_allclose(turned.robustness[3:, 3:], 0.5, atol=1e-6)
    np.testing.assert_allclose(turned.robustness[3:, :3], 0, atol=1e-6)


def test_what_it_cannot_see() -> None:
    """Known weaknesses: copies cost nothing, and neither does a factor that nobody holds."""
    assert of(lambda x: PERFECT(x)[:, [0, 1, 2, 3, 4, 0, 1]]).score == pytest.approx(1, abs=1e-6)
    assert of(lambda x: PERFECT(x)[:, :3]).score == pytest.approx(1, abs=1e-6)


def test_scale_matters_as_a_weight_only() -> None:
    code = noisy(PERFECT, 0.3)
    assert of(lambda x: code(x) * 1024).score == pytest.approx(of(code).score, abs=1e-9)
    scaled = of(lambda x: code(x) * torch.tensor([1024.0, 1, 1, 1, 1]))
    np.testing.assert_allclose(scaled.robustness, of(code).robustness, atol=1e-9)
    assert scaled.score == pytest.approx(of(code).robustness[0].max(), abs=0.01)


@pytest.mark.parametrize(("bins", "quantile"), [(20, 0.99), (4, 0.9), (None, 1.0)])
def test_equals_a_literal_transcription(bins: int | None, quantile: float) -> None:
    code = noisy(rotated(PERFECT, 3, 4, 25), 0.5, 1)
    result = irs(code, DATA, 3, points=700, bins=bins, quantile=quantile)
    rng = np.random.default_rng(3)
    _, (points,) = labelled_points(code, DATA, rng, None, points=700)
    z = points.means[0]
    largest = np.max(np.abs(z - z.mean(axis=0)), axis=0)
    robustness = np.zeros((6, 5))
    for f in range(5):
        v = points.classes[:, f]
        if bins is not None:
            v = np.digitize(v, np.histogram(v, bins)[1][:-1])
        total = np.zeros(6)
        for value in np.unique(v):
            inside = z[v == value]
            away = np.abs(inside - inside.mean(axis=0))
            total += np.percentile(away, 100 * quantile, axis=0)
        robustness[:, f] = 1 - total / len(np.unique(v)) / largest
    np.testing.assert_allclose(result.robustness, robustness, atol=1e-6)
    expected = np.average(robustness.max(axis=1), weights=largest)
    assert result.score == pytest.approx(expected, abs=1e-6)


def test_a_factor_whose_values_never_repeat_is_reported() -> None:
    data = Toy({"a": 2, "b": 300})
    labels = data.true_classes(np.arange(len(data)))
    labels[300:, 1] = -1  # every value of b is seen once
    with pytest.raises(MissingLabels, match="'b'"):
        irs(standard({"a": 2, "b": 300}), Toy({"a": 2, "b": 300}, labels))


def test_values_seen_once_do_not_count_as_robustness() -> None:
    sizes = {"a": 2, "b": 300}
    data = Toy(sizes)
    labels = data.true_classes(np.arange(len(data)))
    labels[310:, 1] = -1  # ten values of b are seen twice, 290 once
    noise = noisy(standard(sizes), 0, 3)
    result = irs(lambda x: noise(x)[:, 2:], Toy(sizes, labels), bins=None)
    assert (result.robustness[:, 1] < 0.9).all()
