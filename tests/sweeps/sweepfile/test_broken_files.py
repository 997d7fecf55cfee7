"""Thousands of broken sweep files: each is a sweep or refused in one line, never anything else."""

import json
import random
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeps.sweepfile import SweepSpec, as_mapping, load_spec
from trainer.config.yaml_file import dump, one_line, read
from trainer.errors import UserError

SWEEP_FILES = sorted(Path(__file__).parents[3].glob("sweeps/*.yaml"))
TEXTS = [path.read_text() for path in SWEEP_FILES] + [
    """\
name: all-keys
dataset: {name: dsprites, size: 32, factors: {shape: [1], scale: 2}, labels: 100}
method: quasirandom
metric: {name: higgins, goal: maximize}
parameters:
  beta: {distribution: log_uniform, min: 0.1, max: 100}
  latents: {distribution: int_uniform, min: 2, max: 10}
  optimizer.lr: {values: [1e-3, 1e-4]}
  architecture: {values: [mlp, fc1200]}
seeds: [3, 1, 4]
settings: 12
pack: 2
search_seed: 7
lookahead: 4
trainer:
  objective: {name: beta_vae}
  steps: 1_000
  precision: fp32
evaluation: {higgins: {protocol: dlib}}
resources: {cpu: 0.5, gpu: 0.25, max_concurrent: 4}
"""
]
MAPPING = json.dumps(as_mapping(load_spec(SWEEP_FILES[0])))
PIECES = [
    *":,[]{}-#&*!|>'\"%@`\n\t ~?\\",
    *("1e999", "-1", "0", ".nan", "null", "true", "9" * 400, "1e-3", "[]", "{}", "[[]]", "{a: {}}"),
    *("../..", "/etc", "\x00", "\x07", "\ud7ff", "é", "β", "<<: *a", "&a", "*a", "!!int", "---\n"),
    *(
        "name",
        "beta",
        "values",
        "min: 5",
        "max: 0",
        "points: 3",
        "dsprites",
        "higgins",
        "objective",
    ),
]
MANY = settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("broken") / "sweep.yaml"


def check(path: Path, overrides=()) -> None:
    """Reading gives a sweep that can be counted and named, or one line that says where."""
    try:
        spec = load_spec(path, overrides)
    except UserError as error:
        message = str(error)
        places = (f"{path}:", *(one_line(override)[:20] for override in overrides))
        assert message.startswith(places), message
        assert message.isprintable() and len(message) < 1000
    else:
        assert isinstance(spec, SweepSpec)
        assert spec.setting_count > 0
        assert spec.search_id


def mutate(text: str, dice: random.Random) -> str:
    """`text` with one to four edits of the kinds that hands and merges make."""
    for _ in range(dice.randint(1, 4)):
        at, to = sorted(dice.randrange(len(text) + 1) for _ in range(2))
        lines = text.split("\n")
        line = dice.randrange(len(lines))
        kind = dice.randrange(7)
        if kind == 0:
            text = text[:at] + dice.choice(PIECES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[min(to, at + 8) :]
        elif kind == 2:
            text = "\n".join(lines[:line] + lines[line + 1 :])
        elif kind == 3:
            text = "\n".join([*lines[: line + 1], *lines[line:]])
        elif kind == 4:
            lines[line] = " " * dice.randrange(6) + lines[line].lstrip()
            text = "\n".join(lines)
        elif kind == 5 and ":" in lines[line]:
            lines[line] = lines[line].split(":")[0] + ": " + dice.choice(PIECES)
            text = "\n".join(lines)
        else:
            text = text[:at] + dice.choice(string.printable) + text[at + 1 :]
    return text


@MANY
@given(text=st.sampled_from(TEXTS), seed=st.integers(0, 2**32))
def test_edited_files(path, text, seed):
    path.write_text(mutate(text, random.Random(seed)), encoding="utf-8", newline="")
    check(path)


@MANY
@given(data=st.binary(max_size=200))
def test_bytes(path, data):
    path.write_bytes(data)
    check(path)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from([piece for piece in PIECES if piece.isprintable()]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(string.ascii_lowercase, max_size=5), inner, max_size=3),
    ),
    max_leaves=6,
)


@MANY
@given(data=st.data())
def test_any_value_in_any_place(path, data):
    mapping = json.loads(MAPPING)
    here, key = mapping, data.draw(st.sampled_from(sorted(mapping)))
    while isinstance(here[key], dict) and here[key] and data.draw(st.booleans()):
        here = here[key]
        key = data.draw(st.sampled_from(sorted(here)))
    here[key] = data.draw(values)
    path.write_text(json.dumps(mapping))
    check(path)


@MANY
@given(
    key=st.sampled_from(
        ["seeds", "name", "trainer", "trainer.steps", "parameters.beta.values", "a.b"]
    ),
    value=st.one_of(st.text(max_size=12), values.map(json.dumps), st.sampled_from(PIECES)),
)
def test_any_override(key, value):
    check(SWEEP_FILES[0], [f"{key}={value}"])


@MANY
@given(value=st.dictionaries(st.text(max_size=5), values, max_size=4))
def test_what_is_dumped_is_read_back(path, value):
    path.write_text(dump(value), encoding="utf-8")
    try:
        found = read(path).value
    except UserError as error:
        assert "expected str" in str(error)  # a text with a NUL is never read
    else:
        assert found == value
