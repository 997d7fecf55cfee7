"""How fast it is: packs of each size beside their floors and a plain loop; ways to convolve."""

import json
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import torch

from evaluation.metrics.higgins import higgins
from evaluation.metrics.support.encoding import Remembering
from tests.benchmarks import convolutions
from tests.benchmarks.gpu.ceilings import median_seconds
from tests.benchmarks.gpu.floors import as_row, floor
from tests.benchmarks.gpu.part import Part
from tests.benchmarks.gpu.rig import LATENTS, configuration, free, new_pack, rig
from tests.benchmarks.plain import PlainLoop
from trainer.config.run import Precision
from trainer.data import Dataset, load
from trainer.device.cuda_graph import WARM_UP
from trainer.device.precision import computing
from trainer.models import Pack

USABLE = 0.8  # of the free memory; a case that would take more is left out
KEPT = 2.5  # what a step keeps, in terms of what its layers put out
CONVOLVING = 0.2  # of the part's time, for the ways to convolve
Rows = list[dict[str, Any]]


def run(part: Part) -> None:
    """Writes the tables, row by row."""
    data = load("dsprites", **part.form.speed_data)
    tables: dict[str, Rows] = {"plain": [], "packs": [], "evaluation": [], "convolutions": []}
    tables["errors"] = []
    kept = CONVOLVING * part.left
    in_order: dict[str, Callable[[], None]] = {
        "plain": lambda: _plain(part, data, tables),
        "evaluation": lambda: _evaluation(part, tables),
        "packs": lambda: _packs(part, data, tables, kept),
        "convolutions": lambda: _convolutions(part, tables),
    }
    for name, work in in_order.items():
        try:
            work()
        except Exception as error:  # the others are worth having all the same
            tables["errors"].append({"table": name, "error": _line(error)})
            part.write(tables)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:300]


def _packs(part: Part, data: Dataset, tables: dict[str, Rows], until_convolutions: float) -> None:
    """Every size of a pack, batch and precision, recorded as a graph and launched step by step."""
    ceilings = _ceilings(part)
    for models, net in product(part.form.models, part.form.nets):
        if part.left < until_convolutions:
            break
        pack = new_pack(part, net, models, data.shape)
        for case in product(part.form.batches, part.form.precisions, (True, False)):
            if part.left < until_convolutions:
                break
            row = {"net": net, "models": models, **dict(zip(CASE, case, strict=True))}
            row |= _measured(part, pack, data, row, ceilings)
            tables["packs"].append(row | _ratios(row, tables))
            part.write(tables)
        free()


CASE = ("batch", "precision", "recorded")


def _ceilings(part: Part) -> dict[str, float]:
    """What the part before has found; nothing where it has not."""
    try:
        found = json.loads((part.out / "ceilings.json").read_text())["a_second"]
    except (OSError, ValueError, KeyError):
        return {}
    return found if {"copied", *part.form.precisions} <= found.keys() else {}


def _measured(
    part: Part, pack: Pack, data: Dataset, row: dict[str, Any], ceilings: dict[str, float]
) -> dict[str, Any]:
    """Milliseconds of a step, images and models · steps a second, beside the floor."""
    net, models, batch, precision = (row[key] for key in ("net", "models", "batch", "precision"))
    least = floor(net, data.shape, models, batch, precision, ceilings or _UNKNOWN)
    if part.on_gpu:
        needed = 16 * least.parameters + 4 * KEPT * least.outputs
        if needed > USABLE * torch.cuda.mem_get_info(part.device)[0]:
            return {"error": f"needs about {needed / 2**30:.0f} GiB"}
    try:
        milliseconds = 1e3 * _step_seconds(part, pack, data, row)
    except RuntimeError as error:  # no memory, or no kernel for a case
        free(pack)
        return {"error": _line(error)}
    found = {
        "milliseconds": milliseconds,
        "models_steps": 1e3 * models / milliseconds,
        "images": 1e3 * models * batch / milliseconds,
    }
    if ceilings:
        found |= as_row(least)
        found["of_floor"] = least.milliseconds / milliseconds
        found["of_memory"] = least.memory / milliseconds
    return found


