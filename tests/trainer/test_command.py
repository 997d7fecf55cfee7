"""`python -m trainer`: trains, resumes, does nothing twice, and says mistakes in one line."""

import textwrap
from pathlib import Path

import pytest

import trainer
from trainer.__main__ import main
from trainer.config.pack_file import read_pack
from trainer.config.run import DatasetConfig, OptimizerConfig, RunConfig
from trainer.data import DATASETS

TEXT = """
dataset: {name: rectangles}
architecture: mlp
latents: 3
optimizer: {name: adam, lr: 0.001}
batch_size: 8
steps: 20
models:
  - {seed: 0, beta: 1}
  - {seed: 1, beta: 4, optimizer: {lr: 0.002}}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(DATASETS.places, "rectangles", "tests.trainer.shapes:Shapes")
    path = tmp_path / "pack.yaml"
    path.write_text(TEXT)
    return path


def run(file: Path) -> int:
    return main([str(file), "--out", str(file.parent / "runs"), "--device", "cpu"])


def test_running_twice_trains_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file) == 0
    assert "step 20/20" in capsys.readouterr().out
    models = sorted(file.parent.glob("runs/*/model.safetensors"))
    times = [path.stat().st_mtime_ns for path in models]
    assert len(models) == 2
    assert run(file) == 0
    second = capsys.readouterr().out
    assert "step" not in second
    assert second.count("finished") == 2
    assert [path.stat().st_mtime_ns for path in models] == times


def test_models_override_seed_beta_and_rate(file: Path) -> None:
    first, second = read_pack(file).configs
    assert (first.seed, first.beta, first.optimizer.lr) == (0, 1, 0.001)
    assert (second.seed, second.beta, second.optimizer.lr) == (1, 4, 0.002)
    assert first.steps == second.steps == 20


def test_without_models_the_file_is_one_run(file: Path) -> None:
    file.write_text(TEXT.split("models:")[0] + "seed: 9\n")
    assert [config.seed for config in read_pack(file).configs] == [9]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("latents: 3", "latent: 3"), "pack.yaml:4: latent: unknown key; did you mean 'latents'?"),
        (("beta: 4", "beat: 4"), "pack.yaml:10: models[1].beat: unknown key; did you mean 'beta'?"),
        (("beta: 4", "beta: -4"), "pack.yaml:10: models[1].beta: expected 0 or more"),
        (("lr: 0.002", "lr: fast"), "pack.yaml:10: models[1].optimizer.lr: expected a number"),
        (
            ("architecture: mlp", "architecture: mpl"),
            "yaml:3: architecture: unknown architecture 'mpl'",
        ),
        (("rectangles", "rectangle"), "pack.yaml:2: dataset: unknown data set 'rectangle'"),
        (("{name: rectangles}", "{name: rectangles"), "pack.yaml:3: expected ',' or '}'"),
        (
            ("steps: 20", "objective_options: {c: 1}"),
            "yaml:7: objective_options.c: unknown key",
        ),
        (
            ("steps: 20", "objective: {name: beta_vae, c: 1}"),
            "yaml:7: objective.c: unknown key",
        ),
        (("steps: 20", "steps: 20\nsteps: 30"), "pack.yaml:8: steps: given twice"),
    ],
)
def test_mistakes_are_one_line_that_names_file_and_key(
    file: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], message: str
) -> None:
    file.write_text(TEXT.replace(*change))
    assert run(file) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "pack.yaml" in error
    assert error.count("\n") == 1


def test_it_is_read_as_sweep_files_are(file: Path) -> None:
    short = """
    dataset: {name: dsprites, size: 32}
    objective: {name: factor_vae, gamma: 5}
    optimizer: {lr: 1e-3}
    steps: 3_000
    """
    file.write_text(textwrap.dedent(short))
    [found] = read_pack(file).configs
    assert found == RunConfig(
        DatasetConfig("dsprites", {"size": 32}),
        objective="factor_vae",
        objective_options={"gamma": 5},
        likelihood="auto",
        optimizer=OptimizerConfig(lr=0.001),
        steps=3000,
    )


def test_a_missing_file_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file.parent / "none.yaml") == 2
    assert "none.yaml: cannot be read: No such file" in capsys.readouterr().err


def test_the_example_can_be_read() -> None:
    assert len(read_pack(Path(trainer.__file__).with_name("example.yaml")).configs) == 4
