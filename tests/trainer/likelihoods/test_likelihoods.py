"""Likelihoods: against formulas, and against noise whose level is known."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, MixtureSameFamily, Normal

from tests.trainer.objectives.batches import K, batch, initialised
from tests.trainer.runs import config
from trainer.config.schema import FieldError
from trainer.likelihoods import LIKELIHOODS, likelihood_options
from trainer.likelihoods.gaussian_network import variances
from trainer.likelihoods.noise import MIN_VARIANCE
from trainer.models import Pack

B = batch()


def built(likelihood: str, **options: Any) -> tuple[Any, Any]:
    """The options of a likelihood and its own parameters for K models, at their first values."""
    read = likelihood_options(config(likelihood=likelihood, likelihood_options=options))
    own = LIKELIHOODS[likelihood].own
    return read, initialised(own(K, read)) if own else None


def noisy(sigma: Tensor, images: int = 64) -> tuple[Tensor, Tensor]:
    """Images with noise of sigma (or one sigma a pixel) about known means, and those, decoded."""
    generator = torch.Generator().manual_seed(0)
    decoded = torch.randn(K, images, 1, 16, 16, generator=generator, dtype=torch.float64)
    noise = torch.randn(decoded.shape, generator=generator, dtype=torch.float64)
    return decoded.sigmoid() + sigma * noise, decoded


def test_bernoulli_equals_torch_distributions_and_takes_large_logits() -> None:
    log_prob = LIKELIHOODS["bernoulli"].log_prob
    expected = Bernoulli(logits=B.decoded).log_prob(B.x).flatten(2).sum(2)
    torch.testing.assert_close(log_prob(B.x, B.decoded, None, None), expected)
    far = torch.full((1, 1, 1, 1, 1), 1000.0)
    assert log_prob(torch.ones_like(far), far, None, None).item() == 0
    assert log_prob(torch.zeros_like(far), far, None, None).item() == -1000


def test_gaussian_is_that_of_torch_distributions() -> None:
    options, own = built("gaussian", variance=0.3)
    expected = Normal(B.decoded.sigmoid(), math.sqrt(0.3)).log_prob(B.x).flatten(2).sum(2)
    actual = LIKELIHOODS["gaussian"].log_prob(B.x, B.decoded, own, options)
    torch.testing.assert_close(actual, expected)


def test_a_learned_gaussian_starts_as_the_given_one() -> None:
    options, own = built("gaussian_learned", variance=0.3)
    actual = LIKELIHOODS["gaussian_learned"].log_prob(B.x, B.decoded, own, options)
    expected = Normal(B.decoded.sigmoid(), math.sqrt(0.3)).log_prob(B.x).flatten(2).sum(2)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=0)


def test_noise_from_the_decoder_is_that_of_torch_distributions_and_of_its_option_at_first() -> None:
    options, own = built("gaussian_network", variance=0.3)
    log_prob = LIKELIHOODS["gaussian_network"].log_prob
    given = torch.cat([B.decoded, torch.zeros_like(B.decoded)], dim=2)
    sigma = math.sqrt(0.3 + MIN_VARIANCE)
    expected = Normal(B.decoded.sigmoid(), sigma).log_prob(B.x).flatten(2).sum(2)
    torch.testing.assert_close(log_prob(B.x, given, own, options), expected)


def test_noise_from_the_decoder_finds_where_pixels_are_noisy() -> None:
    sigma = torch.where(torch.arange(16) < 8, 0.05, 0.4).double()  # left and right halves
    x, decoded = noisy(sigma)
    options, own = built("gaussian_network")
    free = torch.zeros_like(decoded, requires_grad=True)
    optimizer = torch.optim.Adam([free], lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        shared = free.mean((1, 2, 3), keepdim=True).expand_as(decoded)  # by column alone
        both = torch.cat([decoded, shared], dim=2)
        (-LIKELIHOODS["gaussian_network"].log_prob(x, both, own, options).mean()).backward()
        optimizer.step()
    found = variances(both.detach(), options)[:, 0, 0, 0]
    torch.testing.assert_close(found, sigma.square().expand(K, 16), rtol=0.3, atol=0)


def test_a_decoder_that_gives_noise_too_has_twice_the_channels() -> None:
    pack = Pack(config(likelihood="gaussian_network"), K, (1, 8, 8))
    pack.draw_parameters(range(K))
    z = torch.zeros(K, 3, pack.latents)
    assert pack.decode(z).shape == (K, 3, 2, 8, 8)
    assert pack.means(z).shape == (K, 3, 1, 8, 8)
    message = "likelihood: this objective builds its own decoder"
    with pytest.raises(FieldError, match=message):
        Pack(
            config(likelihood="gaussian_network", objective="infogan", architecture="infogan"),
            K,
            (1, 32, 32),
        )


def test_mixture_is_that_of_torch_distributions() -> None:
    options, own = built("gaussian_mixture", components=3, variance=0.3)
    weights = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]], dtype=torch.float64)
    with torch.no_grad():
        own.log_weight.copy_(weights.log() + 7)  # a constant does not matter
    actual = LIKELIHOODS["gaussian_mixture"].log_prob(B.x, B.decoded, own, options)
    sigma = torch.tensor([0.3, 0.03, 0.003], dtype=torch.float64).add(MIN_VARIANCE).sqrt()
    for model in range(K):
        means = B.decoded[model].sigmoid().unsqueeze(-1)
        law = MixtureSameFamily(
            Categorical(weights[model]), Normal(means, sigma.expand(*means.shape[:-1], 3))
        )
        expected = law.log_prob(B.x[model]).flatten(1).sum(1)
        torch.testing.assert_close(actual[model], expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("by", ["closed_form", "gradient"])
def test_learned_variance_recovers_a_known_noise_level(by: str) -> None:
    sigma = torch.tensor([0.05, 0.4], dtype=torch.float64)
    x, decoded = noisy(sigma[:, None, None, None, None])
    options, own = built("gaussian_learned", by=by)
    learn("gaussian_learned", x, decoded, own, options, by)
    torch.testing.assert_close(own.log_sigma.detach().exp(), sigma, rtol=0.02, atol=0)


@pytest.mark.parametrize("by", ["em", "gradient"])
def test_mixture_recovers_two_known_noise_levels(by: str) -> None:
    generator = torch.Generator().manual_seed(1)
    share = torch.tensor([0.3, 0.7])[:, None, None, None, None]
    wide = torch.rand(K, 64, 1, 16, 16, generator=generator) < share
    x, decoded = noisy(torch.where(wide, 0.3, 0.03).double())
    options, own = built("gaussian_mixture", by=by)
    learn("gaussian_mixture", x, decoded, own, options, by)
    weights, sigmas = own.log_weight.detach().softmax(1), own.log_sigma.detach().exp()
    expected = torch.tensor([[0.3, 0.7], [0.7, 0.3]], dtype=torch.float64)
    torch.testing.assert_close(weights, expected, rtol=0, atol=0.02)
    levels = torch.tensor([0.3, 0.03], dtype=torch.float64).expand(K, 2)
    torch.testing.assert_close(sigmas, levels, rtol=0.03, atol=0)


def learn(name: str, x: Tensor, decoded: Tensor, own: Any, options: Any, by: str) -> None:
    """The likelihood's own parameters from one large batch, until they stay."""
    likelihood = LIKELIHOODS[name]
    assert likelihood.update
    if by == "gradient":
        optimizer = torch.optim.Adam(own.parameters(), lr=0.05)
        for _ in range(150):
            optimizer.zero_grad()
            (-likelihood.log_prob(x, decoded, own, options).mean()).backward()
            optimizer.step()
    for _ in range(30):
        likelihood.update(x, decoded, own, options)


