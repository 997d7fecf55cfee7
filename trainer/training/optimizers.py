"""torch.optim over packed parameters, with each model's own learning rate and state."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import torch
from torch import Tensor

from trainer.config.run import OptimizerConfig
from trainer.device.adagrad import adagrad
from trainer.device.eager import Adam, RMSprop

# the state arrays torch keeps
MOMENTS = {"adam": ("exp_avg", "exp_avg_sq"), "adagrad": ("sum",), "rmsprop": ("square_avg",)}
RMSPROP_DECAY = 0.9  # of the running average of squares (Tieleman & Hinton 2012)


class PackedOptimizer:
    """Adam, Adagrad or RMSprop for K models that differ only in learning rate.

    Neighbours with the same learning rate share a parameter group of views P[a:b] of the packed
    parameters, so that torch's fused kernels serve several rates. All three are elementwise: a
    model is unaffected by its neighbours.
    """

    def __init__(
        self, parameters: Mapping[str, torch.nn.Parameter], configs: Sequence[OptimizerConfig]
    ):
        self.moments = MOMENTS[configs[0].name]
        self._parameters = dict(parameters)
        self._slices = _equal_neighbours([config.lr for config in configs])
        self._views = {
            (name, piece.start): torch.nn.Parameter(parameter.detach()[piece])
            for piece in self._slices
            for name, parameter in self._parameters.items()
        }
        groups = [
            {
                "params": [self._views[name, piece.start] for name in self._parameters],
                "lr": configs[piece.start].lr,
            }
            for piece in self._slices
        ]
        self._optimizer = _optimizer(groups, configs[0])

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of a scalar loss, the sum of the models' losses."""
        # fresh gradients each step: not zeroing or accumulating them saves memory traffic
        gradients = torch.autograd.grad(loss, list(self._parameters.values()))
        for name, gradient in zip(self._parameters, gradients, strict=True):
            for piece in self._slices:
                # torch's fused kernels misread a gradient with another layout than its parameter's
                self._views[name, piece.start].grad = gradient[piece].contiguous()
        self._optimizer.step()
        for view in self._views.values():
            view.grad = None  # they would take as much memory as the parameters

    def state(self, model: int) -> dict[str, Tensor]:
        """The state arrays of one model, by "moment.parameter"; empty before Adam's first step."""
        arrays = {}
        piece = next(piece for piece in self._slices if piece.start <= model < piece.stop)
        for name in self._parameters:
            state = self._optimizer.state[self._views[name, piece.start]]
            for moment in self.moments:
                if moment in state:
                    arrays[f"{moment}.{name}"] = state[moment][model - piece.start]
        return arrays

    def load(self, step: int, models: Sequence[Mapping[str, Tensor]]) -> None:
        """Resumes after `step` steps from each model's arrays, as returned by `state`."""
        if step == 0:
            return
        for (name, start), view in self._views.items():
            state: dict[str, Tensor] = {"step": torch.tensor(float(step), device=self._step_device)}
            for moment in self.moments:
                rows = [models[start + k][f"{moment}.{name}"] for k in range(len(view))]
                state[moment] = torch.stack(rows).to(view.device)
            self._optimizer.state[view] = state

    @property
    def _step_device(self) -> torch.device:
        keys = ("fused", "capturable")
        on_device = any(self._optimizer.defaults.get(key) for key in keys)
        return next(iter(self._views.values())).device if on_device else torch.device("cpu")


def _optimizer(groups: list[dict], config: OptimizerConfig) -> torch.optim.Optimizer:
    # `capturable`: on a GPU, steps become part of a graph (trainer.device.cuda_graph)
    device = groups[0]["params"][0].device
    on_cpu = device.type == "cpu"
    if config.name == "adam":
        betas = (config.beta1, config.beta2)
        return Adam(groups, betas=betas, fused=True, capturable=not on_cpu)
    if config.name == "adagrad":
        return adagrad(groups, config.initial_accumulator, device)
    # torch has no fused RMSprop
    return RMSprop(groups, alpha=RMSPROP_DECAY, foreach=not on_cpu, capturable=not on_cpu)


def _equal_neighbours(rates: Sequence[float]) -> list[slice]:
    slices, start = [], 0
    for _, run in groupby(rates):
        stop = start + len(list(run))
        slices.append(slice(start, stop))
        start = stop
    return slices
