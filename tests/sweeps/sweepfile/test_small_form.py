"""The small form of a sweep file: what it replaces, and its mistakes at their lines."""

import pytest

from sweeps.sweepfile import as_mapping, load_spec
from trainer.errors import UserError

SWEEP = """\
name: big
dataset: dsprites
method: grid
parameters:
  objective: {values: [beta_vae, isa_vae]}
  beta: {values: [1, 2, 3, 4]}
  likelihood.variance: {values: [0.1, 0.2]}
seeds: 50
trainer: {likelihood: gaussian, optimizer: {name: adam, lr: 0.001}, steps: 300_000}
small:
  name: big-small
  dataset.size: 32
  parameters.beta: {values: [1, 2]}
  parameters.likelihood.variance: {value: 0.1}
  seeds: 2
  trainer.steps: 500
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "sweep.yaml"
        path.write_text(text)
        return path

    return write


def test_the_block_takes_the_place_of_what_it_names_and_of_nothing_else(file):
    full, small = load_spec(file(SWEEP)), load_spec(file(SWEEP), ["size=small"])
    assert (full.name, full.seeds, full.setting_count) == ("big", 50, 16)
    assert (small.name, small.seeds, small.setting_count) == ("big-small", 2, 4)
    assert small.dataset.options == {"size": 32}
    assert small.trainer == {**full.trainer, "steps": 500}
    assert small.parameters["objective"] == full.parameters["objective"]
    assert small.search_id != full.search_id


def test_other_overrides_come_after_it_in_any_order(file):
    for overrides in (["size=small", "seeds=3"], ["seeds=3", "size=small"]):
        spec = load_spec(file(SWEEP), [*overrides, "trainer.optimizer.lr=0.1"])
        assert (spec.name, spec.seeds, spec.trainer["steps"]) == ("big-small", 3, 500)
        assert spec.trainer["optimizer"] == {"name": "adam", "lr": 0.1}


def test_the_text_of_either_form_is_complete(file):
    for overrides in ([], ["size=small"], ["size=small", "seeds=4"]):
        spec = load_spec(file(SWEEP), overrides)
        text = spec.text
        again = load_spec(file(text))
        assert again == spec and again.search_id == spec.search_id
        assert ("small:" in text) == (not overrides)  # the full form is the file as it is
        assert as_mapping(again) == as_mapping(spec)


@pytest.mark.parametrize(
    ("old", "new", "overrides", "message"),
    [
        ("", "", ["size=tiny"], "size=tiny: expected size=small; omit it for the full size"),
        ("", "", ["size="], "size=: expected size=small"),
        (SWEEP[SWEEP.index("small:") :], "", ["size=small"], "sweep.yaml has no block `small`"),
        (SWEEP[SWEEP.index("small:") :], "small: 3", [], "sweep.yaml:10: small: expected a mapp"),
        ("seeds: 2", "seed: 2", ["size=small"], "sweep.yaml:15: seed: unknown key; did you mean"),
        ("[1, 2]}", "[1, x]}", ["size=small"], "sweep.yaml:13: parameters.beta.values[1]: expe"),
        ("[1, 2]}", "[x,\n    2]}", ["size=small"], "sweep.yaml:13: parameters.beta.values[0]: e"),
        (".steps: 500", ".steps: 0", ["size=small"], "sweep.yaml:16: trainer.steps: expected 1"),
        (".steps: 500", "..steps: 5", [], "sweep.yaml:16: small.trainer..steps: expected a key"),
        ("seeds: 2", "small: {}", [], "sweep.yaml:15: small.small: expected a key of a sweep"),
        ("seeds: 2", "size: small", ["size=small"], "sweep.yaml:15: size: unknown key"),
        ("", "", ["size=small", "seeds=0"], "seeds=0: seeds: expected 1 or more"),
    ],
)
def test_mistakes_name_their_line(file, old, new, overrides, message):
    assert old in SWEEP
    with pytest.raises(UserError) as error:
        load_spec(file(SWEEP.replace(old, new) if old else SWEEP), overrides)
    assert message in str(error.value) and "\n" not in str(error.value)
