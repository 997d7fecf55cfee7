"""A store on S3, on a real server that is made to fail."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps.run_store import Store
from sweeps.storage import lease, record_index, s3
from sweeps.storage.mirror import INDEX
from sweeps.storage.process_name import where
from tests.servers.proxy import Answer, Hang, Refuse
from tests.servers.s3 import S3, s3_server
from trainer.config.run import RESULT_FORMAT
from trainer.errors import UserError
from trainer.files import stamp, write_json


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(server: S3, tmp_path: Path, monkeypatch) -> Iterator[S3]:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "one"))
    with server.in_environment():
        yield server.new_bucket()


@pytest.fixture
def store(bucket: S3) -> Store:
    return Store(f"{bucket.url}/here/below")


def elsewhere(store: Store, monkeypatch, tmp_path: Path) -> Store:
    """The same store as another machine sees it."""
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "other"))
    return Store(store.location)


def a_run(store: Store, run: str = "a" * 20) -> Path:
    """A finished run, whose files are in its local folder."""
    folder = store.fetch(f"runs/{run}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 100)
    result = {
        "format": RESULT_FORMAT,
        "run": run,
        "config": {"beta": 4.0, "latents": 10, "seed": 0},
        "data": {"shape": [1, 16, 16]},
        "state": "finished",
        "reason": None,
        "training": {},
        "evaluations": {},
        "files": {"model.safetensors": stamp(folder / "model.safetensors")},
    }
    write_json(folder / "result.json", result)
    return folder


def test_what_is_written_is_read_listed_and_deleted(store, bucket):
    store.prepare()
    assert not store.exists("a/b.json") and store.read_json("a/b.json") is None
    store.write_json("a/b.json", {"x": [1, 0.1]})
    store.write_text("a/c/d.txt", "π")
    store.write_text("ab", "no folder")
    assert store.read_json("a/b.json") == {"x": [1, 0.1]}
    assert store.read_text("a/c/d.txt") == "π"
    assert store.names("a") == ["b.json", "c"]
    assert store.exists("a") and store.exists("a/c") and not store.exists("a/c/d")
    assert bucket.keys("here/below/a/b") == ["here/below/a/b.json"]
    store.delete("a/b.json")
    store.delete("a/b.json")
    assert store.names("a") == ["c"]


def test_a_folder_is_listed_completely_over_several_pages(store, monkeypatch):
    monkeypatch.setattr(s3, "PAGE", 3)
    for number in range(10):
        store.write_text(f"many/{number}", "")
    assert store.names("many") == [str(number) for number in range(10)]


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a\0b", ".."])
def test_keys_stay_inside(store, key):
    for use in (store.read_text, store.exists, store.delete, store.fetch):
        with pytest.raises(ValueError, match="not a key"):
            use(key)


@pytest.mark.parametrize(
    "location", ["s3://", "s3://B", "s3://a", "s3://good/../x", "s3://k:s@bucket/x"]
)
def test_an_invalid_location_is_refused(location):
    with pytest.raises(UserError, match="expected s3://BUCKET"):
        Store(location)


def test_a_run_trained_here_is_whole_elsewhere(store, bucket, monkeypatch, tmp_path):
    folder = a_run(store)
    assert store.result("a" * 20) is None  # nothing was kept yet
    store.keep("runs/" + "a" * 20)
    other = elsewhere(store, monkeypatch, tmp_path)
    assert other.result("a" * 20)["run"] == "a" * 20
    assert other.run_folder("a" * 20) != folder
    assert (other.run_folder("a" * 20) / "result.json").is_file()
    assert not (other.run_folder("a" * 20) / "model.safetensors").exists()
    fetched = other.fetch("runs/" + "a" * 20)
    assert stamp(fetched / "model.safetensors") == stamp(folder / "model.safetensors")


def test_records_are_uploaded_after_everything_that_they_list(store, bucket, monkeypatch):
    order = []
    put = s3.S3.put
    monkeypatch.setattr(
        s3.S3, "put", lambda self, key, *rest: order.append(key) or put(self, key, *rest)
    )
    folder = a_run(store)
    write_json(folder / "training.json", {})
    (folder / "zebra").write_bytes(b"z")
    store.keep("runs/" + "a" * 20)
    assert [key.split("/")[-1] for key in order[-2:]] == ["training.json", "result.json"]
    assert len(order) == 4


def test_what_is_unchanged_is_not_transferred_again(store, bucket):
    folder = a_run(store)
    store.keep("runs/" + "a" * 20)
    before = bucket.proxy.requests
    store.keep("runs/" + "a" * 20)
    assert bucket.proxy.requests == before
    (folder / "new").write_bytes(b"1")
    store.keep("runs/" + "a" * 20)
    assert bucket.proxy.requests == before + 1


def test_checkpoints_deleted_by_one_machine_go_everywhere(store, bucket, monkeypatch, tmp_path):
    folder = a_run(store)
    (folder / "checkpoint-1").write_bytes(b"1")
    store.keep("runs/" + "a" * 20)
    other = elsewhere(store, monkeypatch, tmp_path)
    there = other.fetch("runs/" + "a" * 20)
    (there / "checkpoint-1").unlink()
    (there / "checkpoint-2").write_bytes(b"2")
    other.keep("runs/" + "a" * 20)
    store.fetch("runs/" + "a" * 20)
    assert sorted(p.name for p in folder.glob("checkpoint-*")) == ["checkpoint-2"]
    kept = f"here/below/runs/{'a' * 20}/checkpoint-"
    assert bucket.keys(kept) == [f"{kept}2"]


@pytest.mark.parametrize("index", ["", "{", "[]", '{"model.safetensors": 3}', '{"x": [1, 2]}'])
def test_a_damaged_index_only_costs_a_transfer(store, bucket, index):
    folder = a_run(store)
    store.keep("runs/" + "a" * 20)
    (folder / INDEX).write_text(index)
    store.fetch("runs/" + "a" * 20)
    store.keep("runs/" + "a" * 20)
    assert store.result("a" * 20) is not None


@pytest.mark.parametrize("damage", [b"", b"x" * 25600, None])
def test_a_damaged_file_is_noticed(store, bucket, damage):
    a_run(store)
    store.keep("runs/" + "a" * 20)
    key = f"here/below/runs/{'a' * 20}/model.safetensors"
    if damage is None:
        bucket.client().delete_object(Bucket=bucket.bucket, Key=key)
    else:
        bucket.client().put_object(Bucket=bucket.bucket, Key=key, Body=damage)
    assert store.result("a" * 20) is None
    a_run(store)
    (store.run_folder("a" * 20) / INDEX).unlink()
    store.keep("runs/" + "a" * 20)
    assert store.result("a" * 20) is not None


@pytest.mark.parametrize("fault", [Answer(500), Answer(503), Refuse()])
def test_a_server_that_fails_for_a_while_is_asked_again(store, bucket, fault):
    bucket.proxy.inject(fault, times=2)
    store.write_json("a.json", {"x": 1})
    bucket.proxy.inject(fault, times=2)
    assert store.read_json("a.json") == {"x": 1}
    bucket.proxy.mend()


@pytest.mark.parametrize("fault", [Answer(500), Refuse(), Hang()])
def test_a_server_that_keeps_failing_is_one_line(store, bucket, monkeypatch, fault):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3, "SECONDS_TO_ANSWER", 0.3)
    with bucket.proxy.broken(fault), pytest.raises(UserError) as caught:
        store.prepare()
    assert f"store {store.location} cannot be written: " in str(caught.value)
    assert "--store" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    store.prepare()


def test_a_missing_bucket_is_reported(bucket):
    with pytest.raises(UserError, match=r"cannot be written: .*bucket does not exist.*404"):
        Store("s3://no-such-bucket/x").prepare()


def test_a_sweep_is_held_by_one_process_only(store, bucket):
    with store.lock("one"):
        assert store.holder("one") == f"process {os.getpid()} on {os.uname().nodename}"
        held = rf"'one' is being run by process {os.getpid()} on "
        with pytest.raises(UserError, match=held), store.lock("one"):
            raise AssertionError
        with store.lock("two"):
            pass
    assert store.holder("one") is None
    with store.lock("one"):
        pass


def test_a_killed_holder_on_this_machine_is_known_to_be_gone(store, bucket):
    script = textwrap.dedent("""
        import sys, time
        from sweeps.run_store import Store
        with Store(sys.argv[1]).lock("one"):
            print("held", flush=True)
            time.sleep(60)
    """)
    command = [sys.executable, "-c", script, store.location]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"process {holder.pid} on"), store.lock("one"):
            raise AssertionError
        holder.kill()
        holder.wait()
    assert store.holder("one") is None
    with store.lock("one"):
        assert f"process {os.getpid()} on " in store.holder("one")


def test_a_holder_in_another_container_of_this_hosts_name_is_not_taken_for_gone(store, bucket):
    no_process = f"process {2**22 + 1} on {os.uname().nodename}"
    held = {"holder": no_process, "where": "another machine pid:[1]", "token": "t"}
    store.write_json("sweeps/one/lock", held)
    assert store.holder("one") == no_process
    store.write_json("sweeps/one/lock", held | {"where": where()})
    assert store.holder("one") is None


def test_a_holder_elsewhere_that_is_silent_is_given_up(store, bucket, monkeypatch):
    store.write_json("sweeps/one/lock", {"holder": "process 1 on another", "token": "t"})
    with pytest.raises(UserError, match="process 1 on another"), store.lock("one"):
        raise AssertionError
    monkeypatch.setattr(lease, "SECONDS", -1.0)
    with store.lock("one"):
        assert "another" not in json.loads(store.read_text("sweeps/one/lock"))["holder"]


def test_a_lease_is_renewed_while_it_is_held(store, bucket, monkeypatch):
    monkeypatch.setattr(lease, "RENEWAL", 0.05)
    with store.lock("one"):
        first = bucket.proxy.requests
        while bucket.proxy.requests < first + 6:  # three renewals: read and write
            pass
        assert store.holder("one") is not None
    assert store.holder("one") is None


def test_a_glance_lists_the_runs_once_and_reads_what_has_changed(store, bucket, monkeypatch):
    monkeypatch.setattr(s3, "PAGE", 3)
    monkeypatch.setattr(record_index, "WORTHWHILE", 1)
    ids = ["00", "11", "19", "33", "aa", "ff", "other"]
    for run in ids:
        a_run(store, run)
        store.keep(f"runs/{run}")
        store.write_text(f"runs/{run}/deeper/file", "of no run")
    calls = []

    def counted(name):
        call = getattr(s3.S3, name)
        return lambda storage, key: calls.append(name) or call(storage, key)

    for name in ("get", "listing", "_below"):
        monkeypatch.setattr(s3.S3, name, counted(name))
    glance = store.glance()
    assert sorted(glance.runs) == ids
    assert sorted(glance.runs["aa"].names()) == ["model.safetensors", "result.json"]
    ended = glance.ended([*ids, "none"])
    assert {run: one.state for run, one in ended.items()} == dict.fromkeys(ids, "finished")
    assert calls == ["_below", *["get"] * len(ids)]
    record = store.read_json("runs/19/result.json")
    store.write_json("runs/19/result.json", {**record, "state": "failed"})
    store.delete("runs/33/model.safetensors")
    calls.clear()
    found = Store(store.location).glance().ended(ids)
    assert found["19"].state == "failed" and found.keys() == set(ids) - {"33"}
    assert calls == ["_below", "get", "get"]
