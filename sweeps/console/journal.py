"""Writes one line per finished setting to the sweep's log."""

import contextlib
import time

from evaluation.analysis.settings.names import setting_label
from evaluation.analysis.settings.summary import SettingSummary
from sweeps.plan import Setting
from sweeps.run_store import Store
from sweeps.trials.trial_queue import Observer
from trainer.errors import UserError


class Journal(Observer):
    """Prints the lines: output during a sweep goes to its log, which `sweep logs` shows.

    Each time, the log of the sweep `name` is copied to the store if that is remote.
    """

    def __init__(self, store: Store, name: str):
        self._store, self._key = store, log_key(name)

    def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
        """Prints the setting's score."""
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {_line(setting, summary)}", flush=True)
        with contextlib.suppress(UserError):  # unreachable: the next line includes this one
            self._store.keep_file(self._key)


def _line(setting: Setting, summary: SettingSummary | None) -> str:
    if summary is None:
        return f"setting {setting.number}: a trial failed"
    failed = f", {summary.failed} failed" if summary.failed else ""
    return (
        f"setting {setting.number} ({setting_label(summary)}): "
        f"score {summary.score:.4f} over {summary.seeds} seeds{failed}"
    )


def log_key(name: str) -> str:
    """The key of the log of the sweep `name` in the store."""
    return f"sweeps/{name}/log.txt"
