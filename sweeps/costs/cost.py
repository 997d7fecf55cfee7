"""What a sweep costs: the time that its training and scoring take, and the memory of a pack."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.analysis.formatting import count, duration
from evaluation.identity import compares_seeds
from sweeps.costs.probe import Probe, has_images, probe
from sweeps.costs.timing import (
    NOTHING,
    Estimate,
    ModelKind,
    TimedPack,
    kind_of,
    predict,
    predict_scoring,
    timed_packs,
)
from sweeps.plan import Run, Setting
from sweeps.scheduling.packs import Packs
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import SweepSpec
from trainer.device.cores import cores

MAX_PACKS = 2000  # whose kinds are looked at
# seconds in which Ray starts and the report is written
START = Estimate(20.0, 8.0, 60.0)

NO_GPU = "they need a GPU, which this machine lacks, so their time is unknown"
NOT_RENDERED = "their time is unknown until the images are rendered, which --probe does"


@dataclass(frozen=True)
class Todo:
    """What a sweep has yet to train and score.

    packs: runs that will be trained, a list per trial. known: all packs of the sweep that are
    known, even those that have been trained; not empty. unknown: packs that are not proposed yet.
    more: how many runs a race may add. rescored: trained runs that only have to be scored.
    least, most: the shares of this training that are done if all runs that may end early do so, and
    if none does.
    """

    packs: Sequence[Sequence[Run]]
    known: Sequence[Sequence[Run]]
    unknown: int = 0
    more: int = 0
    rescored: int = 0
    least: float = 1.0
    most: float = 1.0

    @property
    def is_range(self) -> bool:
        """Whether scores decide how much of it is done."""
        return self.more > 0 or self.least < self.most

    @property
    def trials(self) -> int:
        """How many trials are certain to be run."""
        return len(self.packs) + self.unknown


@dataclass(frozen=True)
class Cost:
    """The cost of what is left of a sweep.

    runs: how many, at most. problem: why their time is unknown, else "". device: seconds of all
    trials together. here: seconds on the clock of this machine; None if the estimate is based on
    runs of another. at_once: trials on this machine at a time. is_range: scores decide how much is
    trained, so only the ends of the intervals mean anything. trials: packs in the store on which
    the estimate is based; 0 for a probe, which took `probed` seconds. where: the GPU, or how many
    CPU cores. is_scored: whether the time includes scoring. models, memory: of the largest pack, in
    bytes, if measured.
    """

    runs: int
    problem: str = ""
    device: Estimate = NOTHING
    here: Estimate | None = None
    at_once: int = 1
    is_range: bool = False
    trials: int = 0
    probed: float = 0.0
    where: str = ""
    is_scored: bool = True
    models: int = 0
    memory: int | None = None

    @property
    def source(self) -> str | None:
        """`store` or `probe`; None where the time is unknown."""
        return None if self.problem else "store" if self.trials else "probe"

    def in_words(self) -> str:
        """In a line: "4 runs, about 5 min, 4 min to 7 min on this machine, by a probe of 2 s"."""
        runs = f"{'at most ' if self.is_range else ''}{count(self.runs, 'run')}"
        if self.problem:
            return f"{runs}; {self.problem}"
        low, high = (f"{end / 3600:.2g}" for end in (self.device.low, self.device.high))
        time = f"{low} to {high} device-hours" + ("" if self.here else f" on {self.where}")
        if self.here is not None:
            at_once = f" with {self.at_once} trials at once" if self.at_once > 1 else ""
            time = f"{self._on_the_clock(self.here)} on this machine{at_once}, {time}"
        basis = (
            f"by {count(self.trials, 'pack')} in the store"
            if self.trials
            else f"by a probe of {duration(self.probed)}"
        )
        scoring = "" if self.is_scored else ", without scoring"
        memory = ""
        if self.memory is not None:
            memory = f"; a trial of {count(self.models, 'model')} takes {_bytes(self.memory)}"
        return f"{runs}, {time}{scoring}, {basis}{memory}"

    def _on_the_clock(self, seconds: Estimate) -> str:
        interval = f"{duration(seconds.low)} to {duration(seconds.high)}"
        return interval if self.is_range else f"about {duration(seconds.expected)} ({interval})"

    def to_json(self) -> dict[str, Any]:
        """Plain values: hours of the device, and on the clock of this machine."""
        if self.problem:
            return {"problem": self.problem}
        return {
            **self._hours(self.device),
            "here": None if self.here is None else self._hours(self.here),
            "source": self.source,
            "trials": self.trials,
            "where": self.where,
            "scoring": self.is_scored,
            "models": self.models,
            "memory": self.memory,
        }

    def _hours(self, seconds: Estimate) -> dict[str, float | None]:
        expected = None if self.is_range else seconds.expected / 3600
        return {"expected": expected, "low": seconds.low / 3600, "high": seconds.high / 3600}


def cost_of(sweep: Sweep, todo: Todo, results: Iterable[Mapping[str, Any]], force: bool) -> Cost:
    """Judges by `results` of the store, or by a probe where these say nothing.

    force: by a probe in any case, even if images have to be rendered for it.
    """
    spec, known = sweep.spec, [] if force else timed_packs(results)
    runs = sum(map(len, todo.packs)) + todo.unknown * len(spec.first_seeds) + todo.more
    if known:
        return _judged(spec, todo, runs, known)
    on_gpu = spec.resources.gpu > 0
    if on_gpu and not _has_gpu():
        return Cost(runs, NO_GPU, is_range=todo.is_range)
    if not force and not has_images(sweep.data):
        return Cost(runs, NOT_RENDERED, is_range=todo.is_range)
    threads = max(1, int(spec.resources.cpu))
    packs = [[run.config for run in pack] for pack in todo.known]
    tried = probe(packs, sweep.data, sweep.metrics.evaluation, on_gpu=on_gpu, threads=threads)
    return _judged(spec, todo, runs, tried.packs, tried)


def cost_of_all(sweep: Sweep) -> Cost:
    """The cost of the whole sweep, whatever the store has, by a probe."""
    spec, searcher = sweep.spec, Searcher(sweep.spec)
    packs = Packs.of(spec, compares_seeds(sweep.metrics.evaluation))
    seeds, settings = spec.first_seeds, min(spec.first_settings, MAX_PACKS)
    while searcher.proposed < settings and isinstance(setting := searcher.ask(), Setting):
        packs.add(setting, [r for r in sweep.runs(setting.parameters) if r.config.seed in seeds])
    known = packs.take_all()
    todo = Todo(
        known,
        known,
        unknown=(spec.first_settings - searcher.proposed) * packs.each,
        more=spec.most_runs - spec.first_runs,
        least=spec.least_work / spec.first_runs,
    )
    return cost_of(sweep, todo, (), force=False)


def _judged(
    spec: SweepSpec,
    todo: Todo,
    runs: int,
    known: Sequence[TimedPack],
    tried: Probe | None = None,
) -> Cost:
    probed = tried is not None
    some = todo.packs[:: -(-len(todo.packs) // MAX_PACKS) or 1]
    certain = predict(known, [_pack(pack) for pack in some], probed)
    certain *= len(todo.packs) / max(1, len(some))
    certain += predict(known, [_mean_pack(todo.known)] * todo.unknown, probed)
    each = statistics.fmean(run.config.steps for pack in todo.known for run in pack)
    added = predict(known, [(None, each)] * todo.more, probed)
    training = _range(certain * todo.least, (certain + added) * todo.most)
    scored = runs - todo.more + todo.rescored
    scoring = predict_scoring(known, scored, probed)
    if scoring is not None and todo.more:
        scoring = _range(scoring, predict_scoring(known, scored + todo.more, probed) or scoring)
    device = training if scoring is None else training + scoring
    here = _this_machine(spec)
    where = here if probed else known[0].where
    at_once = _at_once(spec)
    trials = todo.trials + todo.more
    turns = math.ceil(trials / at_once) / trials if trials else 1 / at_once
    return Cost(
        runs=runs,
        device=device,
        here=device * turns + START if where == here else None,
        at_once=min(at_once, max(1, trials)),
        is_range=todo.is_range,
        trials=0 if probed else len(known),
        probed=0.0 if tried is None else tried.seconds,
        where=where,
        is_scored=scoring is not None,
        models=0 if tried is None else tried.models,
        memory=None if tried is None else tried.memory,
    )


def _range(least: Estimate, most: Estimate) -> Estimate:
    return Estimate(most.expected, least.low, most.high)


def _pack(runs: Sequence[Run]) -> tuple[ModelKind, float]:
    return kind_of(runs[0].config.as_mapping()), sum(run.config.steps for run in runs)


def _mean_pack(known: Sequence[Sequence[Run]]) -> tuple[None, float]:
    """What is expected of a pack that is not known yet."""
    return None, statistics.fmean(sum(run.config.steps for run in pack) for pack in known)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _this_machine(spec: SweepSpec) -> str:
    """What this machine trains the sweep on, as `TimedPack.where`; "" without a GPU it needs."""
    if spec.resources.gpu == 0:
        return f"{cores()} CPU cores"
    import torch

    return torch.cuda.get_device_name() if _has_gpu() else ""


def _at_once(spec: SweepSpec) -> int:
    """How many trials this machine runs at a time."""
    needs = spec.resources
    room = cores() / needs.cpu if needs.cpu else math.inf
    if needs.gpu:
        import torch

        room = min(room, torch.cuda.device_count() / needs.gpu)
    return max(1, int(min(room, needs.max_concurrent or math.inf)))


def _bytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{max(1, round(size / 2**20))} MiB"
