"""Evaluation of trained models: metrics, likelihood, and the analysis of whole sweeps."""

from evaluation.evaluate import evaluate
from evaluation.identity import DEFAULT_EVALUATION, evaluation_id

__all__ = ["DEFAULT_EVALUATION", "evaluate", "evaluation_id"]
