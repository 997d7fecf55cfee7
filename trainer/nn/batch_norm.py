"""Batch normalisation for K models at once."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PackedBatchNorm(nn.Module):
    """Normalises features to mean 0 and variance 1, then scales and shifts (Ioffe & Szegedy 2015).

    (K, n, C, ...) -> the same shape; a feature's mean and variance are over n and all axes after C.
    During training they are the batch's; running averages are kept as parameters without gradients,
    so that models and checkpoints include them.
    """

    def __init__(self, size: int, features: int):
        super().__init__()
        self.scale = nn.Parameter(torch.empty(size, features))
        self.shift = nn.Parameter(torch.empty(size, features))
        self.mean = nn.Parameter(torch.empty(size, features), requires_grad=False)
        self.variance = nn.Parameter(torch.empty(size, features), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalises each model's features, as one batch normalisation of K C features."""
        averages = self.mean.flatten(), self.variance.flatten()  # views: training changes them
        scale, shift = self.scale.flatten(), self.shift.flatten()
        y = F.batch_norm(x.transpose(0, 1).flatten(1, 2), *averages, scale, shift, self.training)
        return y.unflatten(1, self.scale.shape).transpose(0, 1)

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Sets one model's parameters to their initial values, which are the same for all."""
        with torch.no_grad():
            self.scale[model] = self.variance[model] = 1
            self.shift[model] = self.mean[model] = 0
