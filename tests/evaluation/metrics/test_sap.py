"""SAP: known answers, machines against scikit-learn's, and what it cannot see."""

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC

from evaluation.metrics.sap import sap
from evaluation.metrics.support.linear_svm import fit_machines
from evaluation.metrics.support.points import labelled_points
from tests.evaluation.metrics.toys import SMALL, Encoder, Toy, noisy, pack, rotated, standard


def test_known_answers_for_two_factors_of_two_classes() -> None:
    data = Toy({"a": 2, "b": 2, "rest": 2000})
    perfect = standard({"a": 2, "b": 2, "rest": 2000})

    def score(encoder: Encoder) -> float:
        return sap(encoder, data, factors=["a", "b"]).score

    assert score(lambda x: perfect(x)[:, :2]) == pytest.approx(0.5, abs=0.02)  # 1 against chance
    assert score(lambda x: rotated(perfect, 0, 1)(x)[:, :2]) == pytest.approx(0, abs=0.02)
    assert score(lambda x: perfect(x)[:, [0, 1, 0, 1]]) == 0
    assert score(lambda x: torch.ones(len(x), 3)) == 0
    # without b, every latent is at chance for it
    assert score(lambda x: perfect(x)[:, [0, 2]]) == pytest.approx(0.25, abs=0.02)


def test_squared_correlations_for_continuous_factors() -> None:
    data, perfect = Toy(SMALL), standard(SMALL)

    def score(encoder: Encoder) -> float:
        return sap(encoder, data, continuous_factors=True, train=len(data) - 5, test=5).score

    assert score(perfect) == pytest.approx(1, abs=1e-3)
    assert score(rotated(perfect, 3, 4)) == pytest.approx(3 / 5, abs=1e-2)
    assert score(lambda x: torch.ones(len(x), 3)) == 0
    code = noisy(perfect, 0.5)
    assert score(lambda x: code(x) * 64) == pytest.approx(score(code), abs=1e-9)
    _, (points, _) = labelled_points(code, data, np.random.default_rng(0), None, a=900, b=9)
    result = sap(code, data, continuous_factors=True, train=900, test=9)
    for j, f in np.ndindex(5, 5):
        expected = np.corrcoef(points.means[0, :, j], points.classes[:, f])[0, 1] ** 2
        assert result.predictability[j, f] == pytest.approx(expected, abs=1e-9)


def test_scale_changes_the_score_unless_latents_are_rescaled() -> None:
    """Known weakness of the field's protocol: the penalty knows the latents' units."""
    data, code = Toy(SMALL), noisy(standard(SMALL), 0.6)
    both = pack(code, lambda x: code(x) / 16)
    plain = sap(both, data, train=2000, test=1000).score
    assert abs(plain[0] - plain[1]) > 0.01
    rescaled = sap(both, data, train=2000, test=1000, rescale=True).score
    assert rescaled[0] == rescaled[1]


def linear_svc(x: np.ndarray, y: np.ndarray) -> LinearSVC:
    machine = LinearSVC(C=0.01, class_weight="balanced", tol=1e-12, max_iter=100_000, dual=False)
    return machine.fit(x[:, None], y)


@pytest.mark.parametrize("classes", [2, 3, 9])
def test_linear_svms_equal_scikit_learns(classes: int) -> None:
    rng = np.random.default_rng(classes)
    y = np.where(rng.random(600) < 0.4, 0, rng.integers(classes, size=600))
    x = np.stack(
        [y + 0.4 * rng.normal(size=600), 20 * rng.normal(size=600), 0.0 * y, 1.0 * (y % 3)]
    )
    weight, bias = fit_machines(torch.from_numpy(x), torch.from_numpy(y), 0.01)
    for row, w, b in zip(x, weight.numpy(), bias.numpy(), strict=True):
        theirs = linear_svc(row, y)
        if classes == 2:  # scikit-learn keeps one machine for two classes
            w, b = w[1:], b[1:]
        np.testing.assert_allclose(w, theirs.coef_[:, 0], atol=1e-6)
        np.testing.assert_allclose(b, theirs.intercept_, atol=1e-6)


def test_equals_a_literal_transcription() -> None:
    data, code = Toy(SMALL), noisy(rotated(standard(SMALL), 3, 4, 25), 0.5)
    result = sap(code, data, 7, train=500, test=250)
    rng = np.random.default_rng(7)
    _, (learn, check) = labelled_points(code, data, rng, None, train=500, test=250)
    matrix = np.zeros((5, 5))
    for j, f in np.ndindex(5, 5):
        machine = linear_svc(learn.means[0, :, j], learn.classes[:, f])
        said = machine.predict(check.means[0, :, j][:, None])
        matrix[j, f] = np.mean(said == check.classes[:, f])
    np.testing.assert_allclose(result.predictability, matrix, atol=1e-6)
    ordered = np.sort(matrix, axis=0)
    assert result.score == pytest.approx((ordered[-1] - ordered[-2]).mean(), abs=1e-6)


def test_continuous_factors_are_used_as_they_are() -> None:
    data = Toy({"size": 10, "b": 2, "rest": 100})
    classes = data.true_classes(np.arange(len(data)))
    sizes = np.exp(classes[:, 0].astype(np.float64))  # far from even steps
    data.quantities = {"size": sizes}  # type: ignore[attr-defined]
    perfect = standard({"size": 10, "b": 2, "rest": 100})

    def as_measured(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.reshape(len(x), -1)[:, :1].mul(255).exp(), perfect(x)[:, 1:]], dim=1)

    figures = sap(as_measured, data, factors=["size", "b"])
    told = np.asarray(figures.predictability)
    assert told[0, 0] == pytest.approx(1, abs=1e-6) and told[1, 0] < 0.02
    assert told[1, 1] == 1  # a class, told by a machine
    even = np.asarray(sap(perfect, data, factors=["size", "b"]).predictability)
    assert even[0, 0] == pytest.approx(np.corrcoef(classes[:, 0], sizes)[0, 1] ** 2, abs=0.02)


def test_few_continuous_labels_do_not_make_noise_lead() -> None:
    data = Toy({"size": 12, "b": 2})
    data.quantities = {"size": np.linspace(0, 1, 12).repeat(2)}  # type: ignore[attr-defined]
    rng = np.random.default_rng(0)
    scores = []
    for seed in range(60):
        noise = torch.from_numpy(rng.normal(size=(len(data), 10)))
        code = lambda x, noise=noise: noise[: len(x)]  # noqa: E731
        scores.append(np.asarray(sap(code, data, seed, factors=["size", "b"]).gaps)[0])
    assert abs(np.mean(scores)) < 0.05
