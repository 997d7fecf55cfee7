"""Pickles, headers and YAML that somebody put into a store: refused in one line, never executed."""

import json
import pickle
import struct

import numpy as np
import pytest

from sweeps.cli.main import main
from sweeps.run_store import Store
from tests.security.trap import Trap
from trainer.config.pack_file import read_pack
from trainer.data import load
from trainer.errors import UserError
from trainer.models import load_pack
from trainer.training import checkpoints
from trainer.training.loop import train

SPRITES = {"size": 16, "factors": {"scale": 1, "orientation": 1, "posX": 2, "posY": 2}}


@pytest.fixture
def trap(tmp_path):
    trap = Trap(tmp_path)
    pickle.loads(pickle.dumps(trap))
    assert trap.sprung  # it would be seen
    trap._trace.rmdir()
    return trap


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    from trainer.config.run import DatasetConfig, RunConfig

    folder = tmp_path_factory.mktemp("trained")
    config = RunConfig(
        dataset=DatasetConfig("dsprites", SPRITES), architecture="mlp", latents=2, steps=1
    )
    train([config], load("dsprites", **SPRITES), [folder], device="cpu")
    load_pack([folder])
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A run folder, whole until a test puts something hostile into it."""
    folder = tmp_path / "run"
    folder.mkdir()
    for path in trained.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def header(text: str, length: int | None = None) -> bytes:
    """A safetensors file of this header and no arrays."""
    return struct.pack("<Q", len(text) if length is None else length) + text.encode()


def array(**facts) -> str:
    return json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} | facts})


HEADERS = {
    "longer than memory": header("{}", 2**63 - 1),
    "of negative length": header("{}", 2**64 - 1),
    "longer than the file": header("{}", 10_000),
    "nested deep": header('{"x":' * 50_000),
    "no object": header("[]"),
    "of a type that is none": header(array(dtype="O")),
    "of an array past the end": header(array(shape=[2**40], data_offsets=[0, 2**42])),
    "of a shape that overflows": header(array(shape=[2**32, 2**32, 2**32])),
    "of an array that ends before it begins": header(array(data_offsets=[4, 0])),
    "of metadata that is no text": header('{"__metadata__": {"run": {"a": 1}}}'),
    "without metadata": header("{}"),
    "none": b"",
}


@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_a_pickle_in_place_of_a_model_is_not_loaded(run, trap, kind):
    getattr(trap, kind)(run / "model.safetensors")
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        load_pack([run])
    assert not trap.sprung


@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_a_pickle_in_place_of_a_checkpoint_is_not_loaded(tmp_path, trap, kind):
    getattr(trap, kind)(tmp_path / "checkpoint-000000005.safetensors")
    assert checkpoints.read_common([tmp_path], ["a"]) is None
    assert not trap.sprung


@pytest.mark.parametrize("name", HEADERS)
def test_a_model_with_an_absurd_header_is_refused(run, name):
    (run / "model.safetensors").write_bytes(HEADERS[name])
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        load_pack([run])


@pytest.mark.parametrize("name", HEADERS)
def test_a_checkpoint_with_an_absurd_header_counts_as_none(tmp_path, name):
    (tmp_path / "checkpoint-000000005.safetensors").write_bytes(HEADERS[name])
    (tmp_path / "checkpoint-five.safetensors").write_bytes(b"")
    assert checkpoints.read_common([tmp_path], ["a"]) is None


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"data": ' * 100_000, '{"data": {"shape": [1, 2, 9e999]}}', "1" * 10_000],
)
def test_a_config_of_absurd_json_is_refused(run, text):
    (run / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config\.json"):
        load_pack([run])


def test_labels_and_images_with_objects_are_not_loaded(tmp_path, trap):
    objects = np.array([trap, trap], dtype=object)
    np.savez(tmp_path / "labels.npz", index=np.arange(2), kind=objects)
    np.save(tmp_path / "images.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "images.npz", imgs=objects, images=objects, latents_classes=objects)
    attempts = [
        ("dsprites", SPRITES | {"labels": str(tmp_path / "labels.npz")}),
        ("dsprites", {"path": str(tmp_path / "images.npz")}),
        ("folder", {"path": str(tmp_path / "images.npy"), "size": 16}),
        ("folder", {"path": str(tmp_path / "images.npz"), "size": 16}),
    ]
    for name, options in attempts:
        with pytest.raises(UserError):
            load(name, **options)
    assert not trap.sprung


def test_yaml_objects_in_the_store_are_not_made(tmp_path, trap, capsys):
    store = Store(tmp_path / "store")
    store.write_text("sweeps/mine/spec.yaml", f"name: mine\ndataset: {trap.yaml}\n")
    for command in ("status", "plan", "best", "report"):
        assert main([command, "mine", "--store", store.location]) == 2
        assert "the tag" in capsys.readouterr().err
    assert not trap.sprung


def test_yaml_objects_for_the_trainer_are_not_made(tmp_path, trap):
    for text in (trap.yaml, f"beta: {trap.yaml}", "[" * 20_000, "a: &a [*a]"):
        (tmp_path / "config.yaml").write_text(text)
        with pytest.raises(UserError):
            read_pack(tmp_path / "config.yaml")
    assert not trap.sprung
