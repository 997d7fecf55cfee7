"""Hyperparameters that change while a model trains."""


def ramp(step: int, steps: int) -> float:
    """The part of `steps` that is done at `step`, 0 to 1; always 1 when `steps` is 0."""
    return min(1.0, step / steps) if steps else 1.0
