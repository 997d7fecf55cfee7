"""Links, pipes and devices that somebody has put into a shared store."""

import os

import pytest

from sweeps.cli.main import main
from sweeps.plan import runs_of
from sweeps.run_store import Store
from tests.sweeps.made_up import a_dataset, a_spec
from trainer.errors import UserError
from trainer.files import read_plain, write_atomically


@pytest.fixture
def outside(tmp_path):
    """A folder that is nobody's business, with a file of somebody's."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/mine.txt").write_text("mine\n")
    return tmp_path / "outside"


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    store.prepare()
    (store.root / "sweeps/made-up").mkdir()
    return store


def plant(store, key, target):
    """A link in the store; the folders above it are made."""
    path = store.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return path


@pytest.mark.parametrize(
    "key",
    [
        *(f"sweeps/made-up/{at}" for at in ("errors", "log.txt", "lock", "report", "report/x")),
        "sweeps",
    ],
)
def test_a_sweep_does_not_run_through_a_link(store, outside, tmp_path, capsys, key):
    (tmp_path / "made-up.yaml").write_text(a_spec().text)
    if key == "sweeps":
        (store.root / "sweeps/made-up").rmdir()
        (store.root / "sweeps").rmdir()
    target = outside if key in ("sweeps", "sweeps/made-up/errors") else outside / "mine.txt"
    link = plant(store, key, target)
    assert main(["run", str(tmp_path / "made-up.yaml"), "--store", store.location]) == 2
    said = capsys.readouterr().err
    assert f"{link} is a link, which nothing in a store may be" in said and said.count("\n") == 1
    assert {p.name: p.read_text() for p in outside.iterdir()} == {"mine.txt": "mine\n"}


def test_no_run_is_written_or_read_through_a_link(store, outside):
    run = runs_of(a_spec(), a_dataset(), {"latents": 2, "beta": 1})[0].id
    plant(store, f"runs/{run}", outside)
    for use in (store.run_folder, store.result, lambda run: store.fetch(f"runs/{run}")):
        with pytest.raises(UserError, match="is a link"):
            use(run)


def test_a_report_with_a_link_in_it_is_not_sent_anywhere(store, outside):
    plant(store, "sweeps/made-up/report/other.txt", outside / "mine.txt")
    with pytest.raises(UserError, match=r"other\.txt is a link"):
        store.report_folder(a_spec())


def test_a_named_pipe_does_not_block(store):
    folder = store.root / "runs/0123"
    folder.mkdir()
    os.mkfifo(folder / "training.json")
    os.mkfifo(folder / "result.json")
    assert store.result("0123") is None
    assert not store.is_trained("0123")
    with pytest.raises(UserError, match=r"training\.json is a pipe, a socket or a device|result"):
        store.fetch("runs/0123")
    with pytest.raises(OSError, match="is not a file"):
        read_plain(folder / "training.json")
    with pytest.raises(UserError, match="is a pipe"):
        store.read_json("runs/0123/training.json")


def test_a_link_at_the_place_of_a_half_written_file_is_not_followed(tmp_path, outside):
    (tmp_path / f".note.txt.{os.getpid()}.partial").symlink_to(outside / "mine.txt")
    write_atomically(tmp_path / "note.txt", b"new")
    assert (tmp_path / "note.txt").read_text() == "new"
    assert (outside / "mine.txt").read_text() == "mine\n"


def test_a_store_may_itself_be_behind_a_link(tmp_path, outside):
    (tmp_path / "link").symlink_to(outside)
    store = Store(tmp_path / "link")
    store.prepare()
    store.write_json("a.json", 1)
    assert (outside / "a.json").exists()
