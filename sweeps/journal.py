"""Keeps a line on each setting that ended in the sweep's log."""

import time

from evaluation.analysis.choose import SettingSummary
from sweeps.plan import Setting
from sweeps.work import Observer


class Journal(Observer):
    """Prints them: what is printed during a sweep goes to its log, which `sweep logs` shows."""

    def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
        """Says how good the setting is."""
        now, name = time.strftime("%Y-%m-%d %H:%M:%S"), f"setting {setting.number}"
        if summary is None:
            print(f"{now} {name}: a trial broke off", flush=True)
            return
        failed = f", {summary.failed} failed" if summary.failed else ""
        print(
            f"{now} {name} (β {summary.beta:.4g}, M {summary.latents}): "
            f"score {summary.score:.4f} over {summary.seeds} seeds{failed}",
            flush=True,
        )


def log_key(name: str) -> str:
    """Where in the store the log of the sweep `name` is."""
    return f"sweeps/{name}/log.txt"
