"""Packed networks: what they compute, how they start, how they are read back."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.trainer.runs import config, folders
from tests.trainer.shapes import Shapes
from trainer.architectures import ARCHITECTURES
from trainer.config.schema import FieldError
from trainer.errors import UserError
from trainer.models import Pack, load_model, load_pack
from trainer.models.traversal import values_of
from trainer.nn.layers import PackedConv, PackedDeconv
from trainer.training.loop import Training, train


def built(architecture: str, shape: tuple[int, int, int], seeds: list[int]) -> Pack:
    pack = Pack(config(architecture=architecture), len(seeds), shape)
    pack.draw_parameters(seeds)
    return pack


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 64, 64)])
def test_shapes(architecture: str, shape: tuple[int, int, int]) -> None:
    pack = built(architecture, shape, [0, 1])
    images = torch.rand(5, *shape)
    mu, logvar = pack.encode(images)
    assert mu.shape == logvar.shape == (2, 5, 3)
    assert pack.decode(mu).shape == (2, 5, *shape)
    assert 0 <= pack.means(mu).min() <= pack.means(mu).max() <= 1
    torch.testing.assert_close(pack.encode(images.expand(2, *images.shape))[0], mu)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_starts_the_same_in_any_pack(architecture: str) -> None:
    pack = built(architecture, (1, 32, 32), [5, 6, 7])
    alone = built(architecture, (1, 32, 32), [6])
    others = dict(pack.named_parameters())
    for name, mine in alone.named_parameters():
        assert torch.equal(mine[0], others[name][1])
        if name.endswith("weight"):
            assert not torch.equal(others[name][0], others[name][1])
        elif name.endswith((".scale", ".variance")):  # of batch normalisation
            assert torch.equal(mine, torch.ones_like(mine))
        else:
            assert not mine.any()  # biases start at zero


def test_models_of_a_pack_never_mix() -> None:
    for architecture in ARCHITECTURES:
        pack = built(architecture, (1, 32, 32), [0, 1, 2])
        images = torch.rand(3, 2, 1, 32, 32)
        mu, _ = pack.encode(images)
        pack.decode(mu)[1].sum().backward()
        for parameter in pack.parameters():
            if parameter.requires_grad:
                assert parameter.grad is not None
                assert not parameter.grad[[0, 2]].any()


def test_packed_convolutions_are_torchs_own_model_by_model() -> None:
    x = torch.rand(2, 3, 4, 8, 8)
    forward, back = PackedConv(2, 4, 6), PackedDeconv(2, 4, 6)
    for layer in (forward, back):
        for model in range(2):
            layer.initialise(model, torch.Generator().manual_seed(model))
    for k in range(2):
        down = F.conv2d(x[k], forward.weight[k], forward.bias[k], stride=2, padding=1)
        up = F.conv_transpose2d(x[k], back.weight[k], back.bias[k], stride=2, padding=1)
        torch.testing.assert_close(forward(x)[k], down)
        torch.testing.assert_close(back(x)[k], up)


def test_initial_values_equal_torchs() -> None:
    ours = built("fc1200", (1, 16, 16), [0]).encoder[1].weight
    torchs = nn.Linear(256, 1200).weight
    assert ours.abs().max().item() == pytest.approx(1 / 16, rel=1e-3)
    assert ours.std().item() == pytest.approx(torchs.std().item(), rel=0.01)


def test_trained_models_are_read_back_one_by_one_and_together(tmp_path: Path) -> None:
    paths = folders(tmp_path, 2)
    training = Training([config(seed=0), config(seed=1, beta=4.0)], Shapes(), paths, device="cpu")
    training.advance(60)
    training.finish()
    images = torch.rand(5, 1, 12, 12)
    expected, _ = training.pack.encode(images)
    assert torch.equal(load_pack(paths).encode(images)[0], expected)
    # a batched product may round otherwise at another place of the batch, on some processors
    torch.testing.assert_close(load_pack(paths[::-1]).encode(images)[0], expected.flip(0))
    torch.testing.assert_close(load_model(paths[1]).pack.encode(images)[0][0], expected[1])
    assert not any(parameter.requires_grad for parameter in load_pack(paths).parameters())


def test_what_cannot_be_read_back_is_named(tmp_path: Path) -> None:
    paths = folders(tmp_path, 2)
    train([config()], Shapes(), paths[:1], device="cpu")
    train([config(latents=5)], Shapes(), paths[1:], device="cpu")
    with pytest.raises(UserError, match=r"has latents 5, .* has 3;"):
        load_pack(paths)
    with pytest.raises(UserError, match="is not a run folder"):
        load_pack([tmp_path])
    with pytest.raises(UserError, match="at least one"):
        load_pack([])
    (paths[0] / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(UserError, match="damaged"):
        load_pack(paths[:1])
    (paths[0] / "model.safetensors").unlink()
    with pytest.raises(UserError, match="not finished"):
        load_pack(paths[:1])
    values = json.loads((paths[1] / "config.json").read_text())
    (paths[1] / "config.json").write_text(json.dumps(values | {"latents": 4}))
    with pytest.raises(UserError, match="was changed"):
        load_pack(paths[1:])


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(FieldError, match=r"architecture: .*did you mean 'fc1200'"):
        Pack(config(architecture="fc120"), 1, (1, 8, 8))
    with pytest.raises(FieldError, match=r"objective: .*did you mean 'beta_vae'"):
        Pack(config(objective="beta_vea"), 1, (1, 8, 8))
    with pytest.raises(UserError, match="64x64 or 32x32 images, but these are 28x28"):
        Pack(config(architecture="conv"), 1, (1, 28, 28))


def test_latents_are_ranked_and_moved_by_the_models_own_prior() -> None:
    """The KL of InfoGAN's codes is from its uniform, that of ISA-VAE from its nested prior."""
    images = torch.rand(3, 1, 12, 12)
    for objective in ("beta_vae", "infogan", "isa_vae"):
        options = {"subspaces": 2} if objective == "isa_vae" else {}
        one = config(objective=objective, latents=4, objective_options=options)
        pack = Pack(one, 2, (1, 12, 12))
        pack.draw_parameters([0, 1])
        pack.requires_grad_(False)
        found = pack.mean_kl(images)
        mu, logvar = pack.encode(images)
        assert found.shape == (2, 4)
        if objective == "isa_vae":
            noise = torch.randn(400, *mu.shape)
            codes = mu + (0.5 * logvar).exp() * noise
            expected = torch.stack([pack.kl(mu, logvar, z).mean(1) for z in codes]).mean(0)
            torch.testing.assert_close(found, expected, atol=0.2, rtol=0)
        else:
            torch.testing.assert_close(found, pack.kl(mu, logvar, mu).mean(1))
        assert values_of(pack).max() == (1 if objective == "infogan" else 3)
