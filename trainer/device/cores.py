"""How many CPU cores this process may use; without importing torch."""

import contextlib
import math
import os
from pathlib import Path


def cores() -> int:
    """The number of cores that this process's affinity and cgroup quota allow, at least 1."""
    count = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    for file in ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"):
        with contextlib.suppress(OSError, ValueError):
            quota, *period = Path(file).read_text().split()
            if not period:
                period = Path(file).with_name("cpu.cfs_period_us").read_text().split()
            if int(quota) > 0:
                count = min(count, math.ceil(int(quota) / int(period[0])))
    return max(1, count)
