"""Whether it is true: Higgins et al. 2017, Fig. 5 right, at the scale that the time allows.

All β and seeds of a latent size train as one pack. As many steps are taken as fit, worked out from
a few seconds of the first pack; models are scored where they are, and kept without their weights.
What is done is packed into one archive after each latent size: a store of sweeps/run_store.py.
"""

import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from evaluation.evaluate_runs import evaluate, evaluate_pack
from sweeps.metric_plan import MetricPlan, plan_metrics
from sweeps.plan import Run, Setting, load_data, runs_of
from sweeps.run_store import Store
from sweeps.search import space
from sweeps.sweepfile import SweepSpec, spec_of
from sweeps.trials.picture import draw_traversals
from tests.benchmarks.gpu.part import Part
from tests.benchmarks.gpu.read import ARCHIVE, NAME
from tests.benchmarks.gpu.rig import free
from trainer.data.dataset import Dataset
from trainer.run_files import TRAVERSAL_FILE
from trainer.training.loop import Training

MOST_BYTES = 14 * 2**20  # of the archive
TRIED = 3.0  # seconds that steps are counted in, at most
USED = 0.85  # of the time; a later pack may be slower than the first
SPARE = 1.3  # times what it took to make and to score the first pack
FEWEST = 50  # steps; rather than train less, a latent size is left out


def run(part: Part) -> None:
    """Writes study.json and the archive, latent size by latent size."""
    precision = "tf32" if part.on_gpu else "fp32"  # nearly exact, and weights move as fast as bf16
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        store.prepare()
        rough = spec(part, 10**6, precision, part.form.latents)
        data = load_data(rough)
        data.stored()
        figures = _tried(part, rough, data)
        figures |= {"precision": precision, "models": 0, "packs": []}
        steps, sizes = fitting(part, figures)
        figures |= {"steps": steps, "latents": list(sizes)}
        if steps < 1:
            part.write(figures | {"problem": "no time is left for a single step"})
            return
        final = spec(part, steps, precision, sizes)
        store.save_spec(final)
        for latents in sizes:
            found = _pack(part, final, data, store, latents, figures)
            figures["packs"].append(found)
            figures["models"] += found.get("models", 0)
            figures["archive"] = _archive(part, store)
            part.write(figures)
            free()
            if found["state"] != "done":
                break


def spec(part: Part, steps: int, precision: str, sizes: Sequence[int]) -> SweepSpec:
    """The study as a sweep, of these latent sizes."""
    form = part.form
    return spec_of(
        {
            "name": NAME,
            "dataset": {"name": "dsprites", **form.study_data},
            "method": "grid",
            "parameters": {
                "latents": {"values": list(sizes)},
                "beta": {"values": list(form.betas)},
            },
            "seeds": form.seeds,
            "trainer": {
                "objective": "beta_vae",
                "architecture": form.architecture,
                "optimizer": dict(form.optimizer),
                "batch_size": form.batch,
                "steps": steps,
                "precision": precision,
            },
            "evaluation": dict(form.evaluation),
            "resources": {"gpu": int(part.on_gpu), "cpu": 1},
        }
    )


def _tried(part: Part, rough: SweepSpec, data: Dataset) -> dict[str, Any]:
    """Seconds that a pack takes: to be made, for each step, and to be scored as it is."""
    start = time.perf_counter()
    runs = [
        run for _, of_setting in _settings(rough, data, part.form.latents[0]) for run in of_setting
    ]
    with tempfile.TemporaryDirectory() as folder:
        training = _training(part, runs, data, Path(folder))
        made = time.perf_counter() - start
        training.advance(min(TRIED, part.left / 40))
        before, start = training.step, time.perf_counter()
        training.advance(min(TRIED, part.left / 20))
        each = (time.perf_counter() - start) / (training.step - before)
        start = time.perf_counter()
        training.pack.eval()
        evaluate_pack(training.pack, data, plan_metrics(rough, data).evaluation)
        scored = time.perf_counter() - start
    del training
    free()
    return {"seconds_to_make": made, "seconds_to_score": scored, "seconds_a_step": each}


