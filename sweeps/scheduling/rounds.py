"""The rounds of a race, recorded in the store so that a resumed sweep repeats them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.run_store import Store
from sweeps.scheduling.schedule import ScheduledBatch
from sweeps.scheduling.stages import decided_stages
from sweeps.search import space
from sweeps.sweepfile import SweepSpec


def recorded(store: Store, spec: SweepSpec) -> list[ScheduledBatch]:
    """The rounds recorded so far, up to the first damaged one; later ones are decided again."""
    found: list[ScheduledBatch] = []
    while spec.racing is not None:
        batch = _batch(store.read_record(_key(spec, len(found))), spec)
        if batch is None:
            break
        found.append(batch)
    return found


def record(store: Store, spec: SweepSpec, number: int, batch: ScheduledBatch) -> None:
    """Records round `number`."""
    seeds = {str(setting): list(seeds) for setting, seeds in batch.seeds.items()}
    settings = {str(setting): dict(parameters) for setting, parameters in batch.settings.items()}
    store.write_record(_key(spec, number), {"seeds": seeds, "settings": settings})


@dataclass(frozen=True)
class Decided:
    """What is certain to be trained: in a race, what it has handed out so far.

    settings: how many, without those ended early. seeds: of settings with more than their first
    seeds, by number. runs: of all these settings. ended: numbers of the settings ended early, by
    the share of their steps at which they were. reached: the share at which the settings were last
    compared; 0 before that.
    """

    settings: int
    seeds: Mapping[int, tuple[int, ...]]
    runs: int
    ended: Mapping[float, tuple[int, ...]]
    reached: float = 0.0

    @property
    def dropped(self) -> frozenset[int]:
        """The settings ended early."""
        return frozenset(number for numbers in self.ended.values() for number in numbers)


def decided(store: Store, spec: SweepSpec) -> Decided:
    """What the store has decided so far; without a race, the whole sweep."""
    seeds: dict[int, tuple[int, ...]] = {}
    first = spec.first_seeds
    stages = decided_stages(store, spec)
    ended = {share: stage.dropped for share, stage in stages.items() if stage.dropped}
    settings = spec.first_settings - sum(map(len, ended.values()))
    for batch in recorded(store, spec):
        settings += len(batch.settings)
        for setting, more in batch.seeds.items():
            before = () if setting in batch.settings else seeds.get(setting, first)
            seeds[setting] = before + more
    runs = settings * len(first) + sum(len(each) - len(first) for each in seeds.values())
    return Decided(settings, seeds, runs, ended, max(stages, default=0.0))


def _batch(record: dict[str, Any] | None, spec: SweepSpec) -> ScheduledBatch | None:
    """The round in a record; None if it is damaged or belongs to another space."""
    if record is None:
        return None
    try:
        seeds = {int(s): tuple(map(int, seeds)) for s, seeds in record["seeds"].items()}
        settings = {int(s): dict(parameters) for s, parameters in record["settings"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    known = set(spec.seed_list)
    if not seeds or not all(set(each) <= known and each for each in seeds.values()):
        return None
    if not all(space.contains(spec.parameters, setting) for setting in settings.values()):
        return None
    return ScheduledBatch(seeds, settings)


def _key(spec: SweepSpec, number: int) -> str:
    return f"sweeps/{spec.name}/{spec.search_id}/race-{spec.race_id}/{number:05d}.json"
