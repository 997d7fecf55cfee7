"""The data sets `shapes3d`, `mpi3d` and `faces3d`, from small files in their formats."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from trainer.config.schema import FieldError
from trainer.data import load
from trainer.errors import UserError

RNG = np.random.default_rng(0)


def pixels(*shape):
    return RNG.integers(0, 256, shape).astype(np.uint8)


def write_shapes(path, images, labels):
    with h5py.File(path, "w") as file:
        file["images"], file["labels"] = images, labels


def test_shapes3d_has_the_factors_of_its_labels(tmp_path):
    values = ([0, 0.1], [0.0, 0.5], [0.2, 0.9], [0.75, 1.25], [0, 1, 2, 3], [-30, 0, 30])
    labels = np.array(np.meshgrid(*values, indexing="ij")).reshape(6, -1).T
    images = pixels(len(labels), 8, 8, 3)
    write_shapes(tmp_path / "3dshapes.h5", images, labels)
    data = load("shapes3d", path=str(tmp_path))
    names = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
    assert dict(data.factors) == dict(zip(names, (2, 2, 2, 2, 4, 3), strict=True))
    assert np.array_equal(data.images([5, 190]), images[[5, 190]].transpose(0, 3, 1, 2))
    assert data.classes([0, 1, 191]).tolist() == [[0] * 6, [0, 0, 0, 0, 0, 1], [1, 1, 1, 1, 3, 2]]
    assert load("shapes3d", path=str(tmp_path), size=4).images([0]).shape == (1, 3, 4, 4)


def test_files_that_are_not_shapes3d(tmp_path):
    with pytest.raises(UserError, match="the page of Burgess & Kim"):
        load("shapes3d", path=str(tmp_path))
    file = tmp_path / "3dshapes.h5"
    write_shapes(file, pixels(4, 8, 8, 3), np.zeros((4, 5)))
    with pytest.raises(UserError, match=r"labels \(4, 5\)"):
        load("shapes3d", path=str(file))
    file.write_bytes(file.read_bytes()[:900])
    with pytest.raises(UserError, match="cannot be read"):
        load("shapes3d", path=str(file))


def test_mpi3d_is_in_the_order_of_its_factors(tmp_path):
    grid, images = [2, 3, 2, 1, 1, 2, 4], pixels(96, 8, 8, 3)
    np.savez(tmp_path / "mpi3d_toy.npz", images=images)
    data = load("mpi3d", path=str(tmp_path), grid=grid)
    assert list(data.factors.values()) == grid and next(iter(data.factors)) == "object_color"
    assert np.array_equal(data.images([95]), images[[95]].transpose(0, 3, 1, 2))
    assert data.classes([1, 4, 95]).tolist() == [
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 1, 0],
        [1, 2, 1, 0, 0, 1, 3],
    ]


def test_files_that_are_not_mpi3d(tmp_path):
    file = tmp_path / "mpi3d_real.npz"
    np.savez(file, images=pixels(96, 8, 8, 3))
    with pytest.raises(UserError, match="96 images match no version; set `grid` for a subset"):
        load("mpi3d", path=str(file))
    with pytest.raises(FieldError, match="grid: expected 7 numbers with the product 96"):
        load("mpi3d", path=str(file), grid=[2, 3, 2, 1, 1, 2, 5])
    np.savez(tmp_path / "mpi3d_toy.npz", images=pixels(2, 8, 8, 3))
    with pytest.raises(
        UserError, match=r"several files match, such as mpi3d_real\.npz and mpi3d_toy\.npz"
    ):
        load("mpi3d", path=str(tmp_path))
    np.savez(file, other=pixels(2, 8, 8, 3))
    with pytest.raises(UserError, match=r"no array images.* the page of Gondal et al"):
        load("mpi3d", path=str(file))


@pytest.mark.parametrize("ending", [".pth", ".npy", ".npz"])
def test_faces3d_of_one_axis_for_each_factor(tmp_path, ending):
    renders = pixels(3, 4, 2, 2, 8, 8)
    file = tmp_path / f"basel_face_renders{ending}"
    if ending == ".pth":
        torch.save(torch.from_numpy(renders), file)
    elif ending == ".npy":
        np.save(file, renders)
    else:
        np.savez(file, renders=renders)
    data = load("faces3d", path=str(tmp_path))
    assert dict(data.factors) == {"identity": 3, "azimuth": 4, "elevation": 2, "lighting": 2}
    assert (len(data), data.shape) == (48, (1, 8, 8))
    places = tuple(data.classes([17])[0])
    assert np.array_equal(data.images([17])[0, 0], renders[places])


def test_files_that_are_not_faces3d(tmp_path):
    with pytest.raises(UserError, match="the licence of the Basel Face Model"):
        load("faces3d", path=str(tmp_path))
    file = tmp_path / "renders.pth"
    torch.save({"images": torch.zeros(3)}, file)
    with pytest.raises(UserError, match="contains dict, not a tensor"):
        load("faces3d", path=str(file))
    torch.save(Path, file)
    with pytest.raises(UserError, match="cannot be read"):
        load("faces3d", path=str(file))
    np.save(tmp_path / "faces.npy", pixels(5, 8, 8))
    with pytest.raises(UserError, match=r"renders are uint8 \(5, 8, 8\)"):
        load("faces3d", path=str(tmp_path / "faces.npy"))
