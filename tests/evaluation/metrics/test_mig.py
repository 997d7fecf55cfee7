"""MIG: known answers by means and by samples, literal slow transcriptions, invariances."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.metrics import mutual_info_score

from evaluation.metrics.mig import MIG, mig, sample_information
from evaluation.metrics.support.points import Points, Posterior
from tests.evaluation.metrics.toys import SMALL, Encoder, Toy, noisy, rotated, standard
from trainer.config.schema import FieldError
from trainer.errors import UserError

DATA, PERFECT = Toy(SMALL), standard(SMALL)
ALL = len(DATA)  # the whole grid: information between different factors is exactly 0


def of(encoder: Encoder, **options: object) -> MIG:
    return mig(encoder, DATA, 0, **({"points": ALL} | options))


def spread(encoder: Encoder, deviation: float) -> Posterior:
    return lambda x: (encoder(x), torch.full_like(encoder(x), 2 * np.log(deviation)))


def test_known_answers_by_means() -> None:
    perfect, turned = of(PERFECT), of(rotated(PERFECT, 3, 4))
    assert perfect.means == pytest.approx(1, abs=1e-9)
    assert perfect.means_ordered == pytest.approx(1, abs=1e-9)
    # two of five factors, or of the four ordered ones, are lost
    assert turned.means == pytest.approx(3 / 5, abs=0.01)
    assert turned.means_ordered == pytest.approx(2 / 4, abs=0.01)
    assert of(lambda x: PERFECT(x)[:, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]]).means == 0
    assert of(lambda x: PERFECT(x)[:, :4]).means == pytest.approx(4 / 5, abs=1e-9)
    assert of(lambda x: torch.ones(len(x), 3)).means == 0


def test_shape_is_in_one_figure_and_not_in_the_other() -> None:
    no_shape = of(lambda x: PERFECT(x)[:, 1:])
    assert no_shape.means == pytest.approx(4 / 5, abs=1e-9)
    assert no_shape.means_ordered == pytest.approx(1, abs=1e-9)
    assert no_shape.factors == tuple(SMALL) and no_shape.ordered == tuple(SMALL)[1:]


def test_the_score_is_the_estimate_that_was_asked_for() -> None:
    posterior = spread(PERFECT, 0.2)
    for estimate in ("means", "means_ordered", "samples", "samples_ordered"):
        result = of(PERFECT, posterior=posterior, estimate=estimate, points=500)
        assert result.score == getattr(result, estimate)
    assert of(PERFECT, points=500).samples is None
    with pytest.raises(UserError, match="posterior="):
        of(PERFECT, estimate="samples")
    with pytest.raises(FieldError, match="did you mean 'samples'"):
        of(PERFECT, estimate="sample")


def test_known_answers_by_samples() -> None:
    def samples(encoder: Encoder, deviation: float) -> float:
        return of(encoder, posterior=spread(encoder, deviation)).samples

    assert samples(PERFECT, 1e-3) == pytest.approx(1, abs=1e-6)
    assert samples(PERFECT, 100) < 0.01  # means alone do not see that the posterior is wide
    assert samples(rotated(PERFECT, 3, 4), 1e-3) == pytest.approx(3 / 5, abs=0.01)


def test_rescaling_latents_changes_nothing() -> None:
    scale = torch.tensor([4.0, 0.25, 2**-8, 1024, 1])
    code = noisy(PERFECT, 0.4)

    def scaled(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return code(x) * scale, torch.full((len(x), 5), -2.0) + 2 * scale.log()

    first = of(code, posterior=spread(code, np.exp(-1)), points=2000)
    second = of(lambda x: scaled(x)[0], posterior=scaled, points=2000)
    assert second.means == pytest.approx(first.means, abs=1e-9)
    assert second.samples == pytest.approx(first.samples, abs=1e-5)


def test_means_equal_a_literal_transcription() -> None:
    code = noisy(rotated(PERFECT, 3, 4, 15), 0.5, 1)
    result = of(code, points=ALL)
    images = torch.from_numpy(DATA.images(np.arange(ALL))).float() / 255
    z, v = code(images).float().double().numpy(), DATA.true_classes(np.arange(ALL))
    gaps = []
    for k in range(5):
        information = []
        for j in range(6):
            edges = np.histogram(z[:, j], 20)[1][:-1]
            information.append(mutual_info_score(v[:, k], np.digitize(z[:, j], edges)))
        first, second = sorted(information)[::-1][:2]
        gaps.append((first - second) / mutual_info_score(v[:, k], v[:, k]))
    assert result.means == pytest.approx(np.mean(gaps), abs=1e-6)
    assert result.means_ordered == pytest.approx(np.mean(gaps[1:]), abs=1e-6)


def some_points(n: int) -> tuple[Points, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    classes = rng.integers([3, 5], size=(n, 2))
    classes[: n // 4, 1] = -1  # a quarter lacks a label
    mu = rng.normal(size=(2, n, 3)) * 0.5
    mu[0, :, 0] += classes[:, 0]
    mu[1, :, 1] += 0.7 * classes[:, 1]
    logvar = rng.normal(size=mu.shape) * 0.3 - 1.5
    return Points(np.arange(n), mu, classes, ("a", "b")), mu, logvar


def test_samples_equal_a_literal_transcription() -> None:
    points, mu, logvar = some_points(40)
    found = sample_information(points, mu, logvar, bins=20)
    for k, j, f in np.ndindex(found.shape):
        mean, deviation = mu[k, :, j], np.exp(logvar[k, :, j] / 2)
        inner = np.linspace((mean - 5 * deviation).min(), (mean + 5 * deviation).max(), 21)[1:-1]
        edges = [-np.inf, *inner, np.inf]
        known = points.classes[:, f] >= 0
        joint = np.zeros((5, 20))
        for n in np.flatnonzero(known):
            for b in range(20):
                mass = norm.cdf(edges[b + 1], mean[n], deviation[n])
                joint[points.classes[n, f], b] += mass - norm.cdf(edges[b], mean[n], deviation[n])
        joint /= joint.sum()
        expected = 0.0
        for c, b in zip(*np.nonzero(joint), strict=True):
            expected += joint[c, b] * np.log(joint[c, b] / joint[c].sum() / joint[:, b].sum())
        assert found[k, j, f] == pytest.approx(expected, abs=1e-6)


def test_samples_agree_with_log_densities_averaged_over_drawn_samples() -> None:
    """Chen et al.'s own estimate, H(z_j) - H(z_j | v_k), with its sampling noise."""
    points, mu, logvar = some_points(400)
    found = sample_information(points, mu, logvar, bins=256)
    rng = np.random.default_rng(1)

    def cross_entropy(mean: np.ndarray, deviation: np.ndarray) -> float:
        chosen = rng.integers(len(mean), size=4000)
        z = mean[chosen] + deviation[chosen] * rng.normal(size=4000)
        return -np.log(norm.pdf(z[:, None], mean, deviation).mean(axis=1)).mean()

    for k, j in ((0, 0), (1, 0), (0, 2)):
        mean, deviation = mu[k, :, j], np.exp(logvar[k, :, j] / 2)
        conditional = [
            cross_entropy(mean[mine], deviation[mine]) * mine.mean()
            for mine in (points.classes[:, 0] == c for c in range(3))
        ]
        expected = cross_entropy(mean, deviation) - sum(conditional)
        assert found[k, j, 0] == pytest.approx(expected, abs=0.05)
