"""By which metric a sweep is scored: Higgins where labels suffice, else UDR, or what is asked."""

from pathlib import Path
from typing import Any

import pytest

from sweeps.metric_plan import plan_metrics
from sweeps.plan import load_data
from sweeps.sweepfile import SweepSpec, load_spec
from tests.sweeps.made_up import DATA, a_spec
from trainer.errors import UserError


def unlabelled(**keys: Any) -> SweepSpec:
    return a_spec(dataset={**DATA, "labels": "none"}, **keys)


def plan_of(spec: SweepSpec) -> Any:
    return plan_metrics(spec, load_data(spec))


def test_auto_is_higgins_where_labels_suffice() -> None:
    found = plan_of(a_spec())
    assert (found.metric, found.remarks) == ("higgins", ())
    assert found.evaluation == a_spec().evaluation


def test_auto_is_udr_without_labels_and_reads_none() -> None:
    spec = unlabelled(evaluation={"mig": {}, "unsupervised": {}, "udr": {"points": 500}})
    data = load_data(spec)
    data.classes = None  # type: ignore[method-assign]  # a call would raise TypeError
    found = plan_metrics(spec, data)
    assert found.metric == "udr"
    assert found.evaluation == {"udr": {"points": 500}, "unsupervised": {}}
    assert "scored by UDR" in found.remarks[0] and "no image is labelled" in found.remarks[0]
    assert found.remarks[1].startswith("mig is left out: ")


def test_auto_is_udr_where_labels_are_too_few_for_higgins() -> None:
    spec = a_spec(dataset={**DATA, "labels": 2})
    assert plan_of(spec).metric == "udr"
    assert "higgins" not in plan_of(spec).evaluation


def test_any_metric_may_be_asked_for_with_its_own_goal() -> None:
    found = plan_of(a_spec(metric="mig"))
    assert found.metric == "mig" and found.evaluation.keys() == {"higgins", "mig"}
    lower = a_spec(metric={"name": "unsupervised"})
    assert lower.metric.goal == "minimize" and plan_of(lower).remarks == ()
    (remark,) = plan_of(a_spec(metric={"name": "mig", "goal": "minimize"})).remarks
    assert "higher is better for mig" in remark
    (remark,) = plan_of(a_spec(metric={"name": "indicators", "goal": "maximize"})).remarks
    assert "lower is better for indicators" in remark


def test_what_cannot_be_scored_is_reported_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "name: x\nparameters: {beta: {values: [1, 4]}}\nmetric: mig\nseeds: 1\n"
        "dataset: {name: dsprites, size: 32, labels: none}\n"
    )
    with pytest.raises(UserError, match=r"sweep\.yaml:3: metric: .*no factor labels"):
        plan_of(load_spec(path))
    with pytest.raises(UserError, match=r"sweep\.yaml:4: seeds: UDR needs at least two seeds"):
        plan_of(load_spec(path, ["metric=auto"]))
