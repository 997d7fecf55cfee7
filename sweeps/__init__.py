"""Sweeps of β-VAEs: one YAML file in, the best β out.

from sweeps import run, best
run("sweeps/quickstart.yaml", store="store")
best("quickstart", store="store").beta
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sweeps.import_guard import prefer as _prefer_own_packages

_prefer_own_packages()

if TYPE_CHECKING:
    from evaluation.analysis.answer import Best
    from sweeps.api import best, report, run
    from sweeps.run_store import Store
    from sweeps.sweepfile import SweepSpec, load_spec
    from sweeps.tracking.mlflow.registry import load_model

__all__ = ["Best", "Store", "SweepSpec", "best", "load_model", "load_spec", "report", "run"]

_HOMES = {
    "Best": "evaluation.analysis.answer",
    "Store": "sweeps.run_store",
    "SweepSpec": "sweeps.sweepfile",
    "best": "sweeps.api",
    "load_model": "sweeps.tracking.mlflow.registry",
    "load_spec": "sweeps.sweepfile",
    "report": "sweeps.api",
    "run": "sweeps.api",
}


def __getattr__(name: str) -> Any:
    # imported at first use: `sweep --help` must not pay for torch
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'sweeps' has no attribute {name!r}")
