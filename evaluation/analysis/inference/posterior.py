"""Functions compatible with the scores, drawn along beta for each latent size and family."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from evaluation.analysis.inference.families import Families, find_families
from evaluation.analysis.inference.noise import Noise
from evaluation.analysis.inference.surface import FittedSurface, fit_surface
from evaluation.analysis.settings.summary import SettingSummary

GRID = 81  # points of each curve: steps of 11 % over the paper's range of beta_norm
MIN_POINTS, MAX_POINTS = 17, 650  # per curve if there are many curves; in total, about
DRAWS = 4000  # functions drawn; a probability is then known to within 0.01
IMAGINED_DRAWS = 1000
MAX_UNPOOLED = 300  # settings; of more, close ones are pooled for the fit, whose cost is cubic
NEAR = 0.2  # in log beta: well below the shortest length scale of a score
MAX_CELLS = 1000  # of pooled settings; if exceeded, cells are doubled and span several latents
MAX_DOUBLINGS = 5
MAX_DRAWN = 8_000_000  # scores of settings over all draws: very many settings get fewer draws
MIN_DRAWS = 1000


@dataclass(frozen=True)
class CurvePoints:
    """The points of the curves; (points,) each.

    log_norm: log beta_norm. log_ratio: log(beta / beta_norm) = log(N / M). latents: M.
    family: number of the combination of other parameters.
    low, high: whether it is the lowest or the highest beta tried at its latent size and family.
    half_step: half the largest distance between points there.
    """

    log_norm: np.ndarray
    log_ratio: np.ndarray
    latents: np.ndarray
    family: np.ndarray
    low: np.ndarray
    high: np.ndarray
    half_step: np.ndarray

    def only(self, mask: np.ndarray) -> "CurvePoints":
        """The points where `mask` (points,) holds."""
        return CurvePoints(**{name: values[mask] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Posterior:
    """Draws (draws, points) of the mean score, higher is better, and what they come from.

    tested: (draws, settings) of the mean score of each tested setting.
    surfaces: one per group of families. noise: of the settings' means.
    """

    points: CurvePoints
    draws: np.ndarray
    tested: np.ndarray
    families: Families
    surfaces: tuple[FittedSurface, ...]
    inputs: np.ndarray
    noise: Noise
    several_seeds: np.ndarray
    seed: int
    _imagined: dict[float, np.ndarray] = field(default_factory=dict, repr=False)

    def surface(self, family: int) -> FittedSurface:
        """The surface of a family."""
        pairs = zip(self.families.groups, self.surfaces, strict=True)
        return next(surface for group, surface in pairs if family in group)

    def imagine(self, seeds_factor: float) -> np.ndarray:
        """The draws (draws, settings) expected with this many times the seeds.

        The means are set to the current surface's, and the noise is reduced.
        """
        if seeds_factor not in self._imagined:  # requested for every latent size
            rng, expected = np.random.default_rng(self.seed), self.tested.mean(axis=0)
            draws = np.empty((IMAGINED_DRAWS, len(expected)))
            for group, surface in zip(self.families.groups, self.surfaces, strict=True):
                here = np.isin(self.families.of_setting, group)
                pooled = _pool(self.inputs[here], expected[here], self.noise.only(here))
                calmer = surface.imagine(pooled[1], 1 / seeds_factor)
                own = bool(self.several_seeds[here].any())
                draws[:, here] = _draw_tested(calmer, self.inputs[here], own, IMAGINED_DRAWS, rng)
            self._imagined[seeds_factor] = draws
        return self._imagined[seeds_factor]


def draw_posterior(
    settings: Sequence[SettingSummary], means: np.ndarray, noise: Noise, seed: int
) -> Posterior:
    """Posterior given mean scores `means` (settings,), higher is better, and their noise."""
    families = find_families(settings)
    plain = np.log([(setting.beta_norm, setting.latents) for setting in settings])
    inputs = np.hstack([plain, families.codes[families.of_setting]])
    points = lay_out(settings, families)
    at_points = np.column_stack(
        [points.log_norm, np.log(points.latents), families.codes[points.family]]
    )
    several_seeds = np.array([setting.seeds > 1 for setting in settings])
    rng, surfaces = np.random.default_rng(seed), []
    count = max(MIN_DRAWS, min(DRAWS, MAX_DRAWN // len(settings)))
    draws, tested = np.empty((count, len(at_points))), np.empty((count, len(settings)))
    for group in families.groups:
        here, mask = np.isin(families.of_setting, group), np.isin(points.family, group)
        own = bool(several_seeds[here].any())
        surface = _fit(inputs[here], means[here], noise.only(here), own and not families.scattered)
        # shuffled, since draws come in blocks of one shape, which must not be paired across groups
        draws[:, mask] = rng.permutation(surface.draw(at_points[mask], count, rng))
        tested[:, here] = rng.permutation(_draw_tested(surface, inputs[here], own, count, rng))
        surfaces.append(surface)
    return Posterior(
        points, draws, tested, families, tuple(surfaces), inputs, noise, several_seeds, seed
    )


def draw_means(
    settings: Sequence[SettingSummary],
    means: np.ndarray,
    noise: Noise,
    untried: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draws (count, settings + n) of mean scores, as `draw_posterior` draws them for settings.

    untried: (n, 2) log beta_norm and log latents of settings without a score, which come last; they
        need settings that differ in beta and latents only, at most MAX_UNPOOLED.
    """
    families = find_families(settings)
    plain = np.log([(setting.beta_norm, setting.latents) for setting in settings])
    inputs = np.hstack([plain, families.codes[families.of_setting]])
    several = np.array([setting.seeds > 1 for setting in settings])
    if len(untried):
        surface = _fit(inputs, means, noise, bool(several.any()))
        return surface.draw_with(untried, count, rng)
    draws = np.empty((count, len(settings)))
    for group in families.groups:
        here = np.isin(families.of_setting, group)
        own = bool(several[here].any())
        surface = _fit(inputs[here], means[here], noise.only(here), own and not families.scattered)
        draws[:, here] = rng.permutation(_draw_tested(surface, inputs[here], own, count, rng))
    return draws


