"""Keeps a copy of a sweep's search as an Optuna study, for viewing, in $OPTUNA_STORAGE."""

import os
import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from sweeps.run_store import Store
from sweeps.scheduling.searcher import Parameters
from sweeps.search.optuna_method import distribution
from sweeps.sweepfile import SweepSpec
from trainer.errors import UserError

SETTING = "setting"  # the trial attribute with our number; Optuna's may differ
POSTGRES = {  # a server that is gone or silent must cause an error
    "connect_timeout": 10,  # seconds
    "tcp_user_timeout": 30_000,  # milliseconds
    "options": "-c statement_timeout=30s -c idle_in_transaction_session_timeout=60s",
}


@dataclass(frozen=True)
class StudyEntry:
    """A setting as an entry of the study.

    state: as in Optuna; "pruned" if `early_stop` ended it. score: of a complete one. so_far: in a
    race, its scores by number of seeds, Optuna's intermediate values.
    """

    parameters: Parameters
    state: str
    score: float | None = None
    so_far: Mapping[int, float] = field(default_factory=dict)


def storage_url() -> str | None:
    """The SQLAlchemy URL of Optuna's database: $OPTUNA_STORAGE."""
    return os.environ.get("OPTUNA_STORAGE") or None


class OptunaWriter:
    """One connection to the study of a sweep. The sweep never reads anything from it.

    The study belongs to one search of one store: its name, kept in the store, ends with a random
    part. If the study contradicts the store, it is recreated.

    entries: the intended content of the study so far, by setting number; outlives the connection.
    """

    def __init__(
        self, spec: SweepSpec, store: Store, url: str, entries: MutableMapping[int, StudyEntry]
    ) -> None:
        self._spec, self._entries = spec, entries
        self._name = study_name(spec, store)
        self._distributions = {name: distribution(p) for name, p in spec.parameters.items()}
        self._storage = _storage(url)
        self._open()

    def write_setting(self, number: int, entry: StudyEntry) -> None:
        """A setting is being trained, or has ended in any way."""
        self._entries[number] = entry
        trial, found = self._trials.get(number, (None, None))
        if trial is None or found is None:
            self._add(number, entry)
        elif found != entry:
            if found.state == "running" and found.parameters == entry.parameters:
                self._continue(trial, found, entry)
                self._trials[number] = trial, entry
            else:
                self._recreate()  # Optuna cannot change a finished trial

    def write_sweep(self) -> None:
        """At the end of the sweep: gives the study exactly the settings of the store."""
        if {number: entry for number, (_, entry) in self._trials.items()} != self._entries:
            self._recreate()

    def _open(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(
            study_name=self._name,
            storage=self._storage,
            direction=self._spec.metric.goal,
            load_if_exists=True,
        )
        trials = self._study.get_trials(deepcopy=False)
        self._trials = {
            int(trial.user_attrs.get(SETTING, -1)): (trial.number, _entry(trial))
            for trial in trials
        }
        if len(self._trials) < len(trials):  # a call's response was lost: a duplicate was created
            self._recreate()

    def _recreate(self) -> None:
        import optuna

        optuna.delete_study(study_name=self._name, storage=self._storage)
        self._open()
        for number, entry in sorted(self._entries.items()):
            self._add(number, entry)

    def _add(self, number: int, entry: StudyEntry) -> None:
        from optuna.trial import TrialState, create_trial

        trial = create_trial(
            state=TrialState[entry.state.upper()],
            value=entry.score,
            params=dict(entry.parameters),
            distributions={name: self._distributions[name] for name in entry.parameters},
            user_attrs={SETTING: number},
            intermediate_values=dict(entry.so_far),
        )
        study = self._storage.get_study_id_from_name(self._name)
        new = self._storage.create_new_trial(study, template_trial=trial)
        self._trials[number] = self._storage.get_trial_number_from_id(new), entry

    def _continue(self, trial: int, found: StudyEntry, entry: StudyEntry) -> None:
        """Updates a running trial, or ends it."""
        from optuna.trial import TrialState

        study = self._storage.get_study_id_from_name(self._name)
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(study, trial)
        for seeds, score in entry.so_far.items() - found.so_far.items():
            self._storage.set_trial_intermediate_value(trial_id, seeds, score)
        if entry.state != "running":
            self._study.tell(trial, entry.score, state=TrialState[entry.state.upper()])


def study_name(spec: SweepSpec, store: Store) -> str:
    """The name of the study of this search and store, chosen on first use."""
    key = f"sweeps/{spec.name}/{spec.search_id}/study.json"
    kept = store.read_json(key)
    if not (isinstance(kept, dict) and isinstance(kept.get("study"), str)):
        kept = {"study": f"{spec.name}-{spec.search_id[:8]}-{secrets.token_hex(4)}"}
        store.write_json(key, kept)
    return str(kept["study"])


def _entry(trial: Any) -> StudyEntry:
    state = trial.state.name.lower() if trial.state.is_finished() else "running"
    # Optuna gives a pruned trial its last intermediate value
    score = trial.value if state == "complete" else None
    return StudyEntry(dict(trial.params), state, score, dict(trial.intermediate_values))


def _storage(url: str) -> Any:
    """Optuna's tables in a database, created if missing."""
    import sqlalchemy
    from optuna.storages import RDBStorage

    is_postgres = url.startswith("postgresql")
    options = {"connect_args": POSTGRES} if is_postgres else {}
    engine = sqlalchemy.create_engine(url, **options)
    try:
        tables = sqlalchemy.inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if "alembic_version" in tables and "studies" not in tables:
        raise UserError("OPTUNA_STORAGE is another program's database; give Optuna one of its own")
    return RDBStorage(url, engine_kwargs=options)
