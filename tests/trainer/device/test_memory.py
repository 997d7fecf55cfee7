"""What is free, from the machine itself and from made-up control groups."""

from pathlib import Path

import pytest
import torch

from trainer.device import memory

CPU = torch.device("cpu")
GB = 2**30


def test_free_memory_is_a_part_of_the_machines() -> None:
    free, total = memory.free_memory(CPU)
    assert 0 < free < total
    assert total <= int(Path("/proc/meminfo").read_text().split()[1]) * 1024


def group(path: Path, limit: str, current: int, cached: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    (path / "memory.max").write_text(f"{limit}\n")
    (path / "memory.current").write_text(f"{current}\n")
    (path / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\n")


def test_limits_of_all_groups_above_the_process_count(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "self"
    own.write_text("0::/slice/service\n")
    root.mkdir()
    group(root / "slice", str(8 * GB), 6 * GB, 3 * GB)
    group(root / "slice/service", "max", GB, 0)
    assert memory.limits(root, own) == [(8 * GB, 3 * GB)]


def test_limits_of_version_1_are_seen(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "self"
    own.write_text("9:cpu,cpuacct:/docker/7\n4:memory:/docker/7\n0::/docker/7\n")
    here = root / "memory/docker/7"
    here.mkdir(parents=True)
    (here / "memory.limit_in_bytes").write_text(f"{2 * GB}\n")
    (here / "memory.usage_in_bytes").write_text(f"{GB}\n")
    (here / "memory.stat").write_text(f"cache 1\ntotal_inactive_file {GB // 4}\n")
    assert memory.limits(root, own) == [(2 * GB, 3 * GB // 4)]


def test_a_container_sees_its_own_group_at_the_root(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "self"
    own.write_text("0::/kubepods/pod7\n")
    group(root, str(4 * GB), 2 * GB, GB)
    assert memory.limits(root, own) == [(4 * GB, GB)]


def test_a_nearly_full_control_group_leaves_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group(tmp_path, str(64 * 2**20), 60 * 2**20, 0)
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    assert memory.free_memory(CPU) == (4 * 2**20, 64 * 2**20)
