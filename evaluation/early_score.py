"""A cheap score of models that are still being trained: the metric itself, on few points."""

from collections.abc import Mapping
from typing import Any

from evaluation.evaluate_runs import evaluate_pack
from evaluation.identity import with_defaults
from evaluation.metrics.user_metrics import is_ours
from trainer.data.dataset import Dataset
from trainer.models import Pack

# at most this many points and images, by option; the score's noise is then about that of a seed
FEW = {"train": 1000, "test": 1000, "points": 2000, "variance_estimate": 2000, "images": 8192}


def few_points(metric: str, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The evaluation with this metric on few points; a user's own metric is left as it is."""
    full = with_defaults({metric: options})[metric]
    if not is_ours(metric):
        return {metric: full}
    few = {key: min(most, full[key] or most) for key, most in FEW.items() if key in full}
    return {metric: full | few}


def early_scores(
    pack: Pack, data: Dataset, evaluation: Mapping[str, Mapping[str, Any]]
) -> list[float | None]:
    """One score per model of a pack, by the only metric of `evaluation`; None if not finite."""
    (metric,) = evaluation
    found, _ = evaluate_pack(pack, data, evaluation, images=FEW["points"], scores_only=True)
    return [each["measures"][metric]["score"] for each in found]
