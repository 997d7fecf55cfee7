"""The walk of docs/weak_labels.md, command by command, with fewer and shorter runs."""

import re
import sys
from pathlib import Path

import pytest

from sweeps.cli.main import main
from tests.test_readme import ROOT, run

PAGE = (ROOT / "docs" / "weak_labels.md").read_text(encoding="utf-8")
SHORT = [
    "trainer.steps=20",
    "parameters.beta=[0.1, 9]",
    "seeds=2",
    "resources.max_concurrent=1",
]


def test_the_walk_from_sixty_labels_to_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    said = {}
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", PAGE, flags=re.DOTALL):
        if language == "python":
            run([sys.executable, "-c", block], tmp_path)
            continue
        for line in block.splitlines():
            words = line.split()[1:] + SHORT * (line.split()[1] == "run")
            assert main(words) == 0, line  # here, where all that takes seconds to import is there
            said[line] = capsys.readouterr().out
    shown = re.findall(r"^    (.+)$", PAGE.partition("sweep init")[2], flags=re.MULTILINE)[:3]
    assert all(line in said["sweep init digits --labels labels.csv bins=3"] for line in shown)
    assert "metric higgins" in said["sweep validate digits.yaml"]
    assert "best β" in said["sweep run digits.yaml"]
    assert "Higgins" in said["sweep compare digits digits-udr"]
    assert "UDR" in said["sweep compare digits digits-udr"]
