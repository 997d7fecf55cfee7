"""A small sweep and made-up results, for tests that train nothing or hardly anything."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.identity import evaluation_id
from evaluation.result_file import write_result
from sweeps.plan import Run
from sweeps.run_store import Store
from sweeps.sweepfile import SweepSpec, spec_of
from trainer.data import load
from trainer.data.dataset import Dataset

DATA: Mapping[str, Any] = {
    "name": "dsprites",
    "size": 32,
    "factors": {"shape": [1], "scale": 2, "orientation": 4, "posX": 8, "posY": 8},
}


def a_spec(**keys: Any) -> SweepSpec:
    """Two latent sizes × three betas, two seeds of each; `keys` are put on top, None takes off."""
    values = {
        "name": "made-up",
        "dataset": dict(DATA),
        "method": "grid",
        "parameters": {"latents": {"values": [2, 4]}, "beta": {"values": [1, 4, 16]}},
        "seeds": 2,
        "trainer": {"architecture": "mlp", "steps": 10},
    }
    return spec_of({key: v for key, v in {**values, **keys}.items() if v is not None})


def a_dataset() -> Dataset:
    options = {key: value for key, value in DATA.items() if key != "name"}
    return load(DATA["name"], **options)


def train_made_up(store: Store, data: Dataset, runs: Sequence[Run]) -> None:
    """Real models, as one pack, for runs whose results are made up."""
    from trainer.training.loop import train  # torch, which few of these tests need

    folders = [store.run_folder(run.id) for run in runs]
    train([run.config for run in runs], data, folders, device="cpu")


def write_made_up(
    store: Store,
    spec: SweepSpec,
    data: Dataset,
    run: Run,
    score: float | None,
    metric: str = "higgins",
    seconds: float = 2.5,
) -> None:
    """What a trial leaves: a result with three classifier scores; None for a run that diverged."""
    folder = store.run_folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.json").write_text(
        '{"step": [5, 10], "loss": [3.0, 2.0], "kl_per_latent": [[1.0, 0.5], [1.5, null]]}'
    )
    (folder / "config.json").write_text(json.dumps(run.config.as_mapping()))
    (folder / "model.safetensors").write_bytes(b"weights of " + run.id.encode())
    metrics = {} if score is None else {"score": score, "scores": [score] * 3, "chance": 0.25}
    evaluation = {"measures": {metric: metrics}, "kl": 2.0, "kl_per_latent": [1.5, 0.5]}
    result = {
        "format": 1,
        "run": run.id,
        "config": run.config.as_mapping(),
        "data": {"shape": list(data.shape)},
        "state": "finished" if score is not None else "failed",
        "reason": None if score is not None else "loss is not finite at step 7",
        "training": {"steps": 10, "seconds": seconds, "device": "cpu"},
        "evaluations": {} if score is None else {evaluation_id(spec.evaluation, data): evaluation},
        "files": {},
    }
    write_result(folder, result)
