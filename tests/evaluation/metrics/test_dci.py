"""DCI: known answers, literal slow transcriptions, and the fast protocol beside the exact."""

import math

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier

from evaluation.metrics.dci import DCI, completeness, dci, disentanglement
from evaluation.metrics.support.points import labelled_points
from tests.evaluation.metrics.toys import SMALL, Encoder, Toy, noisy, rotated, standard
from trainer.config.schema import FieldError

DATA, PERFECT = Toy(SMALL), standard(SMALL)


def of(encoder: Encoder, **options: object) -> DCI:
    return dci(encoder, DATA, 0, **({"train": 2000, "test": 1000} | options))


def test_a_perfect_code() -> None:
    result = of(PERFECT)
    assert result.score == result.disentanglement > 0.99
    assert result.completeness > 0.99
    assert result.informativeness == 1


def test_a_rotated_code_is_as_informative_and_less_disentangled() -> None:
    result = of(rotated(PERFECT, 3, 4))
    assert result.disentanglement < 0.85 and result.completeness < 0.85
    assert result.informativeness > 0.95


def test_a_duplicated_code_is_disentangled_and_not_complete() -> None:
    result = of(lambda x: PERFECT(x)[:, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]])
    assert result.disentanglement > 0.99
    assert result.completeness < 0.85


def test_a_missing_factor_costs_its_accuracy_and_blurs_the_rest() -> None:
    result = of(lambda x: PERFECT(x)[:, :4])
    assert result.informativeness == pytest.approx((4 + 1 / 8) / 5, abs=0.02)
    # known weakness: importances for a factor that nobody holds are noise, and count in full
    assert result.disentanglement < 0.85 and result.completeness < 0.85
    assert result.importance[:, 4].sum() == pytest.approx(1)


def test_a_constant_code_scores_0() -> None:
    result = of(lambda x: torch.ones(len(x), 3))
    assert result.disentanglement == pytest.approx(0, abs=1e-9)
    assert result.completeness == pytest.approx(0, abs=1e-9)


def test_rescaling_latents_changes_nothing() -> None:
    code, scale = noisy(PERFECT, 0.4), torch.tensor([4.0, 0.25, 2**-8, 1024, 1])
    assert of(lambda x: code(x) * scale).score == pytest.approx(of(code).score, abs=1e-9)


def test_entropies_equal_a_literal_transcription() -> None:
    importance = np.random.default_rng(0).gamma(0.3, size=(2, 6, 4))
    importance /= importance.sum(axis=1, keepdims=True)
    for table, d, c in zip(
        importance, disentanglement(importance), completeness(importance), strict=True
    ):
        latents, factors = table.shape
        expected_d = expected_c = 0.0
        for i in range(latents):
            p = (table[i] + 1e-11) / (table[i] + 1e-11).sum()
            entropy = -sum(q * math.log(q, factors) for q in p)
            expected_d += (1 - entropy) * table[i].sum() / table.sum()
        for j in range(factors):
            p = (table[:, j] + 1e-11) / (table[:, j] + 1e-11).sum()
            entropy = -sum(q * math.log(q, latents) for q in p)
            expected_c += (1 - entropy) * table[:, j].sum() / table.sum()
        assert d == pytest.approx(expected_d, abs=1e-6)
        assert c == pytest.approx(expected_c, abs=1e-6)


def test_the_exact_protocol_equals_a_literal_transcription() -> None:
    code, few = noisy(PERFECT, 0.5), ["shape", "scale"]
    result = of(code, protocol="dlib", train=150, test=80, factors=few)
    rng = np.random.default_rng(0)
    _, (learn, check) = labelled_points(code, DATA, rng, few, train=150, test=80)
    seeds = rng.integers(2**31, size=2)
    importance, correct = np.zeros((5, 2)), []
    for f in range(2):
        model = GradientBoostingClassifier(random_state=int(seeds[f]))
        model.fit(learn.means[0], learn.classes[:, f])
        importance[:, f] = np.abs(model.feature_importances_)
        correct.append(np.mean(model.predict(check.means[0]) == check.classes[:, f]))
    np.testing.assert_allclose(result.importance, importance, atol=1e-6)
    assert result.informativeness == pytest.approx(np.mean(correct), abs=1e-6)


def test_the_fast_protocol_orders_codes_as_the_exact_one() -> None:
    codes = [noisy(PERFECT, 0.1), noisy(PERFECT, 0.6), noisy(rotated(PERFECT, 1, 3), 0.3)]
    options = {"train": 400, "test": 100, "factors": ["scale", "posX"]}
    fast, exact = (
        [of(code, protocol=protocol, **options).score for code in codes]
        for protocol in ("trees", "dlib")
    )
    assert np.argsort(fast).tolist() == np.argsort(exact).tolist()


def test_unknown_protocols_are_refused() -> None:
    with pytest.raises(FieldError, match="did you mean 'dlib'"):
        of(PERFECT, protocol="dlb")


@pytest.mark.parametrize("protocol", ["trees", "dlib"])
def test_continuous_factors_are_predicted_by_regression(protocol: str) -> None:
    data = Toy({"size": 10, "b": 2, "rest": 40})
    sizes = np.exp(data.true_classes(np.arange(len(data)))[:, 0] / 3)
    data.quantities = {"size": sizes}  # type: ignore[attr-defined]
    perfect = standard({"size": 10, "b": 2, "rest": 40})
    options = {"protocol": protocol, "factors": ["size", "b"], "train": 400, "test": 200}

    def told(encoder: Encoder) -> np.ndarray:
        return np.asarray(dci(encoder, data, **options).informativeness_per_factor)

    assert told(perfect)[0] > 0.99 and told(perfect)[1] == 1
    result = dci(perfect, data, **options)
    assert result.chance_per_factor[0] == 0
    assert np.asarray(result.importance)[0, 0] > 0.95
    # without size, a mean is all that can be said; of two classes one half is right by chance
    blind = told(lambda x: perfect(x)[:, 1:])
    assert blind[0] < 0.05 and blind[1] == 1
