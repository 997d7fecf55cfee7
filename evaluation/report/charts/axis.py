"""The axis of a sweep: normalised β or, where β does not vary, the number that does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import number
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow
from evaluation.report.charts.dimensions import title_of

BETA_NORM_LABEL = r"normalised β   ($\beta_{norm} = \beta M / N$)"
Item = RunRow | SettingSummary


@dataclass(frozen=True)
class Axis:
    """The x axis: beta_norm where beta varies, else the numeric parameter that does.

    parameter: its name among `parameters`; "" for beta_norm, "beta", "latents" for M.
    """

    parameter: str
    label: str

    def __call__(self, item: Item) -> float:
        """The position of a run or setting, before any logarithm."""
        if self.parameter == "":
            return item.beta_norm
        if self.parameter == "beta":
            return item.beta
        return float(
            item.latents if self.parameter == "latents" else item.parameters[self.parameter]
        )

    def words(self, item: Item) -> str:
        """The place of a run or setting: "β = 4"."""
        return f"{self.label} = {number(self(item))}"


BETA = Axis("beta", "β")


def axis_of(choice: Choice) -> Axis:
    """beta_norm where several betas were tried, else the number with the most values."""
    settings = choice.settings
    if len({setting.beta for setting in settings}) > 1:
        return Axis("", BETA_NORM_LABEL)
    names = [name for name in settings[0].parameters if _is_number(settings, name)]
    values = {name: len({s.parameters[name] for s in settings}) for name in names}
    if len({setting.latents for setting in settings}) > max(values.values(), default=1):
        return Axis("latents", "latents M")
    if not values:
        return Axis("", BETA_NORM_LABEL)
    name = max(values, key=lambda name: values[name])
    return Axis(name, title_of(name, settings[0].parameters))


def named_axis_of(choice: Choice) -> Axis:
    """What people name settings by: beta itself, or whatever varies where it does not."""
    axis = axis_of(choice)
    return BETA if axis.parameter == "" else axis


def _is_number(settings: Sequence[SettingSummary], name: str) -> bool:
    values = [setting.parameters.get(name) for setting in settings]
    return all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values
    )
