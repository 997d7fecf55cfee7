"""The settings that `surface` chooses from: all of a small space, a grid of a large one."""

import itertools
import math
from collections.abc import Mapping

import numpy as np

from sweeps.search.space import Parameter, Value, active

STEPS = 41  # values of a real range: steps of 24 % over the paper's range of beta_norm
WHOLE_STEPS = 8  # values of an integer range


def all_of(parameters: Mapping[str, Parameter]) -> list[dict[str, Value]]:
    """The settings, the last parameter changing fastest."""
    values = [_values(parameter) for parameter in parameters.values()]
    points = (dict(zip(parameters, p, strict=True)) for p in itertools.product(*values))
    return [active(parameters, point) for point in points]


def count(parameters: Mapping[str, Parameter]) -> int:
    """How many there are."""
    return math.prod(len(_values(parameter)) for parameter in parameters.values())


def _values(parameter: Parameter) -> list[Value]:
    if parameter.choices is not None:
        return list(parameter.choices)
    if parameter.points is not None:
        return list(parameter.grid())
    spread = np.geomspace if parameter.log else np.linspace
    if parameter.whole:
        found = spread(parameter.low, parameter.high, WHOLE_STEPS).round().astype(int).tolist()
        return list(dict.fromkeys(found))
    # ten significant digits, as a grid has them
    return [float(f"{x:.10g}") for x in spread(parameter.low, parameter.high, STEPS)]