def fitting(part: Part, taken: dict[str, Any]) -> tuple[int, tuple[int, ...]]:
    """How many steps fit, and of which latent sizes: the first ones, where time is short."""
    sizes = part.form.latents
    for count in range(len(sizes), 0, -1):
        of_pack = USED * part.left / count
        of_pack -= SPARE * (taken["seconds_to_make"] + taken["seconds_to_score"])
        steps = min(int(of_pack / taken["seconds_a_step"]), part.form.most_steps)
        if steps >= FEWEST:
            break
    return steps, sizes[:count]


def _pack(
    part: Part,
    of: SweepSpec,
    data: Dataset,
    store: Store,
    latents: int,
    figures: dict[str, Any],
) -> dict[str, Any]:
    """Trains, scores and keeps all models of a latent size; how that went."""
    settings = _settings(of, data, latents)
    runs = [run for _, of_setting in settings for run in of_setting]
    start = time.perf_counter()
    training = _training(part, runs, data, store.path("runs"))
    while not training.finished:
        progress = training.advance(1.0)
        if part.left < figures["seconds_to_score"]:
            return {"latents": latents, "state": "cut off", "step": progress.step}
    records = training.finish(weights=False)
    trained = time.perf_counter() - start
    plan = plan_metrics(of, data)
    folders = [store.run_folder(run.id) for run in runs]
    results = evaluate(folders, data, plan.evaluation, pack=training.pack)
    draw_traversals(training.pack, folders, data)
    for setting, of_setting in settings:
        store.record_setting(of, setting, of_setting)
    return {
        "latents": latents,
        "state": "done",
        "models": len(runs),
        "failed": sum(record["state"] == "failed" for record in records),
        "seconds_to_train": trained,
        "seconds_in_all": time.perf_counter() - start,
        "scores": _scores(settings, results, plan),
    }


def _scores(
    settings: Sequence[tuple[Setting, tuple[Run, ...]]],
    results: Sequence[dict[str, Any]],
    plan: MetricPlan,
) -> list[dict[str, Any]]:
    """Mean score and reconstruction of each setting, to look at before the store is unpacked."""
    by_run = {result["run"]: result for result in results}
    rows = []
    for setting, runs in settings:
        identity = plan.identity(run.id for run in runs)
        found = [by_run[run.id]["evaluations"].get(identity) for run in runs]
        whole = [figures for figures in found if figures is not None]
        scores = [figures["measures"][plan.metric]["score"] for figures in whole]
        row = {**setting.parameters, "seeds": len(whole)}
        if whole and None not in scores:
            row |= {
                plan.metric: mean(scores),
                "reconstruction": mean(figures["reconstruction"] for figures in whole),
                "kl": mean(figures["kl"] for figures in whole),
            }
        rows.append(row)
    return rows


def _settings(of: SweepSpec, data: Dataset, latents: int) -> list[tuple[Setting, tuple[Run, ...]]]:
    """The settings of a latent size, each with its runs."""
    return [
        (Setting(number, point), runs_of(of, data, point))
        for number, point in enumerate(space.grid(of.parameters))
        if point["latents"] == latents
    ]


def _training(part: Part, runs: Sequence[Run], data: Dataset, root: Path) -> Training:
    return Training(
        [run.config for run in runs],
        data,
        [root / run.id for run in runs],
        device=str(part.device),
        checkpoint_seconds=float("inf"),
    )


def _archive(part: Part, store: Store) -> dict[str, Any]:
    """Packs the store; without its pictures where it would be too large with them."""
    path = part.out / ARCHIVE
    for pictures in (True, False):
        partial = path.with_suffix(".partial")
        with tarfile.open(partial, "w:gz") as archive:
            for folder in ("runs", "sweeps"):
                archive.add(store.path(folder), folder, filter=_wanted(pictures))
        if partial.stat().st_size <= MOST_BYTES:
            break
    partial.replace(path)
    return {"bytes": path.stat().st_size, "pictures": pictures}


def _wanted(pictures: bool) -> Any:
    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = Path(member.name).name
        return None if name.startswith(".") or (name == TRAVERSAL_FILE and not pictures) else member

    return wanted
