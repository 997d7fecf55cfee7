"""Records in a store that lie: they lead nowhere outside of it, and break nobody who reads them."""

import dataclasses
import json
import os

import pytest

from evaluation.result_file import read_result
from sweeps.cli.main import main
from sweeps.plan import Setting, runs_of
from sweeps.run_store import Store
from tests.security.trap import opened_files
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up
from trainer.files import stamp, write_json
from trainer.run_folder import RunFolder, read_record


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "outside.txt"
    path.write_text("not yours\n")
    return path


@pytest.fixture
def made(tmp_path):
    """A store with one setting of two runs, a spec, and the folder of the first run."""
    store, spec, data = Store(tmp_path / "store"), a_spec(), a_dataset()
    parameters = {"latents": 2, "beta": 4}
    runs = runs_of(spec, data, parameters)
    store.save_spec(spec)
    store.record_setting(spec, Setting(0, parameters), runs)
    for run in runs:
        write_made_up(store, spec, data, run, 0.5)
    return store, spec, store.run_folder(runs[0].id)


def rewrite(folder, **changes):
    record = json.loads((folder / "result.json").read_text()) | changes
    record.pop("checksum", None)  # whoever means harm leaves it out
    (folder / "result.json").write_text(json.dumps(record))


def names_of(outside, folder):
    """Ways to name a file outside of a run's folder."""
    (folder / "link").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    up = os.path.relpath(outside, folder)
    return [up, str(outside), f"./{up}", "link", f"linked/{outside.name}", f"x/../{up}"]


def test_a_file_outside_of_the_run_is_neither_believed_nor_opened(made, outside):
    _, _, folder = made
    for name in names_of(outside, folder):
        rewrite(folder, files={name: stamp(outside)})
        with opened_files() as opened:
            assert read_result(folder) is None, name
        assert str(folder / "result.json") in opened
        assert str(outside) not in opened


def test_the_trainer_does_not_trust_it_either(made, outside):
    _, spec, folder = made
    run = RunFolder(
        runs_of(spec, a_dataset(), {"latents": 2, "beta": 4})[0].config, folder, "a", {}
    )
    for name in names_of(outside, folder):
        if name != "link":  # a link has the content that is listed, and is only read
            config = dataclasses.asdict(run.config)
            record = {"run": "a", "config": config, "data": {}, "files": {name: stamp(outside)}}
            write_json(folder / "training.json", record)
            with opened_files() as opened:
                assert read_record(run) is None, name
            assert str(outside) not in opened


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {"": {"sha256": "", "bytes": 0}}},
        {"files": {"a\0b": {"sha256": "", "bytes": 0}}},
        {"files": {"a" * 5000: {"sha256": "", "bytes": 0}}},
        {"files": {".": {"sha256": "", "bytes": 4096}}},
        {"files": []},
        {"run": None},
        {"state": "sprightly"},
        {"config": {"beta": 10**400, "latents": 2, "seed": 0}},
        {"config": {"beta": 4, "latents": 1e308, "seed": 0}},
        {"config": {"beta": 4, "latents": 0, "seed": 0}},
        {"config": None},
        {"data": {"shape": [0, 0, 0]}},
        {"data": {"shape": "abc"}},
        {"evaluations": {"x": {"measures": {"higgins": {"scores": 3}}}}},
        {"evaluations": [1]},
        {"reason": {"a": 1}},
    ],
)
def test_a_result_of_another_shape_counts_as_none(made, changes, capsys):
    store, _, folder = made
    assert read_result(folder) is not None
    rewrite(folder, **changes)
    assert read_result(folder) is None
    assert main(["status", "made-up", "--store", store.location]) == 0
    assert "1 of 12 runs finished" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"files": ' * 5_000 + "{}" + "}" * 5_000,
        '{"format": ' + "9" * 10_000 + "}",
        '{"format": 1, "files": {}, "run": NaN}',
    ],
)
def test_absurd_json_counts_as_none(made, text):
    store, spec, folder = made
    (folder / "result.json").write_text(text)
    assert read_result(folder) is None
    (settings,) = store.path(f"sweeps/made-up/{spec.search_id}/settings").iterdir()
    settings.write_text(text)
    assert store.settings(spec) == []


@pytest.mark.parametrize("run", ["../../outside", "/etc", "..", "", "a/b", "a\0b", "x" * 5000])
def test_a_setting_whose_runs_are_elsewhere_counts_as_none(made, run, capsys):
    store, spec, _ = made
    record = {"number": 0, "parameters": {"latents": 2, "beta": 4}, "runs": {"0": run, "1": run}}
    store.write_json(f"sweeps/made-up/{spec.search_id}/settings/00000.json", record)
    assert main(["status", "made-up", "--store", store.location]) == 0
    # the two that the store has are those of the grid, not what the record names
    assert "2 of 12 runs finished" in capsys.readouterr().out


NAMES = ["../away", "a/b", "..", ".", "", ".hidden", "/tmp/away", "a\\b", "a\0b", "-x", "a" * 101]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_sweep_leaves_the_store(made, name, tmp_path, capsys):
    store, _, _ = made
    before = sorted(tmp_path.rglob("*"))
    path = store.path("sweeps/made-up/spec.yaml")
    for command in ("run", "plan", "validate", "status", "best", "report", "stop", "logs", "sync"):
        words = [command, str(path), "--store", store.location, f"name={json.dumps(name)}"]
        assert main(words) == 2, command
        said = capsys.readouterr()
        assert "name" in said.err and said.out == ""
    if name and not name.startswith("-"):
        for command in ("status", "best", "report", "stop", "logs"):
            assert main([command, name, "--store", store.location]) == 2
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/x", "", "a\0b", "..", "runs/.."])
def test_no_key_leaves_the_store(made, key):
    store, _, _ = made
    for verb in (store.path, store.exists, store.read_json, store.delete, store.fetch):
        with pytest.raises(ValueError, match="not a key of a store"):
            verb(key)
