"""Metrics that compare seeds: each setting by itself, whatever else is evaluated with it."""

from pathlib import Path

import pytest

from evaluation.evaluate_runs import evaluate
from tests.evaluation.trained import config, sprites, train_in
from trainer.errors import UserError

UDR = {"udr": {"points": 300}}


def scores(folders: list[Path]) -> list[float]:
    found = []
    for result in evaluate(folders, sprites(labels="none"), UDR, "cpu"):
        figures = result["evaluations"].values()
        found.append([f["measures"]["udr"]["score"] for f in figures][-1])
    return found


def test_seeds_are_compared_with_those_of_their_own_setting(tmp_path: Path) -> None:
    four = [config(beta=beta, seed=seed) for seed in (0, 1) for beta in (1.0, 4.0)]
    folders = train_in(tmp_path, *four)
    apart = [*scores(folders[::2]), *scores(folders[1::2])]
    for folder in folders:
        (folder / "result.json").unlink()
    assert scores(folders) == pytest.approx([apart[0], apart[2], apart[1], apart[3]])


def test_a_single_seed_is_refused(tmp_path: Path) -> None:
    folders = train_in(tmp_path, config())
    with pytest.raises(UserError, match="compares the seeds of a setting"):
        evaluate(folders, sprites(), UDR, "cpu")