_UNKNOWN = dict.fromkeys(("copied", "fp32", "tf32", "bf16"), 1.0)


def _step_seconds(part: Part, pack: Pack, data: Dataset, row: dict[str, Any]) -> float:
    config = configuration(row["net"], row["batch"], row["precision"])
    with rig(pack, data, config, row["recorded"]) as one:
        one.train(WARM_UP + 2)
        once = median_seconds(lambda: one.train(1), part.device, repeats=3)
        steps = max(1, int(part.form.seconds / 3 / once))
        return median_seconds(lambda: one.train(steps), part.device, repeats=3) / steps


def _ratios(row: dict[str, Any], tables: dict[str, Rows]) -> dict[str, Any]:
    """Beside the single model, measured alike, and beside the plain loop."""
    found: dict[str, Any] = {}
    if "models_steps" not in row:
        return found
    same = ("net", *CASE)
    for other in (*tables["packs"], row):
        if other["models"] == 1 and "models_steps" in other and _agree(row, other, same):
            found["times_alone"] = row["models_steps"] / other["models_steps"]
    for other in tables["plain"]:
        if _agree(row, other, ("net", "batch")):
            found["times_plain"] = row["models_steps"] / other["models_steps"]
    return found


def _agree(one: dict[str, Any], other: dict[str, Any], keys: tuple[str, ...]) -> bool:
    return all(one[key] == other[key] for key in keys)


def _plain(part: Part, data: Dataset, tables: dict[str, Rows]) -> None:
    """One model in fp32, with a DataLoader, as people publish them."""
    for net, batch in product(part.form.nets, part.form.batches):
        loop = PlainLoop(data, net, LATENTS, batch, str(part.device))
        loop.seconds(WARM_UP)
        steps = max(1, int(2 * part.form.seconds / loop.seconds(1)))
        seconds = loop.seconds(steps) / steps
        row = {"net": net, "batch": batch, "milliseconds": 1e3 * seconds}
        tables["plain"].append(row | {"models_steps": 1 / seconds, "images": batch / seconds})
        part.write(tables)
    free()


def _evaluation(part: Part, tables: dict[str, Rows]) -> None:
    """The Higgins score of a pack, for ten seeds one after another."""
    data = load("dsprites", **part.form.study_data)
    pack = new_pack(part, part.form.architecture, part.form.scored, data.shape)
    seconds = []
    for seed in range(10):
        start = time.perf_counter()
        with torch.no_grad(), computing("fp32", part.device):
            represent = Remembering(lambda x: pack.encode(x)[0], part.device)
            higgins(represent, data, seed=seed, **part.form.evaluation["higgins"])
        seconds.append(time.perf_counter() - start)
    tables["evaluation"].append({"models": pack.size, "seconds": seconds})
    part.write(tables)


def _convolutions(part: Part, tables: dict[str, Rows]) -> None:
    """Forward and backward of eight layers by each way, with repeatable results and without."""
    ways = convolutions.WAYS
    for case in product(part.form.convolved, CONVOLVED, (True, False), ways):
        if part.left < 2 * part.form.seconds:
            break
        row: dict[str, Any] = dict(
            zip(("models", "precision", "deterministic", "way"), case, strict=True)
        )
        try:
            row["milliseconds"] = 1e3 * _convolving_seconds(part, *case)
        except RuntimeError as error:  # a way that a device has no kernels or no memory for
            row["error"] = _line(error)
        tables["convolutions"].append(row)
        part.write(tables)
        free()


CONVOLVED: tuple[Precision, ...] = ("tf32", "bf16")


def _convolving_seconds(
    part: Part, models: int, precision: Precision, deterministic: bool, way: str
) -> float:
    layers = convolutions.parameters(models, str(part.device))
    side = part.form.speed_data.get("size", 64)
    x = torch.rand(models, part.form.batches[0], 1, side, side, device=part.device)

    def work() -> None:
        convolutions.step(convolutions.WAYS[way], layers, x, precision == "bf16")

    with computing(precision, part.device):
        torch.backends.cudnn.deterministic = deterministic
        return median_seconds(work, part.device, repeats=3)
