"""What the figures draw from a choice: its settings as lines, and where beta itself is 1."""

from collections import defaultdict
from collections.abc import Iterable

from evaluation.analysis.choose import Choice, SettingSummary


def lines(settings: Iterable[SettingSummary]) -> list[list[SettingSummary]]:
    """Settings that differ in beta alone, in its order, without those that no seed finished."""
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
