"""The Higgins metric: known answers, literal transcriptions, invariances, weak labels, refusals."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from evaluation.metrics.higgins import PROTOCOLS, higgins
from evaluation.metrics.support.labels import MissingLabels
from tests.evaluation.metrics.toys import (
    SHAPES_2D,
    SMALL,
    Encoder,
    Toy,
    noise_of,
    noisy,
    pack,
    rotated,
    standard,
)
from trainer.config.schema import FieldError

PERFECT = standard(SMALL)
ENTANGLED = noisy(rotated(rotated(PERFECT, 3, 4), 1, 2, 30), 0.7, 2)
QUICK = {"train": 2000, "test": 2000}


def scaled(encoder: Encoder, scales: Tensor) -> Encoder:
    return lambda x: encoder(x) * scales


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("sizes", [SMALL, SHAPES_2D])
def test_ground_truth_factors_score_1(protocol: str, sizes: dict[str, int]) -> None:
    result = higgins(standard(sizes), Toy(sizes), protocol=protocol, images=20_000)
    assert result.score >= 0.999
    assert isinstance(result.score, float)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", [0.0, 3.7])
def test_a_constant_encoder_scores_chance(protocol: str, value: float) -> None:
    result = higgins(
        lambda x: torch.full((len(x), 4), value), Toy(SMALL), protocol=protocol, **QUICK
    )
    assert result.chance == 1 / len(result.factors)
    spread = (result.chance * (1 - result.chance) / 2000) ** 0.5
    assert np.abs(np.asarray(result.scores) - result.chance).max() < 4 * spread


@pytest.mark.parametrize("labelled", [1.0, 0.05])
def test_an_uninformative_code_scores_chance_with_few_labels_too(labelled: float) -> None:
    data = Toy(SMALL)
    labels = data.true_classes(np.arange(len(data)))
    labels[np.random.default_rng(2).random(len(data)) > labelled] = -1
    scores = higgins(lambda x: noise_of(x), Toy(SMALL, labels)).scores
    assert np.abs(scores - 0.25).max() < 0.05


def test_one_missed_factor_is_hardly_noticed() -> None:
    """The metric's known weakness: a factor without a latent is told by all the others at work."""

    def without_scale(x: Tensor) -> Tensor:
        return PERFECT(x)[:, [0, 2, 3, 4]]

    assert higgins(without_scale, Toy(SMALL)).score > 0.97


def test_a_rotated_code_scores_less() -> None:
    data = Toy(SMALL)
    assert higgins(rotated(PERFECT, 3, 4), data, **QUICK).score < 0.9


def test_the_scale_of_a_latent_does_not_matter() -> None:
    data, scales = Toy(SMALL), torch.tensor([1e-3, 1e3, 1.0, 30.0, 0.02, 1e-2, 7.0])
    before, after = (higgins(code, data) for code in (ENTANGLED, scaled(ENTANGLED, scales)))
    assert 0.3 < before.score < 0.99
    np.testing.assert_allclose(after.scores, before.scores, atol=0.002)


def test_the_penalty_of_the_dlib_protocol_does_depend_on_scale() -> None:
    data = Toy(SMALL)
    before, after = (
        higgins(code, data, protocol="dlib", pairs=8, **QUICK).score
        for code in (ENTANGLED, scaled(ENTANGLED, torch.tensor(1e-3)))
    )
    assert after < before - 0.05


def test_the_dlib_protocol_computes_in_double_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """As disentanglement_lib does: in single precision the classifier stops elsewhere."""
    seen, fit = [], LogisticRegression.fit

    def watched(self: LogisticRegression, x: NDArray, y: NDArray) -> LogisticRegression:
        seen.append(x.dtype)
        return fit(self, x, y)

    monkeypatch.setattr(LogisticRegression, "fit", watched)
    higgins(pack(PERFECT, PERFECT), Toy(SMALL), protocol="dlib", train=60, test=20, pairs=2)
    assert seen == [np.float64, np.float64]


def test_a_pack_gives_what_its_models_give_on_their_own() -> None:
    data, codes = Toy(SMALL), (noisy(PERFECT, 0.1, 2), ENTANGLED, noisy(PERFECT, 2.0, 2))
    for protocol in PROTOCOLS:
        together = higgins(pack(*codes), data, protocol=protocol, **QUICK)
        assert together.score.shape == (3,)
        for k, code in enumerate(codes):
            alone = higgins(code, data, protocol=protocol, **QUICK)
            np.testing.assert_allclose(together.scores[k], alone.scores, atol=0.001)
            assert together.score[k] == pytest.approx(np.mean(together.scores[k]))


def test_only_the_model_that_is_not_finite_fails() -> None:
    data = Toy(SMALL)

    def broken(x: Tensor) -> Tensor:
        return torch.full_like(ENTANGLED(x), torch.nan)

    result = higgins(pack(ENTANGLED, broken), data, **QUICK)
    assert result.score[0] == pytest.approx(higgins(ENTANGLED, data, **QUICK).score, abs=0.001)
    assert np.isnan(result.score[1])


