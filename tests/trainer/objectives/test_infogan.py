"""InfoGAN against a literal transcription of its game, and who learns from what in a step."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer.objectives.batches import K, M, N, initialised
from tests.trainer.objectives.literal import log_normal
from tests.trainer.runs import config, folders, history, model
from tests.trainer.shapes import Shapes
from trainer.config.run import RunConfig
from trainer.distributions.uniform_prior import UniformPrior
from trainer.models import Pack, load_pack
from trainer.objectives.infogan import Game, InfoganOptions, infogan
from trainer.training.loop import Training, train


def game(dtype: torch.dtype = torch.float64) -> Game:
    generator = torch.Generator().manual_seed(1)

    def draw(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64).to(dtype)

    codes = draw(K, N, M).tanh()
    return Game(2 * draw(K, N), 2 * draw(K, N), codes, draw(K, N, M), draw(K, N, M))


def run(**options: float) -> RunConfig:
    return config(objective="infogan", latents=2, steps=8, objective_options=options)


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_game_is_equations_5_and_6(dtype: torch.dtype) -> None:
    terms, g = infogan(game(dtype), InfoganOptions(information=0.3)), game()
    for k in range(K):
        value = advised = information = 0.0
        for real, fake in zip(g.real[k].tolist(), g.fake[k].tolist(), strict=True):
            value += (math.log(sigmoid(real)) + math.log(1 - sigmoid(fake))) / N
            advised += math.log(sigmoid(fake)) / N
        for c, mu, logvar in zip(
            g.codes[k].tolist(), g.mu[k].tolist(), g.logvar[k].tolist(), strict=True
        ):
            information += sum(map(log_normal, c, mu, logvar)) / N
        information += M * -math.log(1 / 2)  # H(c) of the density 1/2 between -1 and 1
        exact = 1e-9 if dtype == torch.float64 else 1e-5
        expected = {
            "discriminator": -value - 0.3 * information,
            "loss": -advised - 0.3 * information,
            "information": information,
        }
        for name, figure in expected.items():
            assert terms[name][k].item() == pytest.approx(figure, rel=exact), name
        right = [logit > 0 for logit in g.real[k].tolist()]
        right += [logit < 0 for logit in g.fake[k].tolist()]
        assert terms["accuracy"][k].item() == pytest.approx(sum(right) / (2 * N))


def test_each_player_learns_by_its_own_optimiser(tmp_path: Path) -> None:
    def changed(**rates: float) -> set[str]:
        observer = rates.get("observer", 1e-12)
        one = config(
            objective="infogan",
            steps=8,
            lr=rates.get("generator", 1e-12),
            objective_options={"discriminator_lr": observer},
        )
        [path] = folders(tmp_path / str(rates), 1)
        train([one], Shapes(), [path], device="cpu")
        pack = Pack(one, 1, (1, 12, 12))
        pack.draw_parameters([one.seed])
        first, last = dict(pack.named_parameters()), model(path)
        far = {name for name in last if (last[name] - first[name][0]).abs().max() > 1e-4}
        return {".".join(name.split(".")[:2]) for name in far}

    assert changed(generator=1e-2) == {"decoder.decoder"}
    assert changed(observer=1e-2) == {"encoder.shared", "encoder.recognition", "encoder.verdict"}


def test_codes_are_uniform_and_instance_noise_has_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training([run(instance_noise=0.25)], Shapes(), [tmp_path], device="cpu")
    codes, noisy = [], []
    means, judge = training.pack.means, training.learner.discriminator.judge  # type: ignore[attr-defined]

    def watched_means(z: torch.Tensor) -> torch.Tensor:
        codes.append(z)
        return means(z)

    def watched_judge(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        noisy.append(x)
        return judge(x)

    monkeypatch.setattr(training.pack, "means", watched_means)
    monkeypatch.setattr(training.learner.discriminator, "judge", watched_judge)  # type: ignore[attr-defined]
    training.advance(60)
    drawn = torch.cat(codes).flatten()
    assert codes[0].shape == (1, 16, 2 + 5)
    assert drawn.abs().max() <= 1
    quantiles = drawn.quantile(torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9]))
    torch.testing.assert_close(
        quantiles, torch.tensor([-0.8, -0.5, 0.0, 0.5, 0.8]), atol=0.1, rtol=0
    )
    assert len(noisy) == 3 * 8  # real, generated for D and Q, generated for G
    again = Training([run(instance_noise=0.0)], Shapes(), [tmp_path / "2"], device="cpu")
    indices, _ = again.learner.draws.at(0)  # type: ignore[attr-defined]
    added = noisy[0] - again.learner.pixels.at(indices)  # type: ignore[attr-defined]
    assert added.std().item() == pytest.approx(0.25, rel=0.05)
    kinds = [(noisy[i] - noisy[j]).abs().max() for i, j in [(0, 1), (1, 2), (0, 3)]]
    assert min(kinds) > 0.1


def test_noise_codes_left_out_are_at_their_mean() -> None:
    pack = Pack(run(noise_codes=3), K, (1, 12, 12))
    pack.draw_parameters([0, 1])
    codes = torch.rand(K, N, 2)
    whole = torch.cat([codes, torch.zeros(K, N, 3)], dim=2)
    assert torch.equal(pack.decode(codes), pack.decode(whole))
    assert not torch.equal(pack.decode(codes), pack.decode(whole + 1))
    assert pack.sample_prior(4).shape == (K, 4, 2 + 3)
    assert pack.decode(pack.sample_prior(4)).shape == (K, 4, 1, 12, 12)


def test_its_prior_is_uniform_and_its_kl_that_of_matched_moments() -> None:
    prior = UniformPrior(noise_codes=1)
    z = prior.sample(2, 5000, 3, np.random.default_rng(0))
    assert z.shape == (2, 5000, 4)
    assert z.abs().max() < 1
    assert z.var().item() == pytest.approx(1 / 3, rel=0.02)
    mu, logvar = torch.tensor([[[0.4]]]), torch.tensor([[[-1.0]]])
    p = torch.distributions.Normal(0.0, (1 / 3) ** 0.5)
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    torch.testing.assert_close(prior.kl(mu, logvar, mu), torch.distributions.kl_divergence(q, p))


def test_the_papers_networks_train_the_same_on_their_own_and_in_a_pack(tmp_path: Path) -> None:
    """The first steps: a game with batch normalisation soon makes rounding grow."""
    runs = [
        config(objective="infogan", architecture="infogan", steps=3, seed=seed, latents=2)
        for seed in (0, 1)
    ]
    packed, alone = folders(tmp_path / "pack", 2), tmp_path / "alone"
    train(runs, Shapes(), packed, device="cpu")
    train(runs[1:], Shapes(), [alone], device="cpu")
    for term, values in history(packed[1]).items():
        torch.testing.assert_close(values, history(alone)[term], rtol=2e-3, atol=2e-3, msg=term)
    for name, array in model(alone).items():
        if name.endswith((".mean", ".variance")):  # what was seen of all steps
            torch.testing.assert_close(model(packed[1])[name], array, rtol=2e-3, atol=2e-3)
    images = torch.rand(6, 1, 12, 12)
    loaded = load_pack(packed)
    one_by_one = torch.cat([loaded.encode(image[None])[0] for image in images], dim=1)
    torch.testing.assert_close(loaded.encode(images)[0], one_by_one)  # averages, not the batch's


def test_averages_of_batch_normalisation_survive_a_restart(tmp_path: Path) -> None:
    one = config(objective="infogan", architecture="infogan", steps=4, latents=2)
    whole, cut = folders(tmp_path, 2)
    train([one], Shapes(), [whole], device="cpu")
    first = Training([one], Shapes(), [cut], device="cpu")
    while first.step < 2:
        first.advance(0)
    first.save()
    train([one], Shapes(), [cut], device="cpu")
    assert any(name.endswith(".variance") for name in model(cut))
    for name, array in model(whole).items():
        assert torch.equal(array, model(cut)[name]), name


def test_any_architecture_plays() -> None:
    pack = initialised(Pack(run(), K, (1, 12, 12)), torch.float32)
    images = torch.rand(K, N, 1, 12, 12)
    assert pack.encoder.judge(images)[1].shape == (K, N)  # type: ignore[operator, union-attr]
