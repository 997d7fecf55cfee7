"""How much a run of the benchmark does: all of it on a GPU, less of it in a rehearsal on a CPU."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SUBSET = {"orientation": 8, "posX": 8, "posY": 8}  # 9,216 images


@dataclass(frozen=True)
class Form:
    """Sizes of everything.

    tests: what pytest is told to run. speed_data, study_data: options of the data set `dsprites`.
    nets, models, batches, precisions: of the table of speeds. seconds: of one measurement.
    convolved: numbers of models of the table of convolutions. side: of the matrices that are
        multiplied; copied: bytes that are copied.
    architecture, latents, betas, seeds, optimizer, batch: of the study. most_steps: of it, at most.
    evaluation: what the study's models are scored by. encoded: images that are scored, to time it.
    """

    tests: tuple[str, ...]
    speed_data: Mapping[str, Any]
    study_data: Mapping[str, Any]
    nets: tuple[str, ...]
    models: tuple[int, ...]
    batches: tuple[int, ...]
    precisions: tuple[str, ...]
    seconds: float
    convolved: tuple[int, ...]
    side: int
    copied: int
    architecture: str
    latents: tuple[int, ...]
    betas: tuple[float, ...]
    seeds: int
    optimizer: Mapping[str, Any]
    batch: int
    most_steps: int
    scored: int
    evaluation: Mapping[str, Any] = field(
        default_factory=lambda: {"higgins": {"protocol": "paper"}}
    )


# what has tests with the mark `gpu`; others may import what a bare machine lacks
MARKED = (
    "tests/trainer/device",
    "tests/trainer/objectives",
    "tests/trainer/training",
    "tests/evaluation/test_evaluate_runs.py",
)
BETAS = (0.25, 0.5, 1, 2, 4, 8, 16, 32)

# latents, β and seeds are those of sweeps/dsprites_grid.yaml, in the order of what is worth most
# should the time run out
FULL = Form(
    tests=("-m", "gpu", "-n", "8", *MARKED),
    speed_data={"factors": SUBSET},
    study_data={},
    nets=("fc1200", "burgess"),
    models=(1, 32, 64, 16, 4),
    batches=(64, 512),
    precisions=("tf32", "fp32", "bf16"),
    seconds=0.25,
    convolved=(1, 16, 64),
    side=8192,
    copied=2**31,
    architecture="fc1200",
    latents=(10, 5, 20),
    betas=BETAS,
    seeds=5,
    optimizer={"name": "adagrad", "lr": 0.01},
    batch=64,
    most_steps=300_000,
    scored=10,
)
SMALL = Form(
    tests=("-n", "0", "tests/trainer/training/test_packs.py", "-k", "cpu or differ"),
    speed_data={"size": 32, "factors": SUBSET},
    study_data={"size": 16, "factors": {"orientation": 4, "posX": 8, "posY": 8}},
    nets=("mlp", "burgess"),
    models=(1, 4),
    batches=(8,),
    precisions=("fp32",),
    seconds=0.05,
    convolved=(1, 2),
    side=256,
    copied=2**20,
    architecture="mlp",
    latents=(4, 2, 6),
    betas=BETAS,
    seeds=3,
    optimizer={"name": "adam", "lr": 0.003},
    batch=16,
    most_steps=2_000,
    scored=2,
    evaluation={"higgins": {"protocol": "paper", "train": 1_000, "test": 1_000}},
)
TINY = dataclasses.replace(
    SMALL,
    tests=("-n", "0", "tests/trainer/training/test_batches.py", "-k", "unpacking or named"),
    nets=("mlp",),
    models=(1, 2),
    batches=(2,),
    seconds=0.01,
    convolved=(1,),
    latents=(3, 2),
    betas=(1, 4, 16),
    seeds=2,
    most_steps=50,
    evaluation={"higgins": {"protocol": "paper", "train": 100, "test": 100, "images": 500}},
)
FORMS = {"full": FULL, "small": SMALL, "tiny": TINY}
