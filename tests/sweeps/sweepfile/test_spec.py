"""Sweep files: defaults, every mistake at its line, and what makes two sweeps the same search."""

import pytest

from sweeps.sweepfile import SweepSpec, as_mapping, load_spec, spec_of
from trainer.config.schema import FieldError
from trainer.errors import UserError

LEAST = {"name": "m", "dataset": "dsprites", "parameters": {"beta": {"values": [1, 2]}}}
SWEEP = """\
name: small
dataset: {name: dsprites, size: 32}
method: grid
parameters:
  beta: {values: [1, 4]}
  latents:
    values: [2, 5]
seeds: 3
trainer:
  objective: beta_vae
  optimizer: {name: adam, lr: 1e-3}
  steps: 1_000
evaluation:
  higgins: {protocol: paper}
resources: {cpu: 0.5}
"""


@pytest.fixture
def file(tmp_path):
    def write(text, name="sweep.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_reads_every_key(file):
    spec = load_spec(file(SWEEP))
    assert spec.name == "small"
    assert (spec.dataset.name, spec.dataset.options) == ("dsprites", {"size": 32})
    assert spec.parameters["latents"].values == (2, 5)
    assert spec.seed_list == (0, 1, 2)
    assert spec.setting_count == 4
    assert spec.trainer["steps"] == 1000
    assert spec.resources.cpu == 0.5
    assert spec.text == SWEEP


def test_least_file_has_sensible_defaults(file):
    spec = load_spec(file("name: s\ndataset: dsprites\nparameters: {beta: {min: 1, max: 9}}\n"))
    assert (spec.method, spec.metric.name, spec.metric.goal) == ("bayes", "auto", "maximize")
    assert (len(spec.seed_list), spec.setting_count) == (5, 30)
    assert spec.evaluation == {"higgins": {"protocol": "paper"}}


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("seeds: 3", "seed: 3", 8, "seed: unknown key; did you mean 'seeds'?"),
        (
            "seeds: 3",
            "seeds: three",
            8,
            "seeds: expected an integer or a list or a mapping, got 'three'",
        ),
        ("seeds: 3", "seeds: 0", 8, "seeds: expected 1 or more"),
        ("seeds: 3", "seeds: []", 8, "seeds: expected at least one"),
        ("seeds: 3", "seeds: [1, 1]", 8, "twice"),
        ("seeds: 3", "seeds: [1, -1]", 8, "0 or more"),
        ("seeds: 3", "seeds:\n- 1\n- x", 10, "seeds[1]: expected an integer, got 'x'"),
        ("seeds: 3", "seeds: 1000000", 4, "more than 1,000,000 runs"),
        ("seeds: 3", f"seeds: {10**20}", 8, "more than 1,000,000 runs"),
        ("seeds: 3", f"seeds: {{min: 2, max: {10**20}}}", 8, "more than 1,000,000 runs"),
        ("seeds: 3", "seeds: 3\nsettings: 3", 9, "the grid has 4 settings"),
        ("seeds: 3", "seeds: 3\npack: 0", 9, "pack: expected 1 or more"),
        ("seeds: 3", "seeds: 3\npack: all", 9, "pack: "),
        ("seeds: 3", "seeds: 3\nsource: x", 9, "source: unknown key"),
        ("seeds: 3", "seeds: 3\nmetric: {name: higins}", 9, "did you mean 'higgins'?"),
        ("seeds: 3", "seeds: 3\nmetric: {goal: maximise}", 9, "did you mean 'maximize'?"),
        ("name: small", "name: ../small", 1, "name: expected letters"),
        ("name: small", "name: /small", 1, "name: expected letters"),
        ("name: small", "name: ''", 1, "name: expected letters"),
        ("name: small", "name: ..", 1, "name: expected letters"),
        ("name: small", "name: 3", 1, "name: expected a string, got 3"),
        ("name: small", "nmae: small", 1, "nmae: unknown key; did you mean 'name'?"),
        ("name: dsprites", "name: dsprite", 2, "did you mean 'dsprites'?"),
        ("{name: dsprites, size: 32}", "dsprite", 2, "dataset: unknown data set 'dsprite'; did"),
        ("{name: dsprites, size: 32}", "{size: 32}", 2, "dataset.name: required key is missing"),
        ("{name: dsprites, size: 32}", "[dsprites]", 2, "expected a name"),
        ("method: grid", "method: gird", 3, "did you mean 'grid'?"),
        ("  beta: {values: [1, 4]}\n", "", 4, "expected either beta or beta_norm"),
        (
            "  latents:",
            "  beta_norm: {value: 1}\n  latents:",
            4,
            "expected either beta or beta_norm",
        ),
        (
            "beta: {values: [1, 4]}",
            "beta: {values: [1, -2]}",
            5,
            "parameters.beta.values[1]: expected 0 or more, got -2",
        ),
        ("beta: {values: [1, 4]}", "beta: {values: [1, x]}", 5, "expected a number, got 'x'"),
        (
            "beta: {values: [1, 4]}",
            "beta: {min: 0, max: 1, points: 2}",
            5,
            "beta.min: expected a positive number, got 0; 0 can be one of `values`",
        ),
        (
            "beta: {values: [1, 4]}",
            "beta: {min: 3, max: 1, points: 2}",
            5,
            "empty range: min 3 is not below max 1",
        ),
        ("beta: {values: [1, 4]}", "beta: {min: 1, max: 3}", 5, "`points`"),
        ("beta: {values: [1, 4]}", "beta: {values: []}", 5, "at least one value"),
        ("beta: {values: [1, 4]}", "beta: null", 5, "expected {value: …}"),
        ("beta: {values: [1, 4]}", "betta: {values: [1, 4]}", 5, "did you mean 'beta'?"),
        ("beta: {values: [1, 4]}", "beta_norm: {values: [x]}", 5, "expected a number"),
        ("values: [2, 5]", "values: [2, 0]", 7, "parameters.latents.values[1]: expected 1 or more"),
        ("values: [2, 5]", "values: [2, 2.5]", 7, "expected an integer, got 2.5"),
        ("values: [2, 5]", "{min: 2, max: 5, points: 2}", 6, "latents takes integers"),
        ("  objective: beta_vae", "  objective: beta_vea", 10, "did you mean 'beta_vae'?"),
        (
            "  objective: beta_vae",
            "  objective: {name: beta_vae, gama: 1}",
            10,
            "trainer.objective.gama: unknown key",
        ),
        ("  objective: beta_vae", "  objective: [beta_vae]", 10, "expected a name"),
        ("  objective: beta_vae", "  beta: 4", 10, "it belongs under `parameters`"),
        ("  objective: beta_vae", "  architecture: fc120", 10, "did you mean 'fc1200'?"),
        ("lr: 1e-3", "lr: 0", 11, "trainer.optimizer.lr: expected a positive number"),
        ("lr: 1e-3", "lr: fast", 11, "trainer.optimizer.lr: expected a number"),
        ("name: adam", "name: adm", 11, "did you mean 'adam'?"),
        ("steps: 1_000", "steps: 1e3", 12, "trainer.steps: expected an integer"),
        ("steps: 1_000", "stesp: 1", 12, "did you mean 'steps'?"),
        ("  higgins: {protocol: paper}", "  higins: {}", 14, "did you mean 'higgins'?"),
        ("{protocol: paper}", "{protocl: paper}", 14, "did you mean 'protocol'?"),
        ("{protocol: paper}", "{protocol: papper}", 14, "did you mean 'paper'?"),
        ("{protocol: paper}", "paper", 14, "expected a mapping of options"),
        ("{cpu: 0.5}", "{cpu: -1}", 15, "resources.cpu: expected 0, or 0.001 or more"),
        ("{cpu: 0.5}", "{cpu: 0}", 15, "a share of a CPU or of a GPU"),
        ("{cpu: 0.5}", "{gpus: 1}", 15, "did you mean 'gpu'?"),
        ("{cpu: 0.5}", "{max_concurrent: 0}", 15, "expected 1 or more"),
        ("{cpu: 0.5}", "4", 15, "resources: expected a mapping"),
    ],
)
def test_mistakes_name_file_line_key_and_nearest_name(file, old, new, line, words):
    assert old in SWEEP
    path = file(SWEEP.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_spec(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: "), message
    assert words in message
    assert len(message.splitlines()) == 1


def test_missing_keys_are_named(file):
    with pytest.raises(UserError, match=r"sweep.yaml:1: dataset: required key is missing"):
        load_spec(file("name: x\nparameters: {beta: {value: 1}}\n"))


def test_mistakes_in_overrides_name_the_override(file):
    path = file(SWEEP)
    with pytest.raises(UserError) as caught:
        load_spec(path, ["seeds=2", "trainer.steps=0"])
    assert str(caught.value) == "trainer.steps=0: trainer.steps: expected 1 or more, got 0"


def test_overridden_text_reads_back_as_the_same_sweep(file):
    overrides = ["seeds=[3, 1]", "name=1e3x", "dataset.labels=100", "trainer.optimizer.lr=1e-5"]
    spec = load_spec(file(SWEEP), overrides)
    assert "with seeds=[3, 1] name=1e3x" in spec.text.splitlines()[0]
    assert load_spec(file(spec.text, "again.yaml")) == spec


def test_texts_that_look_like_numbers_survive(file):
    spec = load_spec(file(SWEEP), ['name="1e3"', 'dataset.path="010"'])
    assert spec.name == "1e3"
    assert load_spec(file(spec.text, "again.yaml")) == spec


def test_a_line_break_in_an_override_stays_in_the_comment(file):
    spec = load_spec(file(SWEEP), ["seeds=2\n\n"])
    assert load_spec(file(spec.text, "again.yaml")) == spec


def test_spec_and_mapping_are_the_same():
    mapping = {"name": "m", "dataset": "dsprites", "parameters": {"beta": {"values": [1, 2]}}}
    spec = spec_of(mapping)
    assert isinstance(spec, SweepSpec)
    assert spec_of(as_mapping(spec)) == spec


@pytest.mark.parametrize(
    ("method", "override", "same"),
    [
        ("bayes", "seeds=7", True),
        ("bayes", "settings=99", True),
        ("bayes", "pack=1", True),
        ("bayes", "resources.cpu=2", True),
        ("bayes", "name=other", True),
        ("bayes", "trainer.batch_size=64", True),  # its default, written out
        ("bayes", "trainer.batch_size=128", False),
        ("bayes", "dataset.size=64", False),
        ("bayes", "parameters.latents.values=[2]", False),
        ("bayes", "search_seed=1", False),
        ("bayes", "evaluation.higgins.protocol=dlib", False),
        ("random", "evaluation.higgins.protocol=dlib", True),
        ("grid", "metric.goal=minimize", True),
        ("bayes", "metric.goal=minimize", False),
        ("bayes", "method=random", False),
    ],
)
def test_the_search_id_depends_on_what_decides_the_settings(file, method, override, same):
    path = file(SWEEP.replace("method: grid", f"method: {method}"))
    assert (load_spec(path).search_id == load_spec(path, [override]).search_id) is same


def test_the_metric_is_always_measured():
    base = {"name": "m", "dataset": "dsprites", "parameters": {"beta": {"value": 1}}}
    spec = spec_of({**base, "metric": {"name": "higgins"}, "evaluation": {}})
    assert spec.evaluation == {"higgins": {}}


def test_values_built_in_python_are_checked_too():
    with pytest.raises(FieldError, match="name"):
        spec_of({"name": "a/b", "dataset": "dsprites", "parameters": {"beta": {"value": 1}}})


@pytest.mark.parametrize(
    ("budget", "hours", "said"),
    [
        ({"usd": {"per_hour": 3.2, "most": 40}}, 12.5, "12.5 hours ($40)"),
        ({"usd": {"per_hour": 3.2, "most": 40}, "hours": 8}, 8, "8 hours"),
        ({"usd": {"per_hour": 8, "most": 40}, "hours": 8}, 5, "5 hours ($40)"),
        ({"usd": {"per_hour": 10, "most": 0.1}}, 0.01, "36 s ($0.1)"),
        ({"hours": 1}, 1, "60 min"),
        ({"runs": 60}, None, ""),
    ],
)
def test_money_and_hours_are_one_limit_of_time(budget, hours, said):
    spec = spec_of({**LEAST, "budget": budget})
    assert spec.budget.most_hours == hours and spec.budget.in_words() == said


def test_money_must_have_a_price_and_a_limit():
    for usd, where in (({"per_hour": 0, "most": 1}, "per_hour"), ({"per_hour": 1}, "most")):
        with pytest.raises(FieldError, match=where):
            spec_of({**LEAST, "budget": {"usd": usd}})
