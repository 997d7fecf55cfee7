"""Keeps a line on each setting that ended in the sweep's log."""

import contextlib
import time

from evaluation.analysis.choose import SettingSummary
from evaluation.analysis.setting_names import setting_label
from sweeps.plan import Setting
from sweeps.run_store import Store
from sweeps.trials.trial_queue import Observer
from trainer.errors import UserError


class Journal(Observer):
    """Prints them: what is printed during a sweep goes to its log, which `sweep logs` shows.

    Takes the log of the sweep `name` into the store each time, where that is elsewhere.
    """

    def __init__(self, store: Store, name: str):
        self._store, self._key = store, log_key(name)

    def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
        """Says how good the setting is."""
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {_line(setting, summary)}", flush=True)
        with contextlib.suppress(UserError):  # out of reach: the next line takes this one along
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
    """Where in the store the log of the sweep `name` is."""
    return f"sweeps/{name}/log.txt"