def _draw_tested(
    surface: FittedSurface, inputs: np.ndarray, own: bool, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Draws (count, settings) of the settings' means.

    own: several seeds measure the noise, so deviations from the curve beyond it are the setting's
        own.
    """
    if own and len(inputs) == len(surface.points):
        return surface.draw_settings(count, rng)
    return surface.draw(inputs, count, rng)


def _fit(inputs: np.ndarray, means: np.ndarray, noise: Noise, measured: bool) -> FittedSurface:
    """The surface of settings at `inputs`, pooled where there are very many."""
    points, values, variances, freedom = _pool(inputs, means, noise)
    return fit_surface(points, values, variances, measured, freedom)


def _pool(
    inputs: np.ndarray, means: np.ndarray, noise: Noise
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, means, their variances and the degrees of freedom of these, for the fit.

    If there are very many settings, those with nearly the same beta are merged, each weighted by
    its precision, with a little noise added for all: none is known exactly.
    """
    variances = noise.of_mean
    if len(means) <= MAX_UNPOOLED:
        return inputs, means, variances, noise.freedom
    cell = _cells(inputs)
    precision = 1 / (variances + max(float(np.median(variances)), 1e-12))
    total = np.bincount(cell, precision)
    pooled = [np.bincount(cell, precision * column) / total for column in (*inputs.T, means)]
    spread = np.bincount(cell, precision**2 * variances) / total**2
    return np.column_stack(pooled[:-1]), pooled[-1], spread, np.bincount(cell, noise.freedom)


def _cells(inputs: np.ndarray) -> np.ndarray:
    """The number (settings,) of each setting's cell, which settings close to it share."""
    latents = inputs[:, 1]
    for doubled in range(MAX_DOUBLINGS):
        near = NEAR * 2**doubled
        cells = np.column_stack([np.floor(inputs[:, 0] / near), latents, inputs[:, 2:]])
        different, cell = np.unique(cells, axis=0, return_inverse=True)
        if len(different) <= MAX_CELLS:
            break
        latents = np.floor(inputs[:, 1] / near)
    return cell.ravel()


def lay_out(settings: Sequence[SettingSummary], families: Families) -> CurvePoints:
    """The points of every curve, including a few tested settings."""
    log_norm = np.log([setting.beta_norm for setting in settings])
    latents = np.array([setting.latents for setting in settings])
    curves = sorted(set(zip(families.of_setting.tolist(), latents.tolist(), strict=True)))
    size = int(np.clip(MAX_POINTS // len(curves), MIN_POINTS, GRID))
    columns: list[list[np.ndarray]] = []
    for family, m in curves:
        here = np.flatnonzero((families.of_setting == family) & (latents == m))
        tested = np.unique(log_norm[here])
        low, high = tested[0], tested[-1]
        grid = np.linspace(low, high, size) if high > low else tested
        places = np.unique(np.concatenate([grid, tested])) if len(tested) <= size else grid
        ratio = math.log(settings[here[0]].beta / settings[here[0]].beta_norm)
        columns.append(
            [
                places,
                np.full(len(places), ratio),
                np.full(len(places), m),
                np.full(len(places), family),
                places == low,
                places == high,
                np.full(len(places), np.diff(places).max() / 2 if high > low else 0.0),
            ]
        )
    joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    return CurvePoints(*joined)
