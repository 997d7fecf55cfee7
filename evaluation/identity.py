"""Which evaluation a score belongs to: its metrics with all their options, and the labels."""

import inspect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainer.config.run import digest
from trainer.config.schema import FieldError, suggestion
from trainer.data.dataset import Dataset, numbers_of

EVALUATION_FORMAT = 2  # incremented whenever the same evaluation would yield different scores
DEFAULT_EVALUATION: Mapping[str, Mapping[str, Any]] = {"higgins": {"protocol": "paper"}}
# what `evaluate` passes to a metric; its other parameters are options
_GIVEN = ("represent", "data", "posterior", "log_likelihood", "prior")


def evaluation_id(
    evaluation: Mapping[str, Mapping[str, Any]], data: Dataset, seeds: Iterable[str] = ()
) -> str:
    """20 hex digits over the metrics with every option written out, and over the labels of `data`.

    An omitted option and its default written out are the same evaluation.
    seeds: ids of all runs of the setting. They matter where a metric compares seeds (UDR): adding a
        seed changes its scores, so it is another evaluation.
    Raises FieldError.
    """
    decisive = {
        "evaluation": with_defaults(evaluation),
        "labels": data.labels_fingerprint,
        "format": EVALUATION_FORMAT,
    }
    if numbers := numbers_of(data):
        decisive["numbers"] = [*numbers]
    if compares_seeds(evaluation):
        decisive["seeds"] = sorted(seeds)
    return digest(decisive)


def compares_seeds(evaluation: Iterable[str]) -> bool:
    """Whether one of the metrics scores a run by the other seeds of its setting."""
    from evaluation.metrics import COMPARES_SEEDS

    return not COMPARES_SEEDS.isdisjoint(evaluation)


def evaluation_ids(
    results: Sequence[Mapping[str, Any]],
    evaluation: Mapping[str, Mapping[str, Any]],
    data: Dataset,
) -> list[str]:
    """The id of an evaluation for each of these results: `results` has the seeds of each setting.

    Runs belong to one setting when their configurations differ only in seed.
    """
    settings = [setting_of(result) for result in results]
    seeds: dict[str, list[str]] = defaultdict(list)
    for result, setting in zip(results, settings, strict=True):
        seeds[setting].append(result["run"])
    ids = {setting: evaluation_id(evaluation, data, runs) for setting, runs in seeds.items()}
    return [ids[setting] for setting in settings]


def setting_of(result: Mapping[str, Any]) -> str:
    """A digest shared by runs that differ only in seed."""
    # the options of the data set may differ in labels, which training never sees
    left_out = ("seed", "dataset")
    return digest({key: value for key, value in result["config"].items() if key not in left_out})


def with_defaults(evaluation: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The evaluation with every option of its metrics written out, metrics by name.

    Raises FieldError, with the path of the key, for an unknown metric or option.
    """
    return {name: _filled(name, evaluation[name] or {}) for name in sorted(evaluation)}


def _filled(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    # here, as it loads torch: importing this module stays cheap
    from evaluation.metrics.user_metrics import CODE, metric_of, with_code

    parameters = inspect.signature(metric_of(name, options)).parameters
    defaults = {key: p.default for key, p in parameters.items() if key not in _GIVEN}
    for key in options:
        if key not in defaults and key != CODE:
            raise FieldError(f"unknown option{suggestion(key, defaults)}", (name, key))
    return defaults | with_code(name, options)
