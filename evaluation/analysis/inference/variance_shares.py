"""How much of the score's variance is due to beta, the latents, …, and luck."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from evaluation.analysis.settings.names import short_name
from evaluation.analysis.settings.summary import SettingSummary

MAX_LEVELS = 8  # a parameter drawn from a range is cut into this many equal parts
SEED, INTERACTION, TOGETHER = "seed", "interaction", "cannot be told apart"


def what_matters(settings: Sequence[SettingSummary]) -> Mapping[str, float]:
    """Shares of the variance of a run's score over these settings, which sum to 1.

    `beta`, `latents` and every other parameter that differs: what it explains in addition to all
    others (type II sums of squares). `interaction`: differences between settings beyond the sum of
    these. `seed`: the rest, luck of the seed; part of `interaction` if no setting has two seeds.
    `cannot be told apart`: what parameters explain only jointly, since they were changed together.
    Each is corrected for chance (omega squared, Hays 1963); seeds matter as much as anything in
    many such models (Locatello et al. 2019). Empty for fewer than three settings.
    """
    settings = [s for s in settings if s.scores and np.isfinite(s.mean)]
    if len(settings) < 3:
        return {}
    freedom = sum(len(s.scores) - 1 for s in settings)
    several = [s for s in settings if len(s.scores) > 1]
    squares = sum((len(s.scores) - 1) * statistics.variance(s.scores) for s in several)
    luck = squares / freedom if freedom else 0.0
    noise = luck * statistics.fmean(1 / len(s.scores) for s in settings)
    means = np.array([s.mean for s in settings])
    levels = _levels(settings)
    everything, rank = _residual(levels.values(), means)
    parts = {}
    for name in levels:
        without, smaller = _residual([c for n, c in levels.items() if n != name], means)
        parts[name] = without - everything, rank - smaller
    total = float(((means - means.mean()) ** 2).sum())
    explained = sum(gain for gain, _ in parts.values()), sum(df for _, df in parts.values())
    parts[TOGETHER] = total - everything - explained[0], rank - 1 - explained[1]
    parts[INTERACTION] = everything, len(means) - rank
    found = {n: max(0.0, gain - max(0, df) * noise) / len(means) for n, (gain, df) in parts.items()}
    found[SEED] = luck
    whole = sum(found.values())
    if whole <= 1e-15 * max(1.0, float(np.square(means).max())):
        return {}
    shown = {n: value / whole for n, value in found.items()}
    return {n: share for n, share in shown.items() if n != TOGETHER or share > 0.001}


def _levels(settings: Sequence[SettingSummary]) -> dict[str, np.ndarray]:
    """Numbered levels (settings,) of each parameter that differs."""
    columns: dict[str, list[object]] = {
        "beta": [s.beta for s in settings],
        "latents": [s.latents for s in settings],
    }
    for name in sorted({name for s in settings for name in s.parameters}):
        columns[name] = [s.parameters.get(name) for s in settings]
    found = {name: _numbered(values) for name, values in columns.items()}
    return {name: numbers for name, numbers in found.items() if numbers.max() > 0}


def _numbered(values: Sequence[object]) -> np.ndarray:
    different = sorted(set(map(repr, values)))
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if numeric and len(different) > MAX_LEVELS and 2 * len(different) > len(values):
        order = np.argsort(np.argsort(np.array(values, float), kind="stable"), kind="stable")
        return order * MAX_LEVELS // len(values)
    number = {text: place for place, text in enumerate(different)}
    return np.array([number[repr(value)] for value in values])


def _residual(columns: Iterable[np.ndarray], means: np.ndarray) -> tuple[float, int]:
    """Residual sum of squares of additive effects, and the rank of their design."""
    parts = [np.ones((len(means), 1))]
    parts += [np.eye(column.max() + 1)[column] for column in columns]
    design = np.hstack(parts)
    fit, _, rank, _ = np.linalg.lstsq(design, means, rcond=None)
    return float(((means - design @ fit) ** 2).sum()), int(rank)


def named(shares: Mapping[str, float]) -> dict[str, float]:
    """The shares under their display names, largest first."""
    names = {"beta": "β", "latents": "latents M", SEED: "luck of the seed"}
    names |= {INTERACTION: "interactions", TOGETHER: "parameters changed together"}
    order = sorted(shares.items(), key=lambda pair: -pair[1])
    return {names.get(name, short_name(name)): share for name, share in order}


def in_words(shares: Mapping[str, float]) -> str:
    """A sentence; empty without shares."""
    listed = [f"{name} {share:.0%}" for name, share in named(shares).items() if share >= 0.005]
    return f"The score varies with: {', '.join(listed)}." if listed else ""
