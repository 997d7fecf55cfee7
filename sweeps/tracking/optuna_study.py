"""Keeps a copy of a sweep's search as an Optuna study, for viewing, in $OPTUNA_STORAGE."""

import os
import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass
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
    """A setting as an entry of the study. score: None while it is running or if it failed."""

    parameters: Parameters
    score: float | None = None
    running: bool = False


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
        """A setting is being trained, or has its score, or has failed."""
        self._entries[number] = entry
        trial, found = self._trials.get(number, (None, None))
        if trial is None:
            self._add(number, entry)
        elif found == StudyEntry(entry.parameters, running=True) and not entry.running:
            self._finish(trial, entry)
            self._trials[number] = trial, entry
        elif found != entry:
            self._make_anew()  # Optuna cannot change a finished trial

    def write_sweep(self) -> None:
        """At the end of the sweep: gives the study exactly the settings of the store."""
        if {number: entry for number, (_, entry) in self._trials.items()} != self._entries:
            self._make_anew()

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
            self._make_anew()

    def _make_anew(self) -> None:
        import optuna

        optuna.delete_study(study_name=self._name, storage=self._storage)
        self._open()
        for number, entry in sorted(self._entries.items()):
            self._add(number, entry)

    def _add(self, number: int, entry: StudyEntry) -> None:
        from optuna.trial import TrialState, create_trial

        ended = TrialState.FAIL if entry.score is None else TrialState.COMPLETE
        trial = create_trial(
            state=TrialState.RUNNING if entry.running else ended,
            value=entry.score,
            params=dict(entry.parameters),
            distributions={name: self._distributions[name] for name in entry.parameters},
            user_attrs={SETTING: number},
        )
        study = self._storage.get_study_id_from_name(self._name)
        new = self._storage.create_new_trial(study, template_trial=trial)
        self._trials[number] = self._storage.get_trial_number_from_id(new), entry

    def _finish(self, trial: int, entry: StudyEntry) -> None:
        from optuna.trial import TrialState

        state = TrialState.FAIL if entry.score is None else None
        self._study.tell(trial, entry.score, state=state)


def study_name(spec: SweepSpec, store: Store) -> str:
    """The name of the study of this search and store, chosen on first use."""
    key = f"sweeps/{spec.name}/{spec.search_id}/study.json"
    kept = store.read_json(key)
    if not (isinstance(kept, dict) and isinstance(kept.get("study"), str)):
        kept = {"study": f"{spec.name}-{spec.search_id[:8]}-{secrets.token_hex(4)}"}
        store.write_json(key, kept)
    return str(kept["study"])


def _entry(trial: Any) -> StudyEntry:
    return StudyEntry(dict(trial.params), trial.value, running=not trial.state.is_finished())


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
