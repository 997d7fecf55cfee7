"""A glance at many runs: quick by an index that is never believed more than the records."""

import contextlib
import ctypes
import json
import os
import shutil
import sqlite3
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from evaluation import result_file
from evaluation.result_file import RESULT, LocalFiles
from sweeps import overview
from sweeps.cli.main import main
from sweeps.run_store import Store
from sweeps.storage import record_index
from sweeps.storage.record_index import RecordIndex, index_path
from sweeps.sweep import Sweep
from sweeps.sweep_results import Status, status
from sweeps.trials.trial_queue import Block, TrialQueue
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up

DATA, SPEC = a_dataset(), a_spec()


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index for a dozen runs, and of files that have just been written."""
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(record_index, "WORTHWHILE", 1)
    monkeypatch.setattr(result_file, "SETTLED", 0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    queue = TrialQueue.resume(Sweep(SPEC, store, DATA))
    while isinstance(block := queue.next(), Block):
        for run in block.runs:
            write_made_up(store, SPEC, DATA, run, 0.9 - 0.01 * run.config.beta)
        queue.ended(block)
    store.save_spec(SPEC)
    return store


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each kind of file is read."""
    counts: Counter[str] = Counter()
    read = LocalFiles.read

    def counted(files: LocalFiles, name: str) -> bytes | None:
        counts[RESULT if name == RESULT else "setting"] += 1
        return read(files, name)

    monkeypatch.setattr(LocalFiles, "read", counted)
    return counts


def seen(store: Store) -> tuple[Status, list[Mapping[str, Any]]]:
    """What a new process finds."""
    sweep = Sweep(SPEC, Store(store.location), DATA)
    glance = sweep.store.glance()
    results = sweep.snapshot(glance).results
    return status(SPEC, sweep.store, sweep.held(glance), glance), sorted(results, key=str)


def index_of(store: Store) -> Path:
    return index_path(store.location)


