"""Every metric through `evaluate`, on models that were really trained."""

from pathlib import Path

from evaluation.evaluate_runs import evaluate
from evaluation.metrics import METRICS
from tests.evaluation.trained import config, sprites, train_in

FEW = {"train": 300, "test": 200}
EVALUATION = {
    "higgins": FEW,
    "factorvae": FEW,
    "mig": {"points": 600},
    "sap": FEW,
    "dci": FEW,
    "modularity": FEW,
    "irs": {"points": 600},
    "unsupervised": {"points": 600},
    "udr": {"points": 600},
    "indicators": {"points": 4000},
}


def test_evaluate_takes_every_measure(tmp_path: Path) -> None:
    assert EVALUATION.keys() == METRICS.keys()
    folders = train_in(tmp_path, config(seed=0), config(seed=1))
    for result in evaluate(folders, sprites(), EVALUATION, device="cpu"):
        (figures,) = result["evaluations"].values()
        assert all(isinstance(m["score"], float) for m in figures["measures"].values())
        indicators = figures["measures"]["indicators"]
        bound = figures["reconstruction"] - figures["kl"]
        assert abs(indicators["evlb"] / bound - 1) < 0.02  # the same bound, from other draws
        assert figures["measures"]["mig"]["samples"] is not None
        assert figures["measures"]["udr"]["activity"] == "kl"
