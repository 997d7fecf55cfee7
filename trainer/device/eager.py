"""torch's optimizers without its compiler, whose import takes as long as that of torch itself.

They import it at their first use, only to tell it what not to compile; nothing here is compiled.
"""

import inspect

import torch
from torch.optim import Optimizer


class _Eager(Optimizer):
    add_param_group = inspect.unwrap(Optimizer.add_param_group)


class Adam(_Eager, torch.optim.Adam):
    """torch.optim.Adam."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class Adagrad(_Eager, torch.optim.Adagrad):
    """torch.optim.Adagrad."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adagrad.step))


class RMSprop(_Eager, torch.optim.RMSprop):
    """torch.optim.RMSprop."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.RMSprop.step))