def edit(path: Path, old: str, new: str) -> None:
    """Changes a file in place: its length and its times stay as they were."""
    before = os.stat(path)
    assert old in path.read_text() and len(old) == len(new)
    while os.stat(path).st_ctime_ns == before.st_ctime_ns:  # of the coarse clock of file systems
        path.write_text(path.read_text().replace(old, new))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_each_record_is_read_once_by_a_command_and_never_by_the_next(
    store: Store, reads: Counter[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = seen(store)
    assert first[0].finished == 12 and reads == {RESULT: 12, "setting": 6}
    reads.clear()
    assert seen(store) == first and not reads
    for command in ("status", "plan"):
        assert main([command, SPEC.name, "--store", store.location]) == 0
    assert not reads and "12 of 12 runs finished" in capsys.readouterr().out


def test_without_an_index_a_command_reads_each_result_once(
    store: Store, reads: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_CACHE", "/proc/none")  # nothing can be written there
    assert seen(store)[0].finished == 12 and reads[RESULT] == 2 * 12  # heads, and whole
    sweep, glance = Sweep(SPEC, store, DATA), store.glance()
    reads.clear()
    assert len(sweep.snapshot(glance).results) == len(sweep.snapshot(glance).results) == 12
    assert reads[RESULT] == 12


def test_the_store_itself_is_left_as_it_is(store: Store) -> None:
    before = sorted(store.root.rglob("*"))
    seen(store)
    assert sorted(store.root.rglob("*")) == before
    assert stat.S_IMODE(index_of(store).stat().st_mode) == 0o600


def damage_text(path: Path) -> None:
    path.write_bytes(b"this is no database")


def damage_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_value(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE records SET head = replace(head, 'finished', 'failed')")
        connection.execute("UPDATE records SET record = replace(record, '0.89', '0.99')")
    connection.close()


def damage_table(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE records")
    connection.close()


def lose(path: Path) -> None:
    path.unlink()


def of_another_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
        connection.execute("ALTER TABLE records RENAME COLUMN head TO start")
    connection.close()


@pytest.mark.parametrize(
    "harm", [lose, damage_text, damage_half, damage_value, damage_table, of_another_version]
)
def test_an_index_that_is_lost_or_damaged_changes_nothing(store: Store, harm: Any) -> None:
    before = seen(store)
    harm(index_of(store))
    assert seen(store) == before
    assert seen(store) == before


def test_an_index_that_nobody_else_could_have_written_is_trusted(
    store: Store, tmp_path: Path
) -> None:
    before, theirs = seen(store), tmp_path / "theirs"
    os.rename(index_of(store), theirs)
    index_of(store).symlink_to(theirs)
    content = theirs.read_bytes()
    assert seen(store) == before and theirs.read_bytes() == content


def test_a_changed_result_is_found_though_its_length_and_times_are_the_same(store: Store) -> None:
    before = seen(store)[0]
    path = sorted(store.root.glob(f"runs/*/{RESULT}"))[0]
    edit(path, '"latents": 2', '"latents": 3')
    found = seen(store)
    assert found[0].finished == before.finished - 1 == len(found[1])
    edit(path, '"latents": 3', '"latents": 2')
    assert seen(store)[0] == before


def test_a_run_copied_over_another_is_not_believed(store: Store) -> None:
    one, other, *_ = sorted(store.root.glob("runs/*"))
    shutil.copytree(one, other, dirs_exist_ok=True)  # whole: every file fits its record
    found, results = seen(store)
    assert found.finished == len(results) == 11 and seen(store)[0] == found
    assert store.result(other.name) is None
    assert store.result(one.name) is not None


def test_a_changed_setting_is_found(store: Store) -> None:
    seen(store)
    path = next(store.root.glob("sweeps/*/*/settings/00000.json"))
    edit(path, '"number": 0', '"number": 5')
    assert len(store.settings(SPEC)) == 5


def test_what_a_result_lists_is_compared_by_size_and_a_run_that_is_gone_is_missed(
    store: Store,
) -> None:
    folder, other = sorted(store.root.glob("runs/*"))[:2]
    result = json.loads((folder / RESULT).read_text())
    result["files"] = {"model.safetensors": result_file.stamp(folder / "model.safetensors")}
    result_file.write_result(folder, result)
    assert seen(store)[0].finished == 12
    with open(folder / "model.safetensors", "ab") as file:
        file.write(b"more")
    assert seen(store)[0].finished == 11
    (other / RESULT).unlink()
    assert seen(store)[0].finished == 10


def test_a_file_that_has_just_been_written_is_not_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch, reads: Counter[str]
) -> None:
    monkeypatch.setattr(result_file, "SETTLED", 1e4)
    seen(store)
    reads.clear()
    seen(store)
    assert reads and not index_of(store).exists()


def test_several_write_one_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_index, "PATIENCE", 0.01)
    one, two = RecordIndex("store"), RecordIndex("store")
    one.keep("a", "1", 1, {})
    one.commit()
    two.keep("b", "1", 2, {})
    two.commit()
    for index in (one, two):
        found = [index.find(key, "1") for key in "ab"]
        assert [entry and entry.head for entry in found] == [1, 2]
    writer = sqlite3.connect(index_path("store"), isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    one.keep("c", "1", 3, {})
    one.commit()  # another process writes for long: nothing is remembered, and nothing fails
    assert one.find("c", "1") is None and RecordIndex("store").find("a", "1") is None
    writer.execute("ROLLBACK")
    writer.close()
    assert RecordIndex("store").find("a", "1") is not None


def test_an_index_that_nobody_uses_is_deleted(tmp_path: Path) -> None:
    for store in ("old", "new"):
        index = RecordIndex(store)
        index.keep("a", "1", 1, {})
        index.commit()
        if store == "old":
            os.utime(index_path(store), (0, 0))
    assert [path.name for path in (tmp_path / "cache/indexes").iterdir()] == [
        index_path("new").name
    ]


def test_a_link_in_place_of_a_run_is_refused(store: Store, tmp_path: Path) -> None:
    run = sorted(store.root.glob("runs/*"))[0]
    run.rename(tmp_path / "elsewhere")
    run.symlink_to(tmp_path / "elsewhere")
    assert main(["status", SPEC.name, "--store", store.location]) == 2


def test_a_store_that_may_not_be_read_is_one_line(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["status", SPEC.name, "--store", store.location]
    assert main(command) == 0 and capsys.readouterr().err == ""
    runs = store.root / "runs"
    runs.chmod(0)
    with unprivileged():
        assert main(command) == 1
    runs.chmod(0o755)
    said = capsys.readouterr().err
    assert said.startswith(f"sweep: {store.root}") and said.endswith(": Permission denied\n")
    assert said.count("\n") == 1


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Without root's right to read everything, in this thread."""
    libc, user = ctypes.CDLL(None), os.geteuid()
    libc.setfsuid(user or 65534)
    try:
        yield
    finally:
        libc.setfsuid(user)


def test_what_is_the_same_in_many_results_is_kept_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "AT_ONCE", 5)
    runs = sorted(path.name for path in store.root.glob("runs/*"))
    found = store.glance().results(runs)
    assert json.dumps(found) == json.dumps({run: store.result(run) for run in runs})
    for part in (["config", "dataset"], ["config", "optimizer"], ["data"]):
        assert len({id(reduce(getitem, part, found[run])) for run in runs}) == 1
    names = [name for run in runs for name in found[run]]
    assert len({id(name) for name in names}) == len(set(names))
    rows = Sweep(SPEC, store, DATA).snapshot().rows
    assert len({id(row.shared) for row in rows}) == 1
