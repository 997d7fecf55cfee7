"""Both ways to convolve for many models at once give what each model's own convolution gives."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.nn.convolution import convolve, in_groups, one_by_one

CASES = [
    (F.conv2d, (5, 3, 4, 4), {"stride": 2, "padding": 1}),
    (F.conv2d, (5, 3, 3, 3), {"stride": 1, "padding": 1}),
    (F.conv_transpose2d, (3, 5, 4, 4), {"stride": 2, "padding": 1}),
]


@pytest.mark.parametrize("way", [one_by_one, in_groups, convolve])
@pytest.mark.parametrize(("convolution", "kernel", "options"), CASES)
def test_every_model_has_its_own_convolution_and_gradient(
    way: Callable[..., Tensor],
    convolution: Callable[..., Tensor],
    kernel: tuple[int, ...],
    options: dict[str, int],
) -> None:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    x, weight, bias = normal(4, 6, 3, 8, 8), normal(4, *kernel), normal(4, 5)
    y = way(convolution, x, weight, bias, **options)
    expected = torch.stack(
        [convolution(x[k], weight[k], bias[k], **options) for k in range(len(x))]
    )
    torch.testing.assert_close(y, expected)
    direction = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    ours = torch.autograd.grad((y * direction).sum(), [x, weight, bias])
    theirs = torch.autograd.grad((expected * direction).sum(), [x, weight, bias])
    torch.testing.assert_close(ours, theirs)


def test_on_a_cpu_a_model_has_the_same_bits_in_any_pack() -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(s, generator=generator) for s in [(3, 8, 3, 16, 16), (3, 5, 3, 4, 4)])
    bias = torch.zeros(3, 5)
    together = convolve(F.conv2d, x, weight, bias, stride=2, padding=1)
    for k in range(3):
        alone = convolve(
            F.conv2d, x[k : k + 1], weight[k : k + 1], bias[k : k + 1], stride=2, padding=1
        )
        assert torch.equal(alone[0], together[k])
