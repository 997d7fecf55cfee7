"""The cache of arrays: made once, whole or not at all, and clear when the disk refuses."""

import json
import multiprocessing
import os
import resource
import subprocess
import sys

import numpy as np
import pytest

from trainer import cache
from trainer.errors import UserError

pytestmark = pytest.mark.usefixtures("cache_folder")

ROWS = np.arange(60, dtype=np.uint8).reshape(20, 3)


class Maker:
    """Gives ROWS in blocks and counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self):
        self.asked += 1
        yield from np.split(ROWS, 4)


def make(maker):
    return cache.array("numbers-abc", ROWS.shape, maker)


def test_is_made_once_and_mapped_read_only(cache_folder):
    maker = Maker()
    for _ in range(3):
        found = make(maker)
        assert np.array_equal(found, ROWS)
    assert maker.asked == 1
    assert isinstance(found, np.memmap) and not found.flags.writeable
    assert np.array_equal(np.load(cache_folder / "numbers-abc.npy"), ROWS)


@pytest.mark.parametrize("damage", ["cut", "flip", "no meta", "torn meta", "other shape"])
def test_a_damaged_array_is_made_again(cache_folder, damage):
    maker = Maker()
    make(maker)
    array, meta = cache_folder / "numbers-abc.npy", cache_folder / "numbers-abc.json"
    content = bytearray(array.read_bytes())
    if damage == "cut":
        array.write_bytes(content[:-1])
    elif damage == "flip":
        content[-1] ^= 1
        array.write_bytes(content)
    elif damage == "no meta":
        meta.unlink()
    elif damage == "torn meta":
        meta.write_text(meta.read_text()[:5])
    else:
        cache.array("other", (10, 6), lambda: [ROWS.reshape(10, 6)])
        os.replace(cache_folder / "other.npy", array)
        os.replace(cache_folder / "other.json", meta)
    assert np.array_equal(make(maker), ROWS)
    assert maker.asked == 2
    make(maker)
    assert maker.asked == 2


def _ask(folder, log):
    os.environ["SWEEP_CACHE"] = folder

    def blocks():
        with open(log, "a") as file:
            file.write("made\n")
        yield ROWS

    assert np.array_equal(make(blocks), ROWS)


def test_ten_processes_make_it_once(cache_folder, tmp_path):
    log = tmp_path / "log"
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_ask, args=(str(cache_folder), str(log))) for _ in range(10)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 10
    assert log.read_text() == "made\n"


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from trainer.data import load
from trainer.errors import UserError
try:
    load("dsprites", factors={"shape": [0], "scale": 1, "orientation": 4}).stored()
except UserError as error:
    print(error)
"""


def test_a_full_disk_leaves_nothing_torn(cache_folder):
    said = subprocess.run(
        [sys.executable, "-c", FULL], capture_output=True, text=True, check=True
    ).stdout
    assert said.count("\n") == 1
    assert str(cache_folder) in said and "set SWEEP_CACHE" in said and "2.1 MB needed" in said
    assert [file.suffix for file in cache_folder.iterdir()] == [".lock"]


def test_a_maker_that_fails_leaves_nothing_torn(cache_folder):
    def blocks():
        yield ROWS[:5]
        raise UserError("the second image is damaged")

    with pytest.raises(UserError, match="second image"):
        make(blocks)
    assert [file.suffix for file in cache_folder.iterdir()] == [".lock"]
    maker = Maker()
    assert np.array_equal(make(maker), ROWS) and maker.asked == 1


def test_a_source_that_shrinks_while_it_is_read_is_not_cached(cache_folder):
    with pytest.raises(UserError, match="read 15 images instead of 20"):
        cache.array("numbers-abc", ROWS.shape, lambda: [ROWS[:15]])
    assert [file.suffix for file in cache_folder.iterdir()] == [".lock"]


def test_a_cache_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"Not a directory|File exists"):
        make(Maker())


def test_without_the_variable_it_is_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("SWEEP_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "beta-sweep"


def test_opening_reads_no_pixels_into_memory(cache_folder):
    wide = np.zeros((64, 1 << 20), np.uint8)
    cache.array("wide", wide.shape, lambda: [wide])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cache.array("wide", wide.shape, lambda: [])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024


def test_a_hash_of_files_follows_their_content(tmp_path, cache_folder):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    hashed = cache.content_hash([first, second])
    assert cache.content_hash([second, first]) != hashed
    os.rename(first, tmp_path / "c")
    assert cache.content_hash([tmp_path / "c", second]) == hashed
    second.write_bytes(b"too")
    os.utime(second, ns=(1, 1))
    assert cache.content_hash([tmp_path / "c", second]) != hashed


def test_a_hash_is_remembered(tmp_path, cache_folder):
    file = tmp_path / "a"
    file.write_bytes(b"one")
    cache.content_hash([file])
    (memory,) = cache_folder.glob("hash-*.json")
    memory.write_text(json.dumps({"sha256": "remembered"}))
    assert cache.content_hash([file]) == "remembered"
    memory.write_text("{")
    assert cache.content_hash([file]) != "remembered"
