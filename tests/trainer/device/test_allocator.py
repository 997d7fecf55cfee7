"""Freed memory stays, and comes back when asked for."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, resource, sys
import torch
from trainer.device import allocator

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

if sys.argv[1] == "keep":
    allocator.keep_freed()
for step in range(20):
    before = faults()
    for size in (64, 8, 33):
        torch.ones(size * 2**20, dtype=torch.uint8)
last, full = faults() - before, resident()
allocator.give_back()
print(json.dumps([last, full - resident()]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_the_same_arrays_take_memory_from_the_system_once() -> None:
    def run(way: str) -> tuple[int, int]:
        command = [sys.executable, "-c", PROGRAM, way]
        done = subprocess.run(command, check=True, capture_output=True)
        faults, given_back = json.loads(done.stdout)
        return faults, given_back

    kept, given_back = run("keep")
    usual, _ = run("leave")
    assert kept == 0
    assert usual > 105 * 2**20 / 4096 / 512  # were all pages huge, it would be so many
    assert given_back > 60 * 2**20
