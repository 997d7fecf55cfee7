"""InfoGAN and DC-IGN are evaluated like any VAE."""

import math
from pathlib import Path

import pytest
import torch

from evaluation import evaluate
from tests.evaluation.trained import QUICK, config, sprites, train_in
from trainer.models import load_pack


@pytest.mark.parametrize("objective", ["infogan", "dc_ign"])
def test_every_figure_of_them_is_finite(tmp_path: Path, objective: str) -> None:
    data = sprites()
    folders = train_in(tmp_path, *(config(objective=objective, latents=5, seed=k) for k in (0, 1)))
    for result in evaluate(folders, data, QUICK | {"mig": {}, "udr": {}}):
        assert result["state"] == "finished"
        [figures] = result["evaluations"].values()
        assert len(figures["kl_per_latent"]) == 5
        assert figures["kl"] == pytest.approx(sum(figures["kl_per_latent"]))
        assert figures["reconstruction"] < 0 < figures["kl"]
        measures = figures["measures"]
        assert len(measures) == 3
        for name, metric in measures.items():
            if name == "udr" and metric["score"] is None:  # little is learnt in these few steps
                assert "UDR is undefined" in metric["reason"]
            else:
                assert math.isfinite(metric["score"])
    means, logvar = load_pack(folders).encode(torch.from_numpy(data.images(range(9))).float())
    assert means.shape == logvar.shape == (2, 9, 5)
    assert load_pack(folders).decode(means).shape == (2, 9, 1, 16, 16)
