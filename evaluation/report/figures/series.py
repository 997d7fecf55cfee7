"""Settings as lines: what the axis shows, and what distinguishes the lines."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import value_text
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow
from evaluation.report.charts.axis import Axis
from evaluation.report.charts.dimensions import title_of
from evaluation.report.figures import style


@dataclass(frozen=True)
class SettingSeries:
    """Settings that differ only along the axis, and their style. label: "" for the only one."""

    label: str
    latents: int
    colour: str
    marker: str
    settings: tuple[SettingSummary, ...]

    @property
    def rows(self) -> list[RunRow]:
        """All their runs."""
        return [row for setting in self.settings for row in setting.rows]


def series_of(choice: Choice, axis: Axis) -> list[SettingSeries]:
    """The lines of a sweep, by what varies besides the axis, each with its own style."""
    groups: dict[tuple[Any, ...], list[SettingSummary]] = defaultdict(list)
    names = [name for name in choice.settings[0].parameters if name != axis.parameter]
    for setting in choice.settings:
        others = tuple(value_text(setting.parameters[name]) for name in names)
        latents = 0 if axis.parameter == "latents" else setting.latents
        groups[(*others, latents)].append(setting)
    ordered = sorted(groups, key=lambda key: (*map(str, key[:-1]), key[-1]))
    looks = list(range(len(ordered)))
    colours, markers = style.colours_of(looks), style.markers_of(looks)
    several_sizes = len({key[-1] for key in ordered}) > 1 or not names
    found = []
    for i, key in enumerate(ordered):
        size = [f"M = {key[-1]}"] if several_sizes and key[-1] else []
        said = [
            _named(name, value, names)
            for name, value in zip(names, key, strict=False)
            if value != "None"  # another objective's option
        ]
        settings = sorted(groups[key], key=axis)
        label = ", ".join([*said, *size])
        found.append(SettingSeries(label, key[-1], colours[i], markers[i], tuple(settings)))
    return found


def best_of(line: SettingSeries, choice: Choice) -> SettingSummary | None:
    """The best setting of a line: for a latent size, the one that the answer names."""
    named = choice.per_latents.get(line.latents)
    if named in line.settings:
        return named
    return next((s for s in choice.settings if s in line.settings and s.finished), None)


def own_best_of(line: SettingSeries, choice: Choice) -> list[SettingSummary]:
    """The metric's favourite settings of a line, of all and of its latent size, if they are others
    than those to use."""
    own = [choice.favourite, choice.favourites.get(line.latents)]
    return [
        s for i, s in enumerate(own) if s is not None and s in line.settings and s not in own[:i]
    ]


def lines(settings: Iterable[SettingSummary]) -> list[list[SettingSummary]]:
    """Settings that differ only in beta, in its order, without those with no finished seed."""
    groups = defaultdict(list)
    for setting in sorted(settings, key=lambda setting: setting.beta):
        if setting.finished:
            groups[setting.latents, repr(sorted(setting.parameters.items()))].append(setting)
    return list(groups.values())


def one_beta(choice: Choice) -> dict[int, float]:
    """beta_norm at beta = 1, that is M / N, by M; left out for an M only seen at beta = 0."""
    return {
        setting.latents: setting.beta_norm / setting.beta
        for setting in sorted(choice.settings, key=lambda setting: setting.latents)
        if setting.beta > 0
    }


def _named(name: str, value: Any, names: Sequence[str]) -> str:
    """A name speaks for itself; a number needs its parameter's name."""
    if isinstance(value, str) and not value.replace(".", "").isdecimal():
        return value
    return f"{title_of(name, names)} = {value}"
