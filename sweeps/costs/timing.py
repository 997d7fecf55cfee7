"""How long training takes, judged by packs whose time is known: seconds, with an interval."""

import json
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

# what changes from run to run hardly affects the time of a step
_NOT_OF_KIND = ("seed", "beta", "steps")
PRIOR_FREEDOM = 2  # how much the guess below counts: as much as a variance of three packs
PRIOR_DEVIATION = 0.2  # relative, of packs alike: other programs, temperature, checkpoints
PROBE_OFF = math.log(1.8)  # a few steps measured alone, against a whole sweep on a busy machine


class ModelKind(NamedTuple):
    """Models that take equally long per step. rest: all that matters but the latent size."""

    rest: str
    latents: int


@dataclass(frozen=True)
class TimedPack:
    """Models trained together. steps: of all its models in total; seconds: of the pack.

    where: the GPU, or how many CPU cores. scoring: seconds per model, if known.
    """

    kind: ModelKind
    steps: int
    seconds: float
    where: str = ""
    scoring: float | None = None


@dataclass(frozen=True)
class Estimate:
    """Seconds: expected, and the ends of an interval of 90 %."""

    expected: float
    low: float
    high: float

    def __add__(self, other: "Estimate") -> "Estimate":
        """The sum of two, whose errors may go together."""
        return Estimate(
            self.expected + other.expected, self.low + other.low, self.high + other.high
        )

    def __mul__(self, factor: float) -> "Estimate":
        """So many times as long."""
        return Estimate(factor * self.expected, factor * self.low, factor * self.high)


NOTHING = Estimate(0.0, 0.0, 0.0)


def kind_of(config: Mapping[str, Any]) -> ModelKind:
    """The kind of a run, by its configuration as in result.json."""
    optimizer = {key: value for key, value in config.get("optimizer", {}).items() if key != "lr"}
    rest = {key: value for key, value in config.items() if key not in _NOT_OF_KIND}
    latents = int(rest.pop("latents"))
    return ModelKind(json.dumps({**rest, "optimizer": optimizer}, sort_keys=True), latents)


def timed_packs(results: Iterable[Mapping[str, Any]]) -> list[TimedPack]:
    """The packs of stored runs on the machine that trained most of them.

    The runs of a pack have its training time in common, to the millisecond.
    """
    packs: dict[tuple[str, ModelKind, float], list[Mapping[str, Any]]] = defaultdict(list)
    for result in results:
        training = result.get("training", {})
        if _is_positive(training.get("seconds")) and _is_positive(training.get("steps")):
            where = _where(training.get("device"), training.get("machine"))
            packs[where, kind_of(result["config"]), training["seconds"]].append(result)
    found = [
        TimedPack(
            kind,
            sum(result["training"]["steps"] for result in runs),
            seconds,
            where,
            _mean([s for result in runs for s in result.get("scoring", {}).values()]),
        )
        for (where, kind, seconds), runs in packs.items()
    ]
    most = Counter(pack.where for pack in found).most_common(1)
    return [pack for pack in found if pack.where == most[0][0]]


def predict(
    known: Sequence[TimedPack], left: Sequence[tuple[ModelKind | None, float]], probed: bool = False
) -> Estimate:
    """Seconds of training for the packs `left`: kind and steps, of all models of the pack in total.

    Packs of one kind take equally long per step, up to a relative deviation common to all kinds,
    which is estimated from `known` (not empty) and a prior. The interval is that of the sum of so
    many further packs (Student's t). A kind that is not known takes as long as the nearest: the
    same with another latent size, else the mean of all.
    probed: `known` was measured in a moment, and all of it may be off by the same factor.
    """
    rates: dict[ModelKind, list[float]] = defaultdict(list)
    for pack in known:
        rates[pack.kind].append(pack.seconds / pack.steps)
    means = {kind: statistics.fmean(each) for kind, each in rates.items()}
    total: dict[ModelKind | None, float] = defaultdict(float)
    squares = 0.0
    for kind, steps in left:
        near = _nearest(means, kind)
        rate = statistics.fmean(means.values()) if near is None else means[near]
        total[near] += steps * rate
        squares += (steps * rate) ** 2
    expected = sum(total.values())
    if not expected:
        return NOTHING
    if probed:
        return _within(expected, PROBE_OFF)
    from scipy.special import stdtrit

    relative = [rate / means[kind] - 1 for kind, each in rates.items() for rate in each]
    freedom = PRIOR_FREEDOM + len(relative) - len(means)
    variance = PRIOR_FREEDOM * PRIOR_DEVIATION**2 + sum(r**2 for r in relative)
    squares += sum(each**2 / len(rates.get(kind, [0.0])) for kind, each in total.items() if kind)
    squares += total.get(None, 0.0) ** 2
    off = float(stdtrit(freedom, 0.95)) * math.sqrt(variance / freedom * squares)
    return _within(expected, off / expected)


def predict_scoring(known: Sequence[TimedPack], runs: int, probed: bool = False) -> Estimate | None:
    """Seconds that the scoring of so many runs takes; None where that is not known."""
    each = [pack.scoring for pack in known if pack.scoring is not None]
    if not each:
        return None
    alike = ModelKind("scoring", 0)
    return predict([TimedPack(alike, 1, s) for s in each if s > 0], [(alike, 1)] * runs, probed)


def _within(expected: float, off: float) -> Estimate:
    """off: half of the interval's width, on a logarithmic scale."""
    return Estimate(expected, expected * math.exp(-off), expected * math.exp(off))


def _nearest(known: Iterable[ModelKind], kind: ModelKind | None) -> ModelKind | None:
    alike = [one for one in known if kind is not None and one.rest == kind.rest]
    return min(alike, key=lambda one: abs(one.latents - kind.latents), default=None)  # type: ignore[union-attr]


def _where(device: Any, machine: Any) -> str:
    """The GPU, or how many CPU cores; "cpu" in results that do not say."""
    cores = machine.get("cores") if isinstance(machine, dict) else None
    return f"{cores} CPU cores" if device == "cpu" and cores else str(device)


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
