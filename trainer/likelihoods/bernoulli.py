"""Bernoulli pixels: the decoder outputs their logits."""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.config.schema import NoOptions
from trainer.likelihoods.likelihood import Likelihood


def bernoulli(
    x: Tensor, logits: Tensor, own: None = None, options: NoOptions | None = None
) -> Tensor:
    """Sum over pixels of x log p + (1 - x) log(1 - p), p = sigmoid(logits), also for grey x."""
    return (x * logits - F.softplus(logits)).flatten(2).sum(2)


BERNOULLI = Likelihood(bernoulli, torch.sigmoid)
