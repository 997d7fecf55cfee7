"""`python -m evaluation`: the table it prints and the mistakes it explains."""

from pathlib import Path

import pytest

from evaluation.__main__ import main
from evaluation.result_file import read_result
from tests.evaluation.trained import config, train_in

HIGGINS = "higgins:train=200,test=200"


def test_runs_of_a_folder_are_scored_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = train_in(tmp_path, config(), config(beta=4.0))
    assert main([str(tmp_path), "--metric", HIGGINS, "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    for folder in folders:
        result = read_result(folder)
        assert result is not None and folder.name in shown
        figures = next(iter(result["evaluations"].values()))
        assert f"{figures['measures']['higgins']['score']:.4f}" in shown
        assert f"{figures['reconstruction']:.2f}" in shown


def test_one_run_with_few_labels_and_two_metrics(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train_in(tmp_path, config())[0]
    arguments = ["--metric", HIGGINS, "--metric", "mig", "--labels", "600", "--device", "cpu"]
    assert main([str(folder), *arguments]) == 0
    assert "mig" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--metric", "higgens"], "did you mean 'higgins'"),
        (["--metric", "higgins:protocol"], "NAME:option=value"),
        (["--metric", "higgins:pair=3"], "did you mean 'pairs'"),
        (["--labels", "none"], "no factor labels"),
    ],
)
def test_mistakes_exit_with_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    train_in(tmp_path, config(steps=5))
    assert main([str(tmp_path), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_empty_folder_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "not a run folder" in capsys.readouterr().err
