"""A first sweep file for the user's images: it suits them and takes ten minutes."""

import json
import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.analysis.formatting import duration
from sweeps.search import space
from sweeps.sweepfile import SweepSpec
from sweeps.sweepfile.configure import configure
from trainer.config.normalised_beta import denormalised
from trainer.config.run import DatasetConfig, OptimizerConfig, RunConfig
from trainer.data.dataset import Dataset
from trainer.device.cores import cores
from trainer.errors import UserError

MINUTES = 8  # of training, which leaves time for startup and scoring
BETAS, SEEDS, LATENTS = 6, 4, 10
MIN_STEPS, MAX_STEPS = 300, 20_000
PASSES = 300  # over the images; more have little effect
MANY_PASSES = 5_000  # unlikely to be intended
CENTRE = 0.03  # of beta_norm: where small shapes, digits and colours scored best
SIDES = (32, 64)  # image sides of the convolutional networks


@dataclass(frozen=True)
class Starter:
    """A sweep file to start with. text: YAML. seconds: rough training time on this machine."""

    text: str
    seconds: float
    data: Dataset


def starter(name: str, options: Mapping[str, Any]) -> Starter:
    """A sweep file for the data set `folder` with these options; trains a few steps to time them.

    Raises UserError for images or labels that cannot be used.
    """
    import torch

    from trainer.data import load
    from trainer.likelihoods.automatic import suitable

    gpu = torch.cuda.is_available()
    options = dict(options)
    side = _side(options, gpu)
    if side is not None:
        options["size"] = side
    data = load("folder", **options)
    data.stored()
    small = math.prod(data.shape) <= 1024
    square = data.shape[1] == data.shape[2] and data.shape[1] in SIDES
    architecture = "conv" if square and not small else "mlp"
    batch = 2 ** int(math.log2(min(64, max(2, len(data)))))
    config = RunConfig(
        dataset=DatasetConfig("folder", options),
        latents=LATENTS,
        likelihood=suitable(data),
        architecture=architecture,
        optimizer=OptimizerConfig(lr=1e-3 if architecture == "conv" else 3e-3),
        batch_size=batch,
    )
    per_step = trial_step_seconds(config, data)
    together = 1 if gpu else max(1, min(BETAS, cores()))  # trials at once
    affordable = MINUTES * 60 * together / (BETAS * per_step)
    steps = _round(max(MIN_STEPS, min(MAX_STEPS, affordable, PASSES * len(data) / batch)))
    seconds = steps * BETAS * per_step / together
    return Starter(_text(name, config, data, steps, seconds, gpu), seconds, data)


def remarks_on_cost(spec: SweepSpec, data: Dataset, seconds: float | None = None) -> list[str]:
    """The cost of a sweep with the default number of steps, if its images are few.

    seconds: its training time, if known; else a few steps of the first setting are timed.
    """
    if "steps" in spec.trainer or "steps" in spec.parameters or data.source == "rendered":
        return []
    first = space.active(spec.parameters, space.first(spec.parameters))
    config = configure(spec.dataset, spec.trainer, first, math.prod(data.shape))
    passes = config.steps * config.batch_size / len(data)
    if passes < MANY_PASSES:
        return []
    seeds = len(spec.seed_list)
    if seconds is None:
        each = trial_step_seconds(config, data, seeds) * config.steps
        seconds = each * spec.setting_count / cores()
    return [
        f"trainer.steps is not set: {config.steps:,} steps of {config.batch_size} show each of "
        f"the {len(data):,} images {passes:,.0f} times, and take about {duration(seconds)} "
        f"on this machine for {spec.setting_count * seeds} {config.architecture} models; set "
        "fewer, or let `sweep init` write a suitable file"
    ]


