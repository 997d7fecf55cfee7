"""Every sweep file: what its head says, and its small form trained for a few steps."""

from pathlib import Path

import numpy as np
import pytest

from evaluation import evaluate
from sweeps.metric_plan import plan_metrics
from sweeps.plan import Setting, load_data, runs_of
from sweeps.scheduling.searcher import Searcher
from sweeps.sweepfile import SweepSpec, load_spec
from tests.sweeps.digits import write_digits
from trainer.training.loop import train

ROOT = Path(__file__).parents[3]
FILES = sorted(path.name for path in ROOT.glob("sweeps/*.yaml"))
OTHERS = [name for name in FILES if name != "quickstart.yaml"]  # which is small as it is
QUICK = {  # options that make a metric quick, and rough
    "higgins": {"train": 200, "test": 200},
    "mig": {"points": 300},
    "indicators": {"points": 200},
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"))


def load(name: str, digits: Path, *overrides: str) -> SweepSpec:
    own = [f"dataset.path={digits}"] if name.startswith("mnist") else []
    own += ["dataset.holdout=100"] if name in ("mnist_noise.yaml", "mnist_beta.yaml") else []
    return load_spec(ROOT / "sweeps" / name, [*overrides, *own])


def one_of_each_objective(spec: SweepSpec) -> list[Setting]:
    """The first setting proposed of each objective."""
    searcher, found = Searcher(spec), {}
    while isinstance(setting := searcher.ask(), Setting):
        found.setdefault(setting.parameters.get("objective"), setting)
    return list(found.values())


@pytest.mark.parametrize("name", FILES)
def test_the_head_says_what_it_is_how_long_it_takes_what_to_expect_and_the_command(name):
    text = (ROOT / "sweeps" / name).read_text()
    head = text[: text.index("\nname:")]
    assert all(line.startswith("#") for line in head.splitlines())
    for word in ("Expect", f"sweep run sweeps/{name}"):
        assert word in head
    assert any(word in head for word in ("minutes", "hours", "Not measured"))
    assert (f"sweeps/{name} size=small" in head) == (name in OTHERS)


@pytest.mark.parametrize("name", OTHERS)
def test_the_small_form_has_its_own_name_and_the_search_of_the_full_one(name, digits):
    full, small = load(name, digits), load(name, digits, "size=small")
    assert small.name == f"{full.name}-small"
    assert small.parameters.keys() == full.parameters.keys()
    assert (small.method, small.metric, small.evaluation) == (
        full.method,
        full.metric,
        full.evaluation,
    )
    assert small.setting_count * len(small.seed_list) < full.setting_count * len(full.seed_list)
    assert small.resources.gpu == 0


@pytest.mark.parametrize("name", FILES)
def test_trains_and_is_scored(name, digits, tmp_path):
    spec = load(name, digits, *(["size=small"] if name in OTHERS else []), "trainer.steps=3")
    data = load_data(spec)
    plan = plan_metrics(spec, data)
    quick = {m: options | QUICK.get(m, {}) for m, options in plan.evaluation.items()}
    settings = one_of_each_objective(spec)
    searched = spec.parameters.get("objective")
    assert len(settings) == (len(searched.choices) if searched else 1)
    for setting in settings:
        runs = runs_of(spec, data, setting.parameters)[:2]
        folders = [tmp_path / run.id for run in runs]
        train([run.config for run in runs], data, folders, device="cpu")
        for result in evaluate(folders, data, quick):
            (found,) = result["evaluations"].values()
            assert result["state"] == "finished"
            score = found["measures"][plan.metric]["score"]
            # UDR has no value for latents that do not live, as after these few steps
            assert plan.metric == "udr" or np.isfinite(score)
            assert np.isfinite(found["reconstruction"])


@pytest.mark.parametrize("name", ["isa_table.yaml", "mnist_noise.yaml", "mnist_beta.yaml"])
def test_the_papers_values_are_all_there(name, digits):
    parameters = load(name, digits).parameters
    if name == "isa_table.yaml":
        assert parameters["beta"].values == (1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6)
        assert len(parameters["objective"].values) == 4
    elif name == "mnist_noise.yaml":
        steps = [*range(1, 13), *range(20, 111, 10)]
        wanted = [0.0005, *(step / 1000 for step in steps)]
        np.testing.assert_allclose(parameters["likelihood.variance"].values, wanted)
    else:
        assert parameters["beta"].values == (0.1, 0.5, 1, *range(2, 19, 2))
