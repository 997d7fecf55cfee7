"""Latent traversals against a literal transcription, and of a run that was really trained."""

import dataclasses

import numpy as np
import pytest
import torch

from evaluation.analysis.table import RunRow
from evaluation.report.traversals import by_kl, traverse_run
from tests.trainer.runs import config, folders
from tests.trainer.shapes import Shapes
from trainer import train
from trainer.errors import UserError
from trainer.models import Pack, load_pack
from trainer.models.traversal import VALUES, traverse

DATA = Shapes(channels=2, levels=255)


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Pack:
    places = folders(tmp_path_factory.mktemp("runs"), 2)
    train([config(steps=3, seed=seed) for seed in (3, 4)], DATA, places)
    return load_pack(places)


def images(count: int) -> torch.Tensor:
    return torch.from_numpy(DATA.images(np.arange(count) * 5)).float() / DATA.levels


def test_every_cell_moves_one_latent_of_the_inferred_means(pack):
    latents, values = np.array([[2, 0], [1, 2]]), np.array([-2.0, 0.5, 3.0])
    found = traverse(pack, images(2), latents, values)
    assert found.shape == (2, 2, 2, 3, *DATA.shape)
    mu, _ = pack.encode(images(2))
    for k, image, row, column in np.ndindex(found.shape[:4]):
        z = mu[:, image : image + 1].clone()
        z[k, 0, latents[k, row]] = values[column]
        expected = pack.means(z)[k, 0].numpy()
        np.testing.assert_allclose(found[k, image, row, column], expected, atol=1e-6)


def test_the_same_latents_serve_all_models(pack):
    alike, each = traverse(pack, images(1), [1, 0]), traverse(pack, images(1), [[1, 0], [1, 0]])
    assert (alike == each).all()
    assert alike.shape[3] == len(VALUES) and (VALUES[0], VALUES[-1]) == (-3, 3)
    assert alike.dtype == np.float32 and 0 <= alike.min() <= alike.max() <= 1


def test_latents_go_from_the_highest_kl_to_the_lowest():
    assert by_kl([0.5, 3.0, 0.0, 2.0]).tolist() == [1, 3, 0, 2]
    assert by_kl([[0.1, 0.2], [0.2, 0.1]], rows=1).tolist() == [[1], [0]]


def test_a_trained_run_is_traversed(tmp_path):
    train([config(steps=5, seed=2)], DATA, [tmp_path])
    row = RunRow("a", "finished", 4.0, 0.1, 3, 2, (0.5,), folder=tmp_path)
    found = traverse_run(row, DATA, [0, 9], rows=2)
    assert found.images.shape == (2, 2, len(VALUES), *DATA.shape)
    assert (found.inputs == DATA.images([0, 9]) / np.float32(255)).all()
    assert found.kl[0] >= found.kl[1] > 0  # measured on the images, as the row has none
    known = dataclasses.replace(row, kl_per_latent=(0.1, 0.3, 0.2))
    found = traverse_run(known, DATA, [0])
    assert found.latents.tolist() == [1, 2, 0]
    assert found.kl.tolist() == [0.3, 0.2, 0.1]
    assert found.reconstructions.shape == (1, *DATA.shape)


def test_a_row_without_a_folder_is_an_error():
    with pytest.raises(UserError, match="run a has no folder"):
        traverse_run(RunRow("a", "finished", 4.0, 0.1, 3, 2, (0.5,)), DATA, [0])