def test_every_image_is_encoded_once() -> None:
    data, seen = Toy(SMALL), []

    def counting(x: Tensor) -> Tensor:
        seen.append(x.flatten(1))
        return ENTANGLED(x)

    result = higgins(counting, data)
    images = torch.cat(seen)
    assert len(images) == result.images <= len(data)
    assert len(images.unique(dim=0)) == len(images)
    assert higgins(counting, data, images=500).images <= 500


def test_seeds_decide_everything_and_classifiers_differ() -> None:
    data = Toy(SMALL)
    first, again, other = (higgins(ENTANGLED, data, seed, **QUICK).scores for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len({*first, *other}) > 3


def literal_point(
    data: Toy, factor: int, pairs: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Eq. 5 as it stands: v_i, and v_j that shares one of its factors, through the simulator."""
    first, second = [], []
    for _ in range(pairs):
        v_i = [rng.integers(size) for size in data.sizes]
        v_j = [rng.integers(size) for size in data.sizes]
        v_j[factor] = v_i[factor]
        first.append(np.ravel_multi_index(v_i, data.sizes))
        second.append(np.ravel_multi_index(v_j, data.sizes))
    return np.array(first), np.array(second)


def literal_score(protocol: str, encoder: Encoder, train: int, test: int) -> float:
    """The whole metric one point at a time, encoding both images of every pair anew."""
    data, rng, chosen = Toy(SMALL), np.random.default_rng(5), PROTOCOLS[protocol]
    factors = [k for k, name in enumerate(SMALL) if name not in chosen.leave_out]
    z_diff, y = [], []
    for _ in range(train + test):
        label = rng.integers(len(factors))
        first, second = literal_point(data, factors[label], chosen.pairs, rng)
        codes = [encoder(torch.from_numpy(data.images(i)).float() / 255) for i in (first, second)]
        z_diff.append((codes[0] - codes[1]).abs().mean(dim=0).numpy())
        y.append(label)
    x, classes = np.array(z_diff), np.array(y)
    if protocol == "paper":  # to the exact minimum of the loss, which Adagrad only nears
        x = (x - x[:train].mean(axis=0)) / x[:train].std(axis=0)
        classifier = LogisticRegression(C=1e5, max_iter=5000)
    else:
        classifier = LogisticRegression()
    return classifier.fit(x[:train], classes[:train]).score(x[train:], classes[train:])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_it_equals_a_literal_transcription_of_the_papers_metric(protocol: str) -> None:
    slow = literal_score(protocol, ENTANGLED, 1000, 1000)
    fast = higgins(ENTANGLED, Toy(SMALL), protocol=protocol, train=1000, test=5000).score
    assert fast == pytest.approx(slow, abs=0.04)


def test_few_labels_are_enough() -> None:
    """A tenth of the images labelled, half of these without their last factor."""
    data = Toy(SMALL)
    labels = data.true_classes(np.arange(len(data)))
    hidden = np.random.default_rng(1).random(len(data))
    labels[hidden > 1 / 10] = -1
    labels[hidden > 1 / 20, -1] = -1
    few, full = (higgins(ENTANGLED, d).score for d in (Toy(SMALL, labels), data))
    assert few == pytest.approx(full, abs=0.05)


def test_shape_is_left_out_unless_asked_for() -> None:
    data = Toy(SMALL)
    assert higgins(PERFECT, data, **QUICK).factors == ("scale", "orientation", "posX", "posY")
    assert higgins(PERFECT, data, protocol="dlib", **QUICK).factors == tuple(SMALL)
    chosen = higgins(PERFECT, data, factors=["posX", "shape"], **QUICK)
    assert (chosen.factors, chosen.chance) == (("posX", "shape"), 0.5)


def test_too_few_labels_are_reported() -> None:
    bare = Toy(SMALL)
    bare.factors = {}
    with pytest.raises(MissingLabels, match="'toy' has no factor labels"):
        higgins(PERFECT, bare)
    labels = np.full((len(bare), 5), -1)
    labels[:2] = bare.true_classes([0, len(bare) - 1])
    with pytest.raises(
        MissingLabels, match="'scale' has 0 classes with at least two labelled images"
    ):
        higgins(PERFECT, Toy(SMALL, labels))
    with pytest.raises(MissingLabels, match="'posX' is the only one"):
        higgins(PERFECT, Toy(SMALL), factors=["posX"])
    with pytest.raises(MissingLabels, match="did you mean 'posX'"):
        higgins(PERFECT, Toy(SMALL), factors=["posXX", "posY"])


def test_mistaken_options_are_reported() -> None:
    with pytest.raises(FieldError, match="did you mean 'paper'"):
        higgins(PERFECT, Toy(SMALL), protocol="papers")
    with pytest.raises(FieldError, match="pairs: expected 1 or more, got 0"):
        higgins(PERFECT, Toy(SMALL), pairs=0)
