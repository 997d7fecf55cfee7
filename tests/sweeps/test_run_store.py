"""The store: atomic files, names that stay inside, settings by search, one run at a time."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from sweeps.plan import Setting, load_data, runs_of
from sweeps.run_store import Store
from sweeps.sweepfile import load_spec, spec_of
from trainer.errors import UserError

BASE = {
    "name": "stored",
    "dataset": {"name": "dsprites", "size": 32},
    "method": "random",
    "parameters": {"beta": {"min": 1, "max": 9}},
    "seeds": 3,
}


def spec(**changes):
    return spec_of({**BASE, **changes})


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def record(store, spec, number, beta):
    setting = Setting(number, {"beta": beta})
    store.record_setting(spec, setting, runs_of(spec, load_data(spec), setting.parameters))
    return setting


def test_nothing_is_made_before_something_is_written(store):
    assert store.names("sweeps") == []
    assert store.read_json("sweeps/x.json") is None
    assert store.result("0" * 20) is None
    assert store.settings(spec()) == []
    assert store.holder("stored") is None
    assert not store.root.exists()


def test_json_is_read_back_and_damage_counts_as_nothing(store):
    store.write_json("a/b.json", {"x": [1, 0.1]})
    assert store.read_json("a/b.json") == {"x": [1, 0.1]}
    assert store.names("a") == ["b.json"]
    store.path("a/b.json").write_text('{"x": [1,')
    assert store.read_json("a/b.json") is None


def test_a_failed_write_leaves_the_old_file(store):
    store.write_json("a.json", {"x": 1})
    with pytest.raises(ValueError, match="JSON"):
        store.write_json("a.json", {"x": float("nan")})
    assert store.read_json("a.json") == {"x": 1}


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a\0b", ".."])
def test_keys_stay_inside(store, key):
    with pytest.raises(ValueError, match="not a key"):
        store.path(key)


@pytest.mark.parametrize("name", ["../x", "/x", "", "a/b", ".hidden", "x" * 101, "a b", "a\n", "ä"])
def test_sweep_names_stay_inside(store, name):
    with pytest.raises(UserError, match="name"):
        store.load_spec(name)


def test_settings_come_back_exactly_and_in_order(store):
    betas = [1 / 3, 1e-17 + 0.1, 8.999999999999998]
    made = [record(store, spec(), number, betas[number]) for number in (2, 0, 1)]
    assert store.settings(spec()) == sorted(made, key=lambda setting: setting.number)


def test_more_seeds_and_settings_continue_the_same_search(store):
    record(store, spec(), 0, 2.0)
    more = spec(seeds=5, settings=99, pack=1)
    assert [s.parameters for s in store.settings(more)] == [{"beta": 2.0}]
    assert list(store.recorded_runs(more)[0]) == [0, 1, 2]
    record(store, more, 0, 2.0)
    assert list(store.recorded_runs(more)[0]) == [0, 1, 2, 3, 4]
    assert list(store.recorded_runs(spec(seeds=[4, 1]))[0]) == [4, 1]


def test_another_space_under_the_same_name_is_another_search(store):
    record(store, spec(), 0, 2.0)
    assert store.settings(spec(parameters={"beta": {"min": 1, "max": 10}})) == []
    assert store.settings(spec(trainer={"steps": 5})) == []
    assert store.settings(spec(name="other")) == []
    assert len(store.settings(spec())) == 1


def test_damaged_settings_are_as_if_never_made(store):
    record(store, spec(), 0, 2.0)
    record(store, spec(), 1, 3.0)
    folder = f"sweeps/stored/{spec().search_id}/settings"
    store.path(f"{folder}/00000.json").write_text("{")
    store.write_json(f"{folder}/00002.json", {"number": 2})
    assert [setting.number for setting in store.settings(spec())] == [1]
    assert list(store.recorded_runs(spec())) == [1]


def test_an_edited_setting_counts_as_never_made(store):
    record(store, spec(), 0, 2.0)
    path = store.path(f"sweeps/stored/{spec().search_id}/settings/00000.json")
    whole = path.read_text()
    values = json.loads(whole)
    path.write_text(whole.replace("2.0", "3.25"))
    assert store.settings(spec()) == []
    del values["checksum"]  # as it was written before there were checksums
    path.write_text(json.dumps(values))
    assert len(store.settings(spec())) == 1
    path.write_text(json.dumps({**values, "parameters": {}}))
    assert store.settings(spec()) == []
    path.write_text(json.dumps({**values, "number": 1}))  # a copy of another's
    assert store.settings(spec()) == []


def test_a_sweep_is_found_by_its_name(store):
    store.save_spec(spec())
    assert store.load_spec("stored") == spec()
    assert store.load_spec("stored", ["seeds=9"]).seeds == 9
    with pytest.raises(UserError, match="did you mean 'stored'"):
        store.load_spec("storde")


def test_a_stored_sweep_file_that_was_changed_is_not_believed(store):
    store.save_spec(spec())
    path = store.path("sweeps/stored/spec.yaml")
    saved = path.read_text()
    copied = load_spec(path)  # a user's own file, from now on
    for text in (saved.replace("name: stored", "name: stored\nseeds: 7"), saved[: len(saved) // 2]):
        path.write_text(text)
        with pytest.raises(UserError, match=r"spec\.yaml was changed since its sweep was run"):
            store.load_spec("stored")
    store.save_spec(copied)
    assert path.read_text() == saved
    path.write_text(saved.partition("\n")[2])  # as earlier versions wrote it
    assert store.load_spec("stored") == spec()


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    for location in (file, file / "below", "/proc/none", "/dev/full"):
        with pytest.raises(UserError) as caught:
            Store(location).prepare()
        assert "cannot be written" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    for location in ("ftp://host/store", "", " "):
        with pytest.raises(UserError, match="expected a folder"):
            Store(location)


def test_two_processes_cannot_run_one_sweep(store):
    script = textwrap.dedent(
        """
        import sys
        from sweeps.run_store import Store
        with Store(sys.argv[1]).lock("one"):
            print("held", flush=True)
            sys.stdin.read()
        """
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(store.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        assert f"process {holder.pid} on " in store.holder("one")
        with pytest.raises(UserError, match=f"being run by process {holder.pid} on "):  # noqa: SIM117
            with store.lock("one"):
                pass
        with store.lock("two"):
            pass
    finally:
        holder.kill()
        holder.communicate()
    assert store.holder("one") is None
    with store.lock("one"):
        assert f"process {os.getpid()} on " in store.holder("one")
    assert store.holder("one") is None
