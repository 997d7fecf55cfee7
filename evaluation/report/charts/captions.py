"""What each chart shows, in a sentence or two: its caption and screen-reader text."""

import math
from collections.abc import Sequence
from typing import Any

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import capital, count, fixed, number, value_text
from evaluation.analysis.recommend import comparable
from evaluation.analysis.settings.names import setting_label, short_name
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.report.charts.axis import BETA, Axis, named_axis_of

NAMES = {"beta": "β", "latents": "M"}
NOTHING = "No run finished, so there is nothing to show."


def of_inverted_u(choice: Choice, score_name: str) -> str:
    """Where the top is, and how far the ends of the range are below it."""
    best, axis = choice.best, named_axis_of(choice)
    if not best.finished:
        return NOTHING
    caption = (
        f"{capital(score_name)} against {axis.label}: the {name_of_best(choice)}, "
        f"{setting_label(best)}, scores {fixed(best.score, 3)} over "
        f"{count(best.seeds, 'seed')}{_own_best(choice)}."
    )
    along = sorted(_same_but(axis, choice), key=axis)
    ends = [end for end in (along[0], along[-1]) if end is not best] if len(along) > 1 else []
    if ends:
        scores = " and ".join(f"{fixed(end.score, 3)} at {axis.words(end)}" for end in ends)
        caption += f" All else equal, it is {scores}."
    return caption


def of_map(choice: Choice, score_name: str) -> str:
    """The beta to use per latent size, and the metric's favourite if different; where beta is
    fixed or M is, where the best of all is."""
    tops = [top for top in choice.per_latents.values() if top.finished]
    if not tops:
        return NOTHING
    axis, best = named_axis_of(choice), choice.best
    if axis is not BETA or len(tops) == 1:
        return (
            f"The {name_of_best(choice)} is {setting_label(best)}, with {score_name} "
            f"{fixed(best.score, 3)}{_own_best(choice)}."
        )
    listed = "; ".join(
        f"M = {top.latents}: β = {number(top.beta)} ({fixed(top.score, 3)}"
        + (
            f"; the metric's favourite: {label_beside(own, top)}, {fixed(own.score, 3)})"
            if own
            else ")"
        )
        for top in tops
        for own in [choice.favourites.get(top.latents)]
    )
    which = "β to use" if choice.favourites else "best β"
    return f"The {which} at each latent size, with its {score_name}: {listed}."


def of_tradeoff(choice: Choice, score_name: str) -> str:
    """The sharpest setting compared with the best one."""
    known = [s for s in comparable(choice.settings, choice.best) if s.finished]
    if not known:
        return "No reconstruction was recorded."
    best, sharpest = choice.best, max(known, key=lambda setting: setting.reconstruction)
    if sharpest is best:
        return (
            f"The {name_of_best(choice)}, {setting_label(best)}, also reconstructs best"
            f"{_own_best(choice)}.{_left_out(choice)}"
        )
    called = "the one to use" if choice.favourite else "the best one"
    return (
        f"The sharpest setting, {setting_label(sharpest)}, reconstructs at "
        f"{fixed(sharpest.reconstruction, 1)} nats per image with a {score_name} of "
        f"{fixed(sharpest.score, 3)}; {called}, {setting_label(best)}, at "
        f"{fixed(best.reconstruction, 1)} nats with {fixed(best.score, 3)}{_own_best(choice)}."
        f"{_left_out(choice)}"
    )


def name_of_best(choice: Choice) -> str:
    """The name of `choice.best`: the best setting, or another that the answer prefers."""
    return "setting to use" if choice.favourite else "best setting"


def label_beside(setting: SettingSummary, other: SettingSummary) -> str:
    """A setting by the one choice in which it differs from `other`, or by all if it is more."""
    here, there = _choices(setting), _choices(other)
    names = [name for name in here if here[name] != there.get(name)]
    if len(names) != 1 or here.keys() != there.keys():
        return setting_label(setting)
    (name,), value = names, here[names[0]]
    return f"{NAMES.get(name) or short_name(name)} = {value_text(value)}"


def _choices(setting: SettingSummary) -> dict[str, Any]:
    return {"beta": setting.beta, "latents": setting.latents, **setting.parameters}


def own_best_in_short(choice: Choice) -> str:
    """The metric's favourite, for a figure's legend; "" if it is the one to use."""
    own = choice.favourite
    return f"the metric's favourite, {label_beside(own, choice.best)}" if own else ""


def of_rings(choice: Choice) -> str:
    """The meaning of the rings in the page's charts, as the end of a sentence."""
    own = own_best_in_short(choice)
    return f"{name_of_best(choice)}; the dashed ring, {own}" if own else name_of_best(choice)


def _own_best(choice: Choice) -> str:
    """The metric's favourite and its score, as the end of a sentence."""
    own = choice.favourite
    return f"; {own_best_in_short(choice)}, scores {fixed(own.score, 3)}" if own else ""


def of_rate(choice: Choice) -> str:
    """How reconstruction falls as KL does."""
    alike = comparable(choice.settings, choice.best)
    known = [s for s in alike if s.finished and math.isfinite(s.kl)]
    if len(known) < 2:
        return "Too few settings have a KL and a reconstruction."
    least, most = min(known, key=lambda s: s.kl), max(known, key=lambda s: s.kl)
    return (
        f"As KL falls from {fixed(most.kl, 1)} nats per image ({setting_label(most)}) to "
        f"{fixed(least.kl, 1)} ({setting_label(least)}), log p(x|z) goes from "
        f"{fixed(most.reconstruction, 1)} to {fixed(least.reconstruction, 1)} nats."
        f"{_left_out(choice)}"
    )


def _left_out(choice: Choice) -> str:
    """How many settings have a reconstruction in other units than the best one's."""
    known = [s for s in choice.settings if math.isfinite(s.reconstruction)]
    others = len(known) - len(comparable(known, choice.best))
    return f" {capital(other_likelihoods(others))}." if others else ""


def other_likelihoods(settings: int) -> str:
    """A note on the number of settings that a figure leaves out."""
    return f"not shown: {count(settings, 'setting')} under other likelihoods, in other units"


def _same_but(axis: Axis, choice: Choice) -> Sequence[SettingSummary]:
    """The finished settings that differ from the best at most along the axis."""

    def rest(setting: SettingSummary) -> dict[str, Any]:
        return {n: value for n, value in _choices(setting).items() if n != axis.parameter}

    return [s for s in choice.settings if s.finished and rest(s) == rest(choice.best)]