def test_an_em_step_is_that_of_equations_23_and_26() -> None:
    options, own = built("gaussian_mixture", variance=0.5)
    likelihood = LIKELIHOODS["gaussian_mixture"]
    assert likelihood.update
    likelihood.update(B.x, B.decoded, own, options)
    for model in range(K):
        counts, squares = [0.0, 0.0], [0.0, 0.0]
        x, logits = B.x[model].flatten().tolist(), B.decoded[model].flatten().tolist()
        for pixel, logit in zip(x, logits, strict=True):
            error = pixel - 1 / (1 + math.exp(-logit))
            joint = []
            for variance in (0.5 + MIN_VARIANCE, 0.05 + MIN_VARIANCE):
                density = math.exp(-(error**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
                joint.append(0.5 * density)
            for k in range(2):
                counts[k] += joint[k] / sum(joint)
                squares[k] += joint[k] / sum(joint) * error**2
        weights, sigmas = own.log_weight[model].exp(), own.log_sigma[model].exp()
        assert weights.tolist() == pytest.approx([c / sum(counts) for c in counts])
        variances = [s / c - MIN_VARIANCE for s, c in zip(squares, counts, strict=True)]
        assert (sigmas**2).tolist() == pytest.approx(variances)


def test_em_never_lowers_the_likelihood() -> None:
    x, decoded = noisy(torch.tensor([0.2, 0.1])[:, None, None, None, None])
    options, own = built("gaussian_mixture", components=3)
    likelihood = LIKELIHOODS["gaussian_mixture"]
    assert likelihood.update
    before = torch.full((K,), -torch.inf, dtype=torch.float64)
    for _ in range(10):
        after = likelihood.log_prob(x, decoded, own, options).mean(1)
        assert (after >= before - 1e-9 * after.abs()).all()
        before = after
        likelihood.update(x, decoded, own, options)


@pytest.mark.parametrize("name", ["gaussian_learned", "gaussian_mixture"])
def test_a_rate_below_one_averages_over_batches(name: str) -> None:
    x, decoded = noisy(torch.tensor([0.2, 0.1])[:, None, None, None, None])
    half, own = built(name, rate=0.5, **({"components": 1} if name.endswith("mixture") else {}))
    likelihood = LIKELIHOODS[name]
    assert likelihood.update
    likelihood.update(x, decoded, own, half)
    batch_variance = (x - decoded.sigmoid()).square().mean((1, 2, 3, 4))
    expected = 0.5 * (0.1 + batch_variance)
    torch.testing.assert_close(
        own.log_sigma.flatten().exp() ** 2, expected, rtol=1e-4, atol=2 * MIN_VARIANCE
    )


@pytest.mark.parametrize("name", ["gaussian_learned", "gaussian_mixture"])
def test_pixels_without_any_noise_leave_the_likelihood_finite(name: str) -> None:
    x, decoded = noisy(torch.zeros(1))
    options, own = built(name)
    likelihood = LIKELIHOODS[name]
    assert likelihood.update
    for _ in range(20):
        likelihood.update(x, decoded, own, options)
    assert likelihood.log_prob(x, decoded, own, options).isfinite().all()


def test_closed_forms_are_kept_with_the_model_but_not_trained_by_gradient() -> None:
    for name in ("gaussian_learned", "gaussian_mixture"):
        pack = Pack(config(likelihood=name), K, (1, 8, 8))
        own = [n for n, _ in pack.named_parameters() if n.startswith("likelihood_own.")]
        trained = [n for n, p in pack.named_parameters() if p.requires_grad and n in own]
        assert own and not trained


@pytest.mark.parametrize(
    ("likelihood", "options", "message"),
    [
        ("gaussian", {"variance": 0}, r"^likelihood_options\.variance: expected a positive number"),
        ("gaussian", {"sigma": 1}, r"^likelihood_options\.sigma: unknown key; known: variance"),
        ("gaussian_learned", {"by": "closed"}, r"^likelihood_options\.by: .*'closed_form'"),
        ("gaussian_mixture", {"componets": 2}, r"componets: .*did you mean 'components'"),
        ("bernoulli", {"variance": 1}, r"^likelihood_options\.variance: unknown key"),
    ],
)
def test_options_are_read_strictly(likelihood: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        Pack(config(likelihood=likelihood, likelihood_options=options), 1, (1, 8, 8))
