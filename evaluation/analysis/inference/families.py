"""Settings that differ in more than beta and latents: which share a curve, which only a shape.

A combination of other parameters with enough betas has its own surface. With fewer, all share one
shape, and each value of each categorical parameter (objective, likelihood, …) has its own level. A
parameter whose values rarely repeat, such as a learning rate drawn from a range, is noise.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.analysis.settings.summary import SettingSummary

MIN_BETAS = 4  # needed by a combination of other parameters for its own surface


@dataclass(frozen=True)
class Families:
    """Combinations of other parameters.

    of_setting: (settings,) number of each setting's family.
    codes: (families, C) the value of each categorical parameter, as a number.
    groups: arrays with the numbers of the families that share a surface.
    scattered: names of the parameters that count as noise. shared: names of the categorical ones
        whose values have their own levels but not their own surfaces.
    """

    of_setting: np.ndarray
    codes: np.ndarray
    groups: tuple[np.ndarray, ...]
    scattered: tuple[str, ...]
    shared: tuple[str, ...]


def find_families(settings: Sequence[SettingSummary]) -> Families:
    """The families of settings, all with the same parameter names."""
    names = sorted({name for setting in settings for name in setting.parameters})
    values = {name: [repr(s.parameters.get(name)) for s in settings] for name in names}
    varied = [name for name in names if len(set(values[name])) > 1]
    scattered = [name for name in varied if 2 * len(set(values[name])) > len(settings)]
    categories = [name for name in varied if name not in scattered]
    table = [tuple(values[name][i] for name in categories) for i in range(len(settings))]
    combinations = sorted(set(table))
    number = {row: place for place, row in enumerate(combinations)}
    of_setting = np.array([number[row] for row in table])
    own = all(_betas(settings, of_setting, f) >= MIN_BETAS for f in range(len(combinations)))
    everyone = np.arange(len(combinations))
    return Families(
        of_setting=of_setting,
        codes=_number(combinations, len(categories)),
        groups=tuple(np.array([f]) for f in everyone) if own else (everyone,),
        scattered=tuple(scattered),
        shared=() if own else tuple(categories),
    )


def _betas(settings: Sequence[SettingSummary], of_setting: np.ndarray, family: int) -> int:
    """The largest number of distinct betas at one latent size."""
    betas = defaultdict(set)
    for i in np.flatnonzero(of_setting == family).tolist():
        betas[settings[i].latents].add(settings[i].beta)
    return max(map(len, betas.values()))


def _number(combinations: Sequence[tuple[str, ...]], categories: int) -> np.ndarray:
    codes = np.zeros((len(combinations), categories))
    for place in range(categories):
        known = sorted({row[place] for row in combinations})
        codes[:, place] = [known.index(row[place]) for row in combinations]
    return codes
