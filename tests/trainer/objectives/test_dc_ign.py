"""DC-IGN: its clamped minibatches, its gradients, and the labels it cannot do without."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainer.objectives.batches import K, M, N, batch
from tests.trainer.runs import config
from tests.trainer.shapes import LabelledShapes, Shapes
from trainer.data import load
from trainer.data.dataset import Dataset
from trainer.distributions.gaussian import reparametrise
from trainer.errors import UserError
from trainer.objectives.dc_ign import ClampingOptions, dc_ign
from trainer.run_folder import run_id
from trainer.training.learners.clamped_batches import BLOCK, ClampedBatches, clamped
from trainer.training.learners.clamped_vae import clamped_batches, layout
from trainer.training.loop import Training

CPU = torch.device("cpu")


def batches(
    data: Dataset, latents: int = 6, seeds: tuple[int, ...] = (0, 1), **options: Any
) -> ClampedBatches:
    return clamped_batches(data, latents, ClampingOptions(**options), seeds, 16, CPU)


def test_in_a_batch_one_factor_varies_and_its_latents_are_active() -> None:
    data, steps = LabelledShapes(), 3 * BLOCK
    made = batches(data)
    names, varied, pictures = list(data.factors), Counter[str](), Counter[int]()
    for step in range(steps):
        indices, active = made.at(step)
        for model in range(2):
            classes = data.classes(indices[model].numpy())
            owner = ["x", "x", "x", "y", "width", "height"]  # the first has what is over
            names_active = {owner[m] for m in range(6) if active[model, m]}
            assert len(names_active) == 1
            assert active[model].sum() == owner.count(*names_active)
            for name, column in zip(names, classes.T, strict=True):
                assert name in names_active or len(set(column)) == 1
            varied.update(names_active)
            pictures.update(indices[model].tolist())
    assert min(varied.values()) > 0.8 * 2 * steps / 4
    assert len(pictures) == len(data)  # every image comes up
    assert max(pictures.values()) < 3 * 2 * steps * 16 / len(data)


def test_images_of_a_group_are_drawn_alike() -> None:
    made = batches(LabelledShapes(), factors={"x": 1})
    seen = Counter[int]()
    for step in range(500):
        classes = LabelledShapes().classes(made.at(step)[0][0].numpy())
        seen.update(classes[:, 0].tolist())
    counts = np.array([seen[x] for x in range(4)]) / (500 * 16)
    assert np.abs(counts - 1 / 4).max() < 0.03


def test_a_model_draws_the_same_in_any_pack_and_from_any_step() -> None:
    data = LabelledShapes()
    pack, alone = batches(data, seeds=(0, 5, 9)), batches(data, seeds=(5,))
    for step in (130, 3, 64, 0):
        for together, by_itself in zip(pack.at(step), alone.at(step), strict=True):
            assert torch.equal(together[1], by_itself[0])


def test_shares_are_how_often_a_factor_varies() -> None:
    made = batches(LabelledShapes(), latents=4, shares={"y": 5.0})
    often = torch.stack([made.at(step)[1][0] for step in range(800)]).float().mean(0)
    torch.testing.assert_close(often, torch.tensor([1, 5, 1, 1]) / 8, atol=0.05, rtol=0)


def test_gradients_are_those_of_section_3_1() -> None:
    """Step by step as printed: averages are decoded, and their gradient is the pull to them."""
    b = batch()
    assert b.active is not None
    weights = torch.randn(M, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    mu = b.mu.clone().requires_grad_()
    z = reparametrise(mu, torch.zeros_like(mu), torch.zeros_like(mu))
    decoded = (clamped(z, b.active) @ weights).square()
    changes = {"mu": b.mu, "z": z, "log_px": -decoded.sum(2)}  # a KL without a gradient
    loss = dc_ign(batch(**changes), ClampingOptions(invariance=0.01))["loss"]
    [gradient] = torch.autograd.grad(loss.sum(), mu)
    for k in range(K):
        code = b.mu[k].clone()
        active = b.active[k].tolist()
        for m in range(M):
            if not active[m]:
                code[:, m] = code[:, m].mean()
        code.requires_grad_()
        [through] = torch.autograd.grad((code @ weights).square().sum() / N, code)
        for m in range(M):
            pull = 0.01 * (b.mu[k, :, m] - b.mu[k, :, m].mean()) / N
            torch.testing.assert_close(gradient[k, :, m], through[:, m] if active[m] else pull)


def test_latents_of_each_factor() -> None:
    data = load("dsprites", factors={"scale": 1})
    assert layout(data, 10, ClampingOptions()) == {
        "shape": 7,
        "orientation": 1,
        "posX": 1,
        "posY": 1,
    }
    chosen = {"posX": 2, "shape": 3}
    assert layout(data, 10, ClampingOptions(factors=chosen)) == chosen
    active = batches(LabelledShapes(), 5, factors={"y": 2, "x": 1}).at(0)[1]
    assert not active[:, 3:].any()


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (Shapes(), {}, r"learns from labels, but data set 'rectangles' has none"),
        (
            LabelledShapes(),
            {"factors": {"heigth": 1}},
            r"objective_options\.factors\.heigth: .* 'height'",
        ),
        (LabelledShapes(), {"shares": {"z": 1.0}}, r"objective_options\.shares\.z: unknown factor"),
        (
            LabelledShapes(),
            {"factors": {"x": 4, "y": 3}},
            r"objective_options\.factors: .*needs 7 latents, but latents is 6",
        ),
        (load("dsprites", labels=2), {}, r"no two labelled images .* differ only in 'shape'"),
    ],
)
def test_unusable_labels_are_named(
    tmp_path: Path, data: Dataset, options: dict[str, Any], message: str
) -> None:
    one = config(objective="dc_ign", latents=6, objective_options=options)
    with pytest.raises(UserError, match=message):
        Training([one], data, [tmp_path], device="cpu")


def test_few_labels_are_used_as_the_only_ones() -> None:
    whole = {"size": 16, "factors": {"orientation": 1, "scale": 1, "posX": 4, "posY": 4}}
    data = load("dsprites", labels=24, **whole)
    known = set(np.flatnonzero((data.classes(range(len(data))) >= 0).all(axis=1)).tolist())
    made = batches(data)
    drawn = {index for step in range(200) for index in made.at(step)[0].flatten().tolist()}
    assert len(known) == 24
    assert drawn <= known
    assert len(drawn) > 12


def test_its_labels_are_part_of_what_a_run_is() -> None:
    small = {"size": 16, "factors": {"posX": 4, "posY": 4}}
    all_labels, some = load("dsprites", **small), load("dsprites", labels=100, **small)
    assert all_labels.fingerprint == some.fingerprint
    clamping, plain = config(objective="dc_ign"), config()
    assert run_id(clamping, all_labels) != run_id(clamping, some)
    assert run_id(plain, all_labels) == run_id(plain, some)
