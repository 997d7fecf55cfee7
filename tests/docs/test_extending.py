"""docs/extending.md: its files, written as they stand, are read and trained."""

import re
from pathlib import Path

import pytest

from sweeps.cli.main import main as sweep
from trainer import load_model
from trainer.__main__ import main as train

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```\w+\n(?=# ([\w.]+))(.*?)```", PAGE, flags=re.DOTALL))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_sweep_file_is_good() -> None:
    assert set(FILES) == {"my_nets.py", "small.yaml", "my_objective.py", "pack.yaml"}
    assert sweep(["validate", "small.yaml"]) == 0


def test_the_pack_trains_and_is_loaded_without_its_files(here: Path) -> None:
    assert train(["pack.yaml", "--out", "runs", "--device", "cpu"]) == 0
    for name in FILES:
        (here / name).unlink()
    for folder in (here / "runs").iterdir():
        assert load_model(folder).sample(2).shape == (2, 1, 16, 16)
