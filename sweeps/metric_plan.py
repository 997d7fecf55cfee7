"""Which metric scores the settings of a sweep on its data, and which others are computed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.identity import compares_seeds, evaluation_id
from sweeps.plan import remarks_on_likelihood
from sweeps.sweepfile import SweepSpec
from sweeps.sweepfile.early_stop import EarlyStop
from trainer.config.schema import FieldError
from trainer.data.dataset import Dataset, notes_of

Evaluation = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class MetricPlan:
    """metric: the one that scores settings. evaluation: all metrics computed, with their options.

    remarks: what the user should know about it, in sentences.
    """

    metric: str
    evaluation: Evaluation
    remarks: tuple[str, ...]
    data: Dataset

    def identity(self, runs: Iterable[str]) -> str:
        """The id of the evaluation in the results of a setting; `runs`: ids of all its runs."""
        return evaluation_id(self.evaluation, self.data, runs)


def plan_metrics(spec: SweepSpec, data: Dataset) -> MetricPlan:
    """`auto` is Higgins where labels can tell a good code from a shuffled one, else UDR.

    Metrics for which the labels do not suffice are left out, with a remark. Raises UserError with
    the line if such a metric was requested by name, or if UDR has only one seed.
    """
    from evaluation.metrics.user_metrics import is_lower_better

    name, goal = spec.metric.name, spec.metric.goal
    problems = {m: _lacking(spec, m, options, data) for m, options in spec.evaluation.items()}
    usable = {m: options for m, options in spec.evaluation.items() if not problems[m]}
    remarks = remarks_on_likelihood(spec, data)
    if name == "auto":
        if "higgins" in usable and (problem := _unreliable(usable["higgins"], data)):
            kept = _without_the_finest(usable["higgins"], data)
            if kept is not None and not _unreliable(kept, data):
                (lost,) = set(_counted(usable["higgins"], data)) - set(kept["factors"])
                remarks.append(f"{lost} does not count: {problem}; without it they can")
                usable["higgins"] = kept
            else:
                problems["higgins"] = problem
                del usable["higgins"]
        name = "higgins" if "higgins" in usable else "udr"
        if name == "udr":
            why = problems.pop("higgins")
            if not data.factors and not notes_of(data).left_out:
                why = "no image is labelled"
            remarks.append(f"scored by UDR, the agreement between the seeds of a setting: {why}")
    elif problems[name]:
        raise spec.error(FieldError(str(problems[name]), ("metric",)))
    remarks += _on_factors(name, usable, data)
    remarks += [f"{m} is left out: {problem}" for m, problem in problems.items() if problem]
    if (goal == "minimize") != is_lower_better(name):
        better = "lower" if is_lower_better(name) else "higher"
        remarks.append(f"warning: metric.goal is {goal}, but {better} is better for {name}")
    evaluation = {name: {}, **usable}
    if len(spec.seed_list) < 2 and compares_seeds(evaluation):
        problem = "UDR needs at least two seeds: it compares the seeds of a setting"
        raise spec.error(FieldError(problem, ("seeds",)))
    if spec.racing is not None and compares_seeds(evaluation):
        problem = "a race needs a metric that scores each model by itself: UDR compares all seeds"
        raise spec.error(FieldError(f"{problem}; use a fixed number of seeds", ("seeds",)))
    if spec.early_stop != EarlyStop() and compares_seeds(evaluation):
        problem = "UDR compares all seeds of a setting, so none of them can be ended early"
        raise spec.error(FieldError(f"{problem}; remove this key", ("early_stop",)))
    return MetricPlan(name, evaluation, tuple(remarks), data)


def _on_factors(metric: str, evaluation: Evaluation, data: Dataset) -> list[str]:
    """Labelled factors that do not count, where none were chosen by name."""
    options = evaluation.get(metric, {})
    if metric != "higgins" or not _is_papers(options) or options.get("factors"):
        return []
    if data.name == "dsprites":
        return []
    said = (
        "shape does not count in the paper's protocol, where it is not a factor; "
        "evaluation: {higgins: {protocol: dlib}} or its option `factors` counts it"
    )
    return [said] if "shape" in data.factors else []


def _is_papers(options: Mapping[str, Any]) -> bool:
    return bool(options.get("protocol", "paper") == "paper")


def _counted(options: Mapping[str, Any], data: Dataset) -> list[str]:
    """The factors that Higgins distinguishes, where none are chosen by name."""
    return [f for f in data.factors if not (f == "shape" and _is_papers(options))]


def _without_the_finest(options: Mapping[str, Any], data: Dataset) -> dict[str, Any] | None:
    """The options without the factor with the most classes, which has the fewest images per class.

    This keeps one fine-grained column from changing the metric. None where factors were chosen by
    name, or fewer than two would be left.
    """
    counted = _counted(options, data)
    if options.get("factors") or len(counted) < 3:
        return None
    finest = max(counted, key=lambda factor: data.factors[factor])
    return {**options, "factors": [factor for factor in counted if factor != finest]}


def _unreliable(options: Mapping[str, Any], data: Dataset) -> str:
    from evaluation.label_checks import cannot_tell

    return cannot_tell(data, options)


def _lacking(spec: SweepSpec, metric: str, options: Mapping[str, Any], data: Dataset) -> str | None:
    """Why the labels do not suffice for a metric; None when they do, or it needs none."""
    from evaluation.label_checks import check_labels
    from evaluation.metrics.support.labels import MissingLabels

    try:
        check_labels(metric, options, data)
    except MissingLabels as error:
        # the labels themselves are often the cause, rather than the metric's complaint
        lost = [f"{name} is left out: {why}" for name, why in notes_of(data).left_out.items()]
        return "; ".join([str(error), *lost[:3]])
    except FieldError as error:
        raise spec.error(error.under("evaluation", metric)) from None
    return None
