"""Reconstruction and KL beside torch.distributions, one model and one image at a time."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from evaluation.likelihood import likelihood
from tests.evaluation.trained import config, sprites, train_in
from trainer.models import load_pack


def test_it_is_what_the_distributions_say(tmp_path: Path) -> None:
    data = sprites()
    pack = load_pack(train_in(tmp_path, config(), config(seed=1)))
    result = likelihood(pack, data)
    assert result.images == len(data)
    x = torch.from_numpy(data.images(np.arange(len(data)))).float()
    noise = torch.Generator().manual_seed(0)
    for k in range(2):
        mu, logvar = (part[k] for part in pack.encode(x))
        q = Normal(mu, (logvar / 2).exp())
        kl = kl_divergence(q, Normal(0, 1)).mean(dim=0)
        np.testing.assert_allclose(result.kl_per_latent[k], kl, rtol=1e-4, atol=1e-5)
        assert result.kl[k] == pytest.approx(kl.sum().item(), rel=1e-4)
        samples = []
        for _ in range(4):
            z = mu + q.stddev * torch.randn(mu.shape, generator=noise)
            logits = pack.decode(z.expand(2, *z.shape))[k]
            samples.append(Bernoulli(logits=logits).log_prob(x).sum(dim=(1, 2, 3)).mean().item())
        assert result.reconstruction[k] == pytest.approx(np.mean(samples), rel=0.01)


def test_a_sample_of_images_is_fixed_by_its_seed(tmp_path: Path) -> None:
    pack = load_pack(train_in(tmp_path, config()))
    first, again, other = (likelihood(pack, sprites(), seed, 300) for seed in (0, 0, 1))
    assert first.reconstruction == again.reconstruction != other.reconstruction
    assert first.images == 300
    assert first.kl == pytest.approx(likelihood(pack, sprites()).kl, rel=0.2)