def sweep_name(path: str) -> str:
    """A name for a sweep on the images at `path`."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(path).expanduser().resolve().stem).strip("-._")
    return stem[:60] or "images"


def _side(options: Mapping[str, Any], gpu: bool) -> int | None:
    """The side to resize images to; None where they are small and all of one size."""
    from trainer.data import load

    if "size" in options:
        return None
    left_out = ("labels", "factors")
    found: Any = load("folder", **{k: v for k, v in options.items() if k not in left_out})
    sizes = found.reader.sizes
    if len(sizes) == 1 and max(sizes[0][:2]) <= (64 if gpu else 32):
        return None
    least = min(min(height, width) for height, width, _ in sizes)
    return 64 if gpu and least >= 48 else 32


def trial_step_seconds(config: RunConfig, data: Dataset, seeds: int = SEEDS) -> float:
    """Seconds per step of a trial of `seeds` models, as one of several running in parallel."""
    import torch

    from trainer.likelihoods.automatic import resolved
    from trainer.training.fastest_precision import step_seconds
    from trainer.training.loop import pick_device

    config = resolved(config, data)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        models = [_with_seed(config, seed) for seed in range(seeds)]
        return step_seconds(models, data, pick_device("auto"), "fp32")
    finally:
        torch.set_num_threads(before)


def _with_seed(config: RunConfig, seed: int) -> RunConfig:
    from dataclasses import replace

    return replace(config, seed=seed)


def _round(number: float) -> int:
    """Rounds down to two digits."""
    digits = 10 ** max(0, int(math.log10(number)) - 1)
    return int(number // digits * digits)


def betas(pixels: int, latents: int = LATENTS) -> list[float]:
    """Values of beta, each three times the last, around the one for `pixels`; includes 1."""
    centre = denormalised(CENTRE, latents, pixels)
    first = round(math.log(centre, 3)) - BETAS // 2
    values = [3.0 ** (first + number) for number in range(BETAS)]
    return [float(f"{value:.2g}") for value in values]


def _text(
    name: str, config: RunConfig, data: Dataset, steps: int, seconds: float, gpu: bool
) -> str:
    """The sweep file, with reasons for its choices."""
    options = {"name": "folder", **config.dataset.options}
    lines = [f"  {key}: {_yaml(value)}" for key, value in options.items()]
    pixels = math.prod(data.shape)
    values = ", ".join(f"{value:g}" for value in betas(pixels))
    labelled = "Higgins' where the labels suffice" if data.factors else "no labels: UDR"
    shape = "×".join(map(str, data.shape))
    smaller = "64 shows more, and takes longer" if options.get("size") == 32 else ""
    notes = [f"# {len(data):,} images of {shape}{'; size: ' + smaller if smaller else ''}"]
    if data.factors:
        notes.append(f"# factors: {', '.join(data.factors)} (`factors: [...]` chooses)")
    body = "\n".join([*lines, *(f"  {note}" for note in notes)])
    optimizer = f"{{name: adam, lr: {config.optimizer.lr:g}}}"
    return f"""\
# A first sweep over beta: {BETAS} values, {SEEDS} seeds of each, about {duration(seconds)} of \
training.
# sweep validate {name}.yaml   shows what is read
# sweep run {name}.yaml        trains, and reports which beta is best and how certain that is
name: {name}
dataset:
{body}
method: grid
metric: auto  # {labelled}
parameters:
  latents: {config.latents}
  beta: {{values: [{values}]}}  # around beta_norm {CENTRE:g}; widen it if the best is at an end
seeds: {SEEDS}  # per beta, to show the spread
trainer:
  likelihood: {config.likelihood}  # {_why(config.likelihood)}
  architecture: {config.architecture}
  optimizer: {optimizer}
  batch_size: {config.batch_size}
  steps: {steps}  # shows each image about {steps * config.batch_size / len(data):.0f} times
resources: {{cpu: 1, gpu: {1 if gpu else 0}}}
"""


def _why(likelihood: str) -> str:
    if likelihood == "bernoulli":
        return "pixels are black or white"
    return "learns the noise level: pixels are not purely black and white"


def _yaml(value: Any) -> str:
    """A value in a form that YAML and JSON both read; plain strings without quotes."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_./~][\w./~-]*", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def write(path: Path, text: str) -> None:
    """Writes a new sweep file; checks that it can be read. Raises UserError."""
    from sweeps.sweepfile import load_spec

    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        load_spec(file.name)
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UserError(f"{path} already exists; choose another name with --name") from None
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None


def dataset_options(path: str, labels: str | None, changes: Sequence[str]) -> dict[str, Any]:
    """Options of `folder` from a command line: `size=64`, `range=[0, 16]`. Raises UserError."""
    from trainer.config.yaml_file import Document, override

    given: dict[str, Any] = {"path": path, **({"labels": labels} if labels else {})}
    document = Document("sweep init", "", {"dataset": given})
    for change in changes:
        document = override(document, f"dataset.{change}")
    return dict(document.value["dataset"])
