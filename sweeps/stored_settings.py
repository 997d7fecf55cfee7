"""Which of a sweep's settings already have runs in the store, whoever trained them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.overview import Glance
from sweeps.plan import Setting, runs_of
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.search import space
from sweeps.search.methods import METHODS
from sweeps.sweepfile import SweepSpec
from trainer.config.schema import FieldError
from trainer.data.dataset import Dataset


@dataclass(frozen=True)
class StoredSetting:
    """A setting with runs in the store. runs: ids of all its runs, by seed."""

    setting: Setting
    runs: Mapping[int, str]


def proposed_settings(spec: SweepSpec, store: Store) -> dict[int, Mapping[str, Any]]:
    """Parameters of the settings proposed so far, by number, from the store.

    A record outside the space was changed by hand, and is proposed again.
    """
    return {
        setting.number: setting.parameters
        for setting in store.settings(spec)
        if space.contains(spec.parameters, setting.parameters)
    }


def stored_settings(
    spec: SweepSpec, store: Store, data: Dataset, glance: Glance | None = None
) -> list[StoredSetting]:
    """The settings recorded for this search, then all others with any run in the store.

    The others are settings that the search has yet to propose, if that does not depend on scores,
    and settings tried under this name before its range, seeds or method were changed, if they are
    in the current space. The latter are numbered after those of the search.
    """
    recorded = _recorded(spec, store, data)
    found = {
        number: StoredSetting(Setting(number, parameters), runs)
        for number, (parameters, runs) in recorded.items()
        if number < spec.setting_count
    }
    in_store = set((glance or store.glance()).runs)
    if in_store <= {run for held in found.values() for run in held.runs.values()}:
        return list(found.values())
    seen = {frozenset(held.runs.values()) for held in found.values()}
    proposed = {number: parameters for number, (parameters, _) in recorded.items()}
    for number, parameters in _others(spec, store, proposed):
        if number in found:
            continue
        try:
            runs = {run.config.seed: run.id for run in runs_of(spec, data, parameters)}
        except FieldError:
            continue  # from another space, or damaged
        ids = frozenset(runs.values())
        if ids in seen or not ids & in_store:
            continue
        seen.add(ids)
        number = spec.setting_count + len(found) if number is None else number
        found[number] = StoredSetting(Setting(number, parameters), runs)
    return list(found.values())


def earlier_settings(spec: SweepSpec, store: Store) -> list[StoredSetting]:
    """All settings tried under this name before its space was changed, whether or not in it."""
    return [
        StoredSetting(Setting(spec.setting_count + place, parameters), runs)
        for place, (parameters, runs) in enumerate(store.earlier_settings(spec))
    ]


def _recorded(
    spec: SweepSpec, store: Store, data: Dataset
) -> dict[int, tuple[Mapping[str, Any], dict[int, str]]]:
    """Parameters and runs of the settings of this search, by number; every seed has its run."""
    found = {}
    for setting, ids in store.recorded(spec):
        if not space.contains(spec.parameters, setting.parameters):
            continue  # as in `proposed_settings`
        if len(ids) < len(spec.seed_list):  # seeds were added since
            runs = runs_of(spec, data, setting.parameters)
            ids = {run.config.seed: run.id for run in runs}
        found[setting.number] = (setting.parameters, ids)
    return found


def _others(
    spec: SweepSpec, store: Store, proposed: Mapping[int, Mapping[str, Any]]
) -> Iterator[tuple[int | None, Mapping[str, Any]]]:
    """Settings not recorded for this search that may be in the store, with their numbers.

    A number is None for a setting of an earlier search of this name. proposed: parameters of the
    recorded settings.
    """
    if not METHODS[spec.method].uses_scores:
        searcher = Searcher(spec, proposed)
        while isinstance(setting := searcher.ask(), Setting):
            yield setting.number, setting.parameters
    for parameters, _ in store.earlier_settings(spec):
        if space.contains(spec.parameters, parameters):
            yield None, parameters
