"""Evaluation of trained models: metrics, likelihood, and the analysis of whole sweeps.

Names are imported at their first use, so that reading results does not pay for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluation.evaluate_runs import evaluate
    from evaluation.identity import DEFAULT_EVALUATION, evaluation_id

__all__ = ["DEFAULT_EVALUATION", "evaluate", "evaluation_id"]

_HOMES = {
    "DEFAULT_EVALUATION": "evaluation.identity",
    "evaluate": "evaluation.evaluate_runs",
    "evaluation_id": "evaluation.identity",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'evaluation' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
