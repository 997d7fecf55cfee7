"""Groups runs, of one setting or of several, into packs that train together."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from sweeps.plan import Run, Setting
from sweeps.sweepfile import SweepSpec
from trainer.config.run import RunConfig


class Packs:
    """Runs waiting to be trained, in order of arrival.

    most: runs per pack, at most. mixed: whether a pack may hold runs of several settings, which
    must differ only in beta and learning rate; otherwise it holds seeds of one setting.
    first: seeds with which a setting starts.
    """

    def __init__(self, most: int, mixed: bool, first: int = 1):
        self._most, self._mixed, self._first = most, mixed, first
        self._waiting: dict[str | int, deque[tuple[Setting, Run]]] = {}

    @classmethod
    def of(cls, spec: SweepSpec, compares_seeds: bool) -> "Packs":
        """The packs of a sweep. compares_seeds: a metric does, so settings stay separate."""
        most = len(spec.first_seeds) if spec.pack == "auto" else int(spec.pack)
        first = len(spec.first_seeds)
        return cls(most, not compares_seeds and most > first, first)

    @property
    def each(self) -> int:
        """How many packs the first seeds of a setting fill on their own."""
        return -(-self._first // self._most)

    @property
    def count(self) -> int:
        """How many packs the waiting runs will fill."""
        return sum(-(-len(waiting) // self._most) for waiting in self._waiting.values())

    @property
    def empty(self) -> bool:
        """Whether no runs are waiting."""
        return not self._waiting

    @property
    def full(self) -> bool:
        """Whether a pack is ready: one that no later run could join."""
        return any(not self._mixed or len(w) >= self._most for w in self._waiting.values())

    def add(self, setting: Setting, runs: Sequence[Run]) -> None:
        """Adds runs of one setting after all others."""
        for run in runs:
            alike = _shared(run.config) if self._mixed else setting.number
            self._waiting.setdefault(alike, deque()).append((setting, run))

    def take_all(self) -> list[list[Run]]:
        """The runs of all packs, in order."""
        found = []
        while not self.empty:
            found.append(self.take()[1])
        return found

    def take(self) -> tuple[list[Setting], list[Run]]:
        """The next pack and the settings of its runs: a full one if any, else the oldest."""
        longest = next(iter(self._waiting))
        full = (key for key, waiting in self._waiting.items() if len(waiting) >= self._most)
        key = next(full, longest) if self._mixed else longest
        waiting = self._waiting[key]
        taken = [waiting.popleft() for _ in range(min(self._most, len(waiting)))]
        if not waiting:
            del self._waiting[key]
        return [setting for setting, _ in taken], [run for _, run in taken]


def _shared(config: RunConfig) -> str:
    """All that the models of a pack must share (`trainer.training.loop.check_one_pack`)."""
    return repr(replace(config, seed=0, beta=0.0, optimizer=replace(config.optimizer, lr=1.0)))
