"""What a step is made of: the kernels that take longest, and the gaps between them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from tests.benchmarks.gpu.part import Part
from tests.benchmarks.gpu.rig import configuration, free, new_pack, rig
from trainer.data import load
from trainer.device.cuda_graph import WARM_UP

CASES, STEPS, TOP = 2, 10, 15


@dataclass(frozen=True)
class Kernel:
    """One that ran, from `start` to `end` in microseconds."""

    name: str
    start: float
    end: float


def run(part: Part) -> None:
    """Writes the table of each of the slowest cases."""
    data = load("dsprites", **part.form.speed_data)
    tables: list[dict[str, Any]] = []
    for case in slowest(_rows(part)):
        if tables and part.left < 5 * part.form.seconds:
            break
        pack = new_pack(part, case["net"], case["models"], data.shape)
        config = configuration(case["net"], case["batch"], case["precision"])
        with rig(pack, data, config, recorded=True) as one:
            one.train(WARM_UP + 2)
            kind = ProfilerActivity.CUDA if part.on_gpu else ProfilerActivity.CPU
            with profile(activities=[kind]) as recording:
                one.train(STEPS)
        tables.append({**case, **table(kernels(recording, part.on_gpu), STEPS)})
        part.write({"cases": tables})
        del pack
        free()


def slowest(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases that are furthest from their floors, of packs that are trained from a recording."""
    packs = [row for row in rows if row["models"] > 1 and row["recorded"] and "milliseconds" in row]
    packs.sort(key=lambda row: row.get("of_floor", -row["milliseconds"]))
    keys = ("net", "models", "batch", "precision", "milliseconds", "of_floor")
    found: dict[str, dict[str, Any]] = {}
    for row in packs:  # of two nets, where there are two
        found.setdefault(row["net"], {key: row.get(key) for key in keys})
    return list(found.values())[:CASES]


def kernels(recording: profile, on_gpu: bool) -> list[Kernel]:
    """Those of the device, in the order of their start."""
    kind = DeviceType.CUDA if on_gpu else DeviceType.CPU
    found = [
        Kernel(event.name, event.time_range.start, event.time_range.end)
        for event in recording.events() or ()
        if event.device_type == kind and event.time_range.end > event.time_range.start
    ]
    return sorted(found, key=lambda kernel: kernel.start)


def table(found: Sequence[Kernel], steps: int) -> dict[str, Any]:
    """Kernels by the time that they take, and the time in which none ran.

    busy: share of the time from the first start to the last end in which one ran. Times are in
    microseconds a step.
    """
    if not found:
        return {"kernels": [], "busy": None}
    times, calls = defaultdict[str, float](float), defaultdict[str, int](int)
    gaps, end = [], found[0].start
    for kernel in found:
        times[kernel.name] += kernel.end - kernel.start
        calls[kernel.name] += 1
        if kernel.start > end:
            gaps.append(kernel.start - end)
        end = max(end, kernel.end)
    whole = end - found[0].start
    top = sorted(times, key=lambda name: -times[name])[:TOP]
    return {
        "microseconds": whole / steps,
        "busy": 1 - sum(gaps) / whole,
        "kernels_a_step": len(found) / steps,
        "gaps_a_step": len(gaps) / steps,
        "longest_gap": max(gaps, default=0.0),
        "kernels": [
            {
                "name": name[:160],
                "calls": calls[name] / steps,
                "microseconds": times[name] / steps,
                "share": times[name] / sum(times.values()),
            }
            for name in top
        ],
    }


def _rows(part: Part) -> list[dict[str, Any]]:
    """What the part `speed` has found; one case where it has found nothing."""
    try:
        rows = json.loads((part.out / "speed.json").read_text())["packs"]
    except (OSError, ValueError, KeyError):
        rows = []
    form = part.form
    fallback = {"net": form.nets[0], "models": form.models[1], "batch": form.batches[0]}
    fallback |= {"precision": form.precisions[0], "recorded": True, "milliseconds": 0.0}
    return rows if slowest(rows) else [fallback]
