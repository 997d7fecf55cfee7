"""Functions that the scores allow, drawn on a dense grid of betas for each latent size."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from evaluation.analysis.choose import SettingSummary
from evaluation.analysis.inference.surface import Surface, fit_surface

GRID = 81  # points of each curve: steps of 11 % over the paper's range of beta_norm
DRAWS = 4000  # functions drawn; a probability is then known to within 0.01
FEWEST_PER_FAMILY = 4  # settings a combination of other parameters needs for curves of its own
COARSE = 4  # every so many-th grid point is enough to judge an imagined sweep
IMAGINED_DRAWS = 1000


@dataclass(frozen=True)
class Columns:
    """What the columns of the draws stand for: curve points and tested settings; (columns,) each.

    log_norm: log beta_norm. log_ratio: log(beta / beta_norm) = log(N / M). latents: M.
    family: number of the combination of other parameters.
    setting: number of the tested setting, -1 on a curve.
    low, high: whether it is the lowest, the highest beta tried at its latent size and family.
    half_step: half the distance between curve points there.
    """

    log_norm: np.ndarray
    log_ratio: np.ndarray
    latents: np.ndarray
    family: np.ndarray
    setting: np.ndarray
    low: np.ndarray
    high: np.ndarray
    half_step: np.ndarray

    @property
    def points(self) -> np.ndarray:
        """(columns, 2): log beta_norm, log latents."""
        return np.stack([self.log_norm, np.log(self.latents)], axis=1)

    def only(self, mask: np.ndarray) -> "Columns":
        """The columns where `mask` (columns,) holds."""
        return Columns(**{name: values[mask] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Posterior:
    """Draws (draws, columns) of the mean score, higher is better, and the surface of each family.

    members: for each family, the numbers of its settings in the order its surface knows them.
    """

    columns: Columns
    draws: np.ndarray
    surfaces: tuple[Surface, ...]
    members: tuple[np.ndarray, ...]
    seed: int
    _imagined: dict[float, tuple[Surface, ...]] = field(default_factory=dict, repr=False)

    def imagine(self, seeds_factor: float, mask: np.ndarray) -> tuple[Columns, np.ndarray]:
        """Columns (every few in `mask`) and draws to expect from so many times the seeds.

        The means are put where the surface has them now: more seeds would calm the noise.
        """
        on_curve = self.columns.setting < 0
        every_few = np.zeros_like(mask)
        every_few[np.flatnonzero(mask & on_curve)[::COARSE]] = True
        columns = self.columns.only(every_few | (mask & ~on_curve))
        if seeds_factor not in self._imagined:  # asked for every latent size
            self._imagined[seeds_factor] = self._with_noise(1 / seeds_factor)
        surfaces = self._imagined[seeds_factor]
        return columns, _draw(surfaces, columns, IMAGINED_DRAWS, self.seed)

    def _with_noise(self, noise: float) -> tuple[Surface, ...]:
        """The surfaces had the settings scored their expected means, at so much of the variance."""
        tested = self.columns.setting >= 0
        expected = self.draws[:, tested].mean(axis=0)[np.argsort(self.columns.setting[tested])]
        return tuple(
            surface.imagine(expected[members], noise)
            for surface, members in zip(self.surfaces, self.members, strict=True)
        )


def draw_posterior(
    settings: Sequence[SettingSummary], means: np.ndarray, variances: np.ndarray, seed: int
) -> Posterior:
    """Posterior given mean scores `means` (settings,), higher is better, of noise `variances`.

    Settings that differ in other parameters, say in objective, have surfaces of their own where
    each combination has settings enough. If not, one serves all, and what the others do is noise.
    """
    members = group_families(settings)
    points = np.log([(setting.beta_norm, setting.latents) for setting in settings])
    columns = _make_columns(settings, members)
    surfaces = tuple(
        fit_surface(points[m], means[m], variances[m], _seeds_show_all_noise(settings, m))
        for m in members
    )
    return Posterior(columns, _draw(surfaces, columns, DRAWS, seed), surfaces, members, seed)


def group_families(settings: Sequence[SettingSummary]) -> tuple[np.ndarray, ...]:
    """Numbers of the settings of each family: combinations of other parameters, or one for all."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, setting in enumerate(settings):
        groups[repr(sorted(setting.parameters.items()))].append(i)
    if min(map(len, groups.values())) < FEWEST_PER_FAMILY:
        return (np.arange(len(settings)),)
    return tuple(np.array(group) for group in groups.values())


def _seeds_show_all_noise(settings: Sequence[SettingSummary], numbers: np.ndarray) -> bool:
    several_seeds = any(settings[i].seeds > 1 for i in numbers)
    return several_seeds and len({repr(settings[i].parameters) for i in numbers}) == 1


def _make_columns(settings: Sequence[SettingSummary], members: Sequence[np.ndarray]) -> Columns:
    records = []
    for family, numbers in enumerate(members):
        for latents in sorted({settings[i].latents for i in numbers}):
            tested = [i for i in numbers if settings[i].latents == latents]
            log_norms = [math.log(settings[i].beta_norm) for i in tested]
            low, high = min(log_norms), max(log_norms)
            ratio = math.log(settings[tested[0]].beta / settings[tested[0]].beta_norm)
            grid = np.linspace(low, high, GRID) if high > low else np.empty(0)
            half_step = (high - low) / (GRID - 1) / 2
            records += [
                (x, ratio, latents, family, i, x == low, x == high, half_step)
                for x, i in [*((x, -1) for x in grid), *zip(log_norms, tested, strict=True)]
            ]
    kinds = (float, float, int, int, int, bool, bool, float)
    values = zip(*records, strict=True)
    return Columns(*(np.array(v, kind) for v, kind in zip(values, kinds, strict=True)))


def _draw(surfaces: Sequence[Surface], columns: Columns, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    draws = np.empty((count, len(columns.family)))
    for family, surface in enumerate(surfaces):
        mask = columns.family == family
        # shuffled, for the models come in blocks and blocks of two families must not be paired
        draws[:, mask] = rng.permutation(surface.draw(columns.points[mask], count, rng))
    return draws
