"""Each network has the layers that its paper prints, and says which images it cannot take."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.trainer.runs import config
from trainer.architectures.troubleshooting import DeconvTo, troubleshooting
from trainer.errors import UserError
from trainer.models import Pack
from trainer.nn.batch_norm import PackedBatchNorm
from trainer.nn.pooling import MaxPool, PackedConv3x3, Unpool

Shape = tuple[int, int, int]


def parameters(architecture: str, shape: Shape, latents: int) -> tuple[int, int]:
    """Of encoder and decoder, all that training changes."""
    pack = Pack(config(architecture=architecture, latents=latents), 1, shape)
    encoder, decoder = (
        sum(p.numel() for p in part.parameters() if p.requires_grad)
        for part in (pack.encoder, pack.decoder)
    )
    return encoder, decoder


def connected(*widths: int) -> int:
    """Weights and biases of fully connected layers."""
    return sum(a * b + b for a, b in pairwise(widths))


def kernels(side: int, *channels: int) -> int:
    """Weights and biases of convolutions of side x side."""
    return sum(a * b * side**2 + b for a, b in pairwise(channels))


def features(module: nn.Module, x: torch.Tensor, kind: type[nn.Module]) -> list[Sequence[int]]:
    """Shapes (C, H, W) that layers of a kind give, in order."""
    shapes: list[Sequence[int]] = []
    for layer in module.modules():
        if isinstance(layer, kind):
            layer.register_forward_hook(lambda *a: shapes.append(tuple(a[2].shape[2:])))
    module(x)
    return shapes


@pytest.mark.parametrize("latents", [10, 20])
def test_fc1200_is_that_of_higgins_and_of_stuehmer(latents: int) -> None:
    """Higgins et al. 2017, Table 1, and Stühmer et al. 2019, A.4, but for its unused conv_z."""
    encoder = connected(4096, 1200, 1200, 2 * latents)
    decoder = connected(latents, 1200, 1200, 1200, 4096)
    assert parameters("fc1200", (1, 64, 64), latents) == (encoder, decoder)
    pack = Pack(config(architecture="fc1200"), 1, (1, 64, 64))
    assert {type(m) for m in pack.decoder.modules()} & {nn.ReLU, nn.Tanh} == {nn.Tanh}


def test_the_discriminator_is_that_of_stuehmer() -> None:
    pack = Pack(config(objective="factor_vae", latents=10), 1, (1, 8, 8))
    assert pack.adversary is not None
    assert sum(p.numel() for p in pack.adversary.parameters()) == connected(10, 1000, 2)
    [leaky] = [m for m in pack.adversary.modules() if isinstance(m, nn.LeakyReLU)]
    assert leaky.negative_slope == 0.2


@pytest.mark.parametrize("colours", [1, 3])
def test_conv_is_that_for_chairs_faces_and_celeba(colours: int) -> None:
    encoder = kernels(4, colours, 32, 32, 64, 64) + connected(64 * 16, 256, 64)
    decoder = connected(32, 256, 64 * 16) + kernels(4, 64, 64, 32, 32, colours)
    assert parameters("conv", (colours, 64, 64), 32) == (encoder, decoder)


def test_burgess_is_that_of_appendix_a1() -> None:
    encoder = kernels(4, 1, 32, 32, 32, 32) + connected(512, 256, 256, 20)
    decoder = connected(10, 256, 256, 512) + kernels(4, 32, 32, 32, 32, 1)
    assert parameters("burgess", (1, 64, 64), 10) == (encoder, decoder)


def test_dc_ign_is_that_of_table_1() -> None:
    encoder = kernels(3, 1, 96, 48, 48) + connected(48 * 8 * 8, 20)
    decoder = connected(10, 48 * 8 * 8) + kernels(3, 48, 48, 96, 1)
    assert parameters("dc_ign", (1, 64, 64), 10) == (encoder, decoder)
    pack = Pack(config(architecture="dc_ign", latents=10), 1, (1, 64, 64))
    pack.draw_parameters([0])
    pooled = features(pack.encoder, torch.rand(1, 2, 1, 64, 64), MaxPool)
    assert pooled == [(96, 32, 32), (48, 16, 16), (48, 8, 8)]
    unpooled = features(pack.decoder, torch.rand(1, 2, 10), Unpool)
    assert unpooled == [(48, 16, 16), (48, 32, 32), (96, 64, 64)]


def test_infogan_is_that_of_table_1() -> None:
    """Normalised layers have scale and shift in place of a bias, which is as many numbers twice."""
    flat = 128 * 16 * 16
    encoder = kernels(4, 1, 64) + 64 * 128 * 16 + 2 * 128
    encoder += sum(a * b + 2 * b for a, b in pairwise((flat, 256, 256, 128))) + connected(128, 10)
    decoder = sum(a * b + 2 * b for a, b in pairwise((10, 256, 256)))
    decoder += 256 * flat + 2 * 128 + 128 * 64 * 16 + 2 * 64 + kernels(4, 64, 1)
    pack = Pack(config(architecture="infogan", objective="infogan", latents=5), 1, (1, 64, 64))
    counts = [
        sum(p.numel() for p in part.parameters() if p.requires_grad)
        for part in (pack.encoder, pack.decoder)
    ]
    assert counts == [encoder + connected(256, 1), decoder]  # FC 1: the discriminator's last
    normalised = [type(m).__name__ for m in pack.modules()].count("PackedBatchNorm")
    assert normalised == 4 + 4  # of 3 + 3 layers, one of recognition, and back of 5


@pytest.mark.parametrize(
    ("shape", "stages", "last"),
    [
        ((1, 28, 28), (32, 32), (7, 7)),
        ((3, 64, 64), (32, 32, 64, 64), (4, 4)),
        ((1, 192, 168), (32, 32, 64, 64), (12, 10)),
    ],
)
def test_troubleshooting_is_that_of_appendix_d5(
    shape: Shape, stages: tuple[int, ...], last: tuple[int, int]
) -> None:
    """MNIST, CelebA and Extended Yale Face B."""
    flat = stages[-1] * last[0] * last[1]
    encoder = kernels(4, shape[0], *stages) + connected(flat, 256, 2 * 128)
    decoder = connected(128, 256, flat) + kernels(4, *stages[::-1], shape[0])
    assert parameters("troubleshooting", shape, 128) == (encoder, decoder)
    pack = Pack(config(architecture="troubleshooting", latents=128), 1, shape)
    pack.draw_parameters([0])
    assert pack.encode(torch.rand(2, *shape))[0].shape == (1, 2, 128)
    assert pack.decode(torch.rand(1, 2, 128)).shape == (1, 2, *shape)


def test_a_deconvolution_to_an_odd_side_equals_torchs_with_output_padding() -> None:
    [_, deconv] = [m for m in troubleshooting(2, (1, 7, 10), 3)[1] if isinstance(m, DeconvTo)]
    inner = deconv.deconv
    for model in range(2):
        inner.initialise(model, torch.Generator().manual_seed(model))
    height, width = deconv.sides
    x = torch.rand(2, 3, inner.weight.shape[1], height // 2, width // 2)
    odd = (height % 2, width % 2)
    assert 1 in odd
    for k in range(2):
        expected = F.conv_transpose2d(
            x[k], inner.weight[k], inner.bias[k], stride=2, padding=1, output_padding=odd
        )
        torch.testing.assert_close(deconv(x)[k], expected)


@pytest.mark.parametrize(
    ("architecture", "shape", "message"),
    [
        ("conv", (1, 28, 28), "takes 64x64 or 32x32 images, but these are 28x28"),
        ("burgess", (1, 64, 32), "takes 64x64 or 32x32 images, but these are 64x32"),
        ("dc_ign", (1, 28, 28), "multiples of 8, but these are 28x28; use 'fc1200' or 'mlp'"),
        ("infogan", (1, 30, 32), "multiples of 4, but these are 30x32; use 'fc1200' or 'mlp'"),
        ("troubleshooting", (1, 3, 9), "at least 4 pixels a side, but these are 3x9"),
    ],
)
def test_images_that_a_network_cannot_take_are_named(
    architecture: str, shape: Shape, message: str
) -> None:
    with pytest.raises(UserError, match=f"^architecture '{architecture}' .*{message}"):
        Pack(config(architecture=architecture), 1, shape)


def test_packed_layers_are_torchs_own_model_by_model() -> None:
    x = torch.rand(2, 3, 4, 8, 8)
    conv = PackedConv3x3(2, 4, 6)
    for model in range(2):
        conv.initialise(model, torch.Generator().manual_seed(model))
    for k in range(2):
        torch.testing.assert_close(
            conv(x)[k], F.conv2d(x[k], conv.weight[k], conv.bias[k], padding=1)
        )
        assert torch.equal(MaxPool()(x)[k], F.max_pool2d(x[k], 2))
        assert torch.equal(Unpool()(x)[k], x[k].repeat_interleave(2, 2).repeat_interleave(2, 3))


@pytest.mark.parametrize(("shape", "torchs"), [((), nn.BatchNorm1d), ((5, 5), nn.BatchNorm2d)])
def test_batch_normalisation_is_torchs_own_model_by_model(
    shape: tuple[int, ...], torchs: type[nn.BatchNorm1d | nn.BatchNorm2d]
) -> None:
    ours, theirs = PackedBatchNorm(2, 4), [torchs(4), torchs(4)]
    for k in range(2):
        ours.initialise(k, torch.Generator())
        with torch.no_grad():
            ours.scale[k], ours.shift[k] = torch.rand(4), torch.rand(4)
            theirs[k].weight.copy_(ours.scale[k])
            theirs[k].bias.copy_(ours.shift[k])
    for _ in range(3):
        x = 3 * torch.randn(2, 7, 4, *shape) + 1
        y = ours(x)
        for k in range(2):
            torch.testing.assert_close(y[k], theirs[k](x[k]))
    for k in range(2):
        torch.testing.assert_close(ours.mean[k], theirs[k].running_mean)
        torch.testing.assert_close(ours.variance[k], theirs[k].running_var)
    ours.eval()
    x = torch.randn(2, 7, 4, *shape)
    for k in range(2):
        torch.testing.assert_close(ours(x)[k], theirs[k].eval()(x[k]))
