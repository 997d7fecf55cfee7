"""How many CPU cores there are for this process; without importing torch."""

import contextlib
import math
import os
from pathlib import Path


def cores() -> int:
    """How many cores this process may use: by its affinity and its cgroup's quota."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for file in ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"):
        with contextlib.suppress(OSError, ValueError):
            quota, *period = Path(file).read_text().split()
            if not period:
                period = Path(file).with_name("cpu.cfs_period_us").read_text().split()
            if int(quota) > 0:
                here = min(here, math.ceil(int(quota) / int(period[0])))
    return max(1, here)
