"""K copies of a single model's module, run as one by torch.func, in place of packed layers."""

import copy
import threading
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from trainer.errors import UserError

_DRAWING = threading.Lock()  # models are drawn in threads, but torch's global generator is shared


class Vmapped(nn.Module):
    """K models of the module that `make` returns: (K, n, ...) -> (K, n, ...).

    Each draws its initial values as `make` does, with torch's global generator seeded by the
    model's seed. Buffers are constants shared by all models.
    Raises UserError for a module that keeps state or draws random numbers in its forward pass.
    """

    def __init__(self, size: int, make: Callable[[], nn.Module]):
        super().__init__()
        one = make()
        _check(one)
        self._make = make
        self._one = (
            copy.deepcopy(one).to("meta"),
        )  # in a tuple, so that its parameters are not registered
        for module in one.modules():
            for name, parameter in module.named_parameters(recurse=False):
                packed = torch.empty(size, *parameter.shape, dtype=parameter.dtype)
                module.register_parameter(
                    name, nn.Parameter(packed, requires_grad=parameter.requires_grad)
                )
        self.models = one

    def forward(self, x: Tensor) -> Tensor:
        """Each model's own map."""
        [one] = self._one
        buffers = dict(self.models.named_buffers())

        def of_one(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
            found: Tensor = functional_call(one, {**parameters, **buffers}, (x,))
            return found

        return vmap(of_one)(dict(self.models.named_parameters()), x)

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Draws the parameters of one model."""
        seed = int(torch.randint(2**62, (), generator=generator))
        with _DRAWING, torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            drawn = dict(self._make().named_parameters())
            for name, parameter in self.models.named_parameters():
                parameter[model].copy_(drawn[name])


def _check(one: nn.Module) -> None:
    for module in one.modules():
        if getattr(module, "track_running_stats", False):
            raise UserError(
                f"{type(module).__name__} keeps running averages, which packs do not support; set "
                "track_running_stats=False, or use GroupNorm"
            )
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0:
            raise UserError(
                f"{type(module).__name__} draws random numbers, but not from each model's seed; "
                "remove it"
            )
