"""Cuts runs into packs that train together, whichever settings they are of."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from sweeps.plan import Run, Setting
from sweeps.sweepfile import SweepSpec
from trainer.config.run import RunConfig


class Packs:
    """Runs that wait to be trained, in the order in which they came.

    most: runs in a pack. mixed: whether they may be of several settings, those that differ in beta
    and learning rate alone; else a pack is of seeds of one setting. first: seeds of a setting.
    """

    def __init__(self, most: int, mixed: bool, first: int = 1):
        self._most, self._mixed, self._first = most, mixed, first
        self._waiting: dict[str | int, deque[tuple[Setting, Run]]] = {}

    @classmethod
    def of(cls, spec: SweepSpec, compares_seeds: bool) -> "Packs":
        """Those of a sweep. compares_seeds: whether a metric does; then settings stay apart."""
        most = len(spec.first_seeds) if spec.pack == "auto" else int(spec.pack)
        first = len(spec.first_seeds)
        return cls(most, not compares_seeds and most > first, first)

    @property
    def each(self) -> int:
        """How many packs the first seeds of one setting make alone."""
        return -(-self._first // self._most)

    @property
    def count(self) -> int:
        """How many packs there will be of what waits."""
        return sum(-(-len(waiting) // self._most) for waiting in self._waiting.values())

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    @property
    def full(self) -> bool:
        """Whether a pack can be taken that no further run would fill up."""
        return any(not self._mixed or len(w) >= self._most for w in self._waiting.values())

    def add(self, setting: Setting, runs: Sequence[Run]) -> None:
        """Runs of one setting, behind all others."""
        for run in runs:
            alike = _shared(run.config) if self._mixed else setting.number
            self._waiting.setdefault(alike, deque()).append((setting, run))

    def take(self) -> tuple[list[Setting], list[Run]]:
        """The next pack: a full one if there is one, else the one that has waited longest."""
        longest = next(iter(self._waiting))
        full = (key for key, waiting in self._waiting.items() if len(waiting) >= self._most)
        key = next(full, longest) if self._mixed else longest
        waiting = self._waiting[key]
        taken = [waiting.popleft() for _ in range(min(self._most, len(waiting)))]
        if not waiting:
            del self._waiting[key]
        return [setting for setting, _ in taken], [run for _, run in taken]


def _shared(config: RunConfig) -> str:
    """What the models of a pack have in common (`trainer.training.loop.check_one_pack`)."""
    return repr(replace(config, seed=0, beta=0.0, optimizer=replace(config.optimizer, lr=1.0)))
