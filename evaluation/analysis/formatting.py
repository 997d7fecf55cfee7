"""Numbers, counts and durations formatted for people."""

import math

_NAMES = {
    "dci": "DCI",
    "factorvae": "FactorVAE",
    "indicators": "KL(q(z) ‖ p(z))",  # the indicator by which settings are compared
    "irs": "IRS",
    "mig": "MIG",
    "sap": "SAP",
    "udr": "UDR",
}


def capital(text: str) -> str:
    """`text` with its first letter capitalised, the rest unchanged."""
    return text[:1].upper() + text[1:]


def metric_name(metric: str) -> str:
    """A metric's display name: Higgins, MIG; for one in a file (`my.py:spread`) its own name."""
    metric = metric.rpartition(":")[2]
    return _NAMES.get(metric, capital(metric))


def score_name(metric: str) -> str:
    """What a metric's values are called: "MIG score", or a quantity's own name."""
    return metric_name(metric) if metric == "indicators" else f"{metric_name(metric)} score"


def count(things: int, name: str) -> str:
    """A number of things in words: 1 run, 2 runs."""
    return f"{things} {name}" if things == 1 else f"{things} {name}s"


def number(value: float) -> str:
    """A number with three significant digits: 4.2, 0.0103, 320; "–" for nan."""
    if not math.isfinite(value):
        return "–"
    if value != 0 and not 1e-4 <= abs(value) < 1e5:
        return f"{value:.2e}".replace("-", "−")
    decimals = 2 - math.floor(math.log10(abs(value))) if value else 0
    text = fixed(value, max(0, decimals))
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float) -> str:
    """A time in one unit, at least a second: 41 s, 12 min, 2.1 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def fixed(value: float, decimals: int) -> str:
    """A number with this many decimals and a true minus sign; "–" for nan."""
    if not math.isfinite(value):
        return "–"
    rounded = round(value, decimals) + 0.0  # + 0.0: no minus sign before a rounded 0
    return f"{rounded:.{decimals}f}".replace("-", "−")


def value_text(value: object) -> str:
    """The value of a parameter, for people."""
    return number(value) if isinstance(value, float) else str(value)


def finite_or_none(value: float) -> float | None:
    """`value`; None for nan and infinities, which JSON cannot represent."""
    return value if math.isfinite(value) else None
