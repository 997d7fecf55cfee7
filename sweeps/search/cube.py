"""Points of the unit cube [0, 1)^parameters, and the settings they stand for."""

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from sweeps.search.space import Parameter, Value, active


def uniform(parameters: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Endless uniformly distributed points (parameters,)."""
    random = np.random.default_rng(seed)
    while True:
        yield random.random(parameters)


def sobol(parameters: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """An endless scrambled Sobol sequence: its first 2^k points fill the cube evenly, for any k."""
    from scipy.stats import qmc  # half a second that a grid need not pay

    # in powers of two: SciPy warns about any other number
    points = qmc.Sobol(parameters, rng=np.random.default_rng(seed))
    yield from points.random(16)
    while True:
        yield from points.random(points.num_generated)


def settings_at(
    parameters: Mapping[str, Parameter], points: Iterator[NDArray[np.float64]], most: int
) -> Iterator[dict[str, Value]]:
    """The settings at the next points, at most `most`; takes no more points than are asked for."""
    for point in itertools.islice(points, most):
        yield setting_at(parameters, point)


def setting_at(parameters: Mapping[str, Parameter], point: NDArray[np.float64]) -> dict[str, Value]:
    """The setting at a point (parameters,) of the cube."""
    plain = point.tolist()  # of Python's floats, which YAML and JSON hold
    values = {n: _value(p, u) for (n, p), u in zip(parameters.items(), plain, strict=True)}
    return active(parameters, values)


def _value(parameter: Parameter, u: float) -> Value:
    if parameter.choices is not None:
        return parameter.choices[int(u * len(parameter.choices))]
    low, high = parameter.low, parameter.high
    if parameter.whole:
        low, high = low - 0.5, high + 0.5  # so that both ends are as likely as the rest
    ratio = math.log(high / low) if parameter.log else 0.0
    value = low * math.exp(u * ratio) if parameter.log else low + u * (high - low)
    if parameter.whole:
        return min(max(round(value), int(parameter.low)), int(parameter.high))
    return min(value, high)
