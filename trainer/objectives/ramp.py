"""Hyperparameters that change while a model trains."""

from torch import Tensor


def ramp(step: Tensor, steps: int) -> Tensor | float:
    """The fraction of `steps` done at `step`, (), 0 to 1; always 1 when `steps` is 0."""
    return (step / steps).clamp(max=1.0) if steps else 1.0
