"""Trains and scores a few models for a moment, to see how long a sweep takes on this machine."""

import contextlib
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.identity import compares_seeds, with_defaults
from sweeps.costs.timing import ModelKind, TimedPack, kind_of
from sweeps.sweepfile.compatibility import RENDERED
from trainer import cache
from trainer.config.run import RunConfig
from trainer.data.dataset import Dataset

if TYPE_CHECKING:
    import torch

LONGEST = 6.0  # seconds after which no further kind of model is tried, and scoring is given up
MAX_RENDERED = 2**26  # bytes of images that are rendered just to look at them or try a model


@dataclass(frozen=True)
class Probe:
    """What was measured. packs: of each kind of model; without scoring if that takes too long.

    models, memory: of the largest pack, in bytes. seconds: how long measuring took.
    """

    packs: tuple[TimedPack, ...]
    models: int
    memory: int
    seconds: float


def has_few_images(data: Dataset) -> bool:
    """Whether all images can be looked at quickly: they are files, or few have to be rendered."""
    return data.source != RENDERED or len(data) * math.prod(data.shape) <= MAX_RENDERED


def has_images(data: Dataset) -> bool:
    """Whether a model can be tried at once: no images, or few, have to be rendered for it."""
    cached = cache.folder() / f"{data.name}-{data.fingerprint}.npy"
    return has_few_images(data) or cached.exists()


def probe(
    packs: Sequence[Sequence[RunConfig]],
    data: Dataset,
    evaluation: Mapping[str, Mapping[str, Any]],
    *,
    on_gpu: bool,
    threads: int,
) -> Probe:
    """Measures a pack of each kind: of every architecture, its smallest and largest latent size.

    packs: all of a sweep. threads: of a trial on CPU cores.
    """
    import torch

    from trainer.training.pack_size import probe as needs_of

    device = torch.device("cuda" if on_gpu else "cpu")
    data.stored()
    began, before = time.perf_counter(), torch.get_num_threads()
    torch.set_num_threads(threads)
    found: list[TimedPack] = []
    models = memory = 0
    try:
        tried = _ends_of_kinds(packs)
        scoring = _scoring_seconds(tried[0][0], data, evaluation, device)
        began_training = time.perf_counter()
        for configs in tried:
            if found and time.perf_counter() - began_training > LONGEST:
                break
            seconds = _step_seconds(configs, data, device)
            kind = kind_of(configs[0].as_mapping())
            found.append(TimedPack(kind, 1, seconds, scoring=scoring))
            need = needs_of(configs[0], data, device)
            if need.images + len(configs) * need.model > memory:
                models, memory = len(configs), need.images + len(configs) * need.model
    finally:
        torch.set_num_threads(before)
    return Probe(tuple(found), models, memory, time.perf_counter() - began)


def _ends_of_kinds(packs: Sequence[Sequence[RunConfig]]) -> list[Sequence[RunConfig]]:
    """The largest pack of each kind to try, those with the fewest latents first."""
    largest: dict[ModelKind, Sequence[RunConfig]] = {}
    for configs in packs:
        kind = kind_of(configs[0].as_mapping())
        if len(configs) > len(largest.get(kind, ())):
            largest[kind] = configs
    kinds = sorted(largest, key=lambda kind: kind.latents)
    first = {kind.rest: kind for kind in reversed(kinds)}
    last = {kind.rest: kind for kind in kinds}
    return [largest[kind] for kind in dict.fromkeys([*first.values(), *last.values()])]


def _step_seconds(configs: Sequence[RunConfig], data: Dataset, device: "torch.device") -> float:
    """Seconds per step and model, trained as a trial does: together, or in turn if faster."""
    from trainer.device.precision import offered
    from trainer.training.fastest_pack import is_measured
    from trainer.training.fastest_precision import fastest, step_seconds
    from trainer.training.packing import out_of_memory

    precision = configs[0].precision
    if precision == "auto":
        several = len(offered(device)) > 1
        precision = fastest(configs[:1], data, device) if several else offered(device)[0]
    alone = step_seconds(configs[:1], data, device, precision)
    if len(configs) == 1:
        return alone
    try:
        together = step_seconds(configs, data, device, precision) / len(configs)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        return alone
    return min(alone, together) if is_measured(configs[0]) else together


def _scoring_seconds(
    config: RunConfig,
    data: Dataset,
    evaluation: Mapping[str, Mapping[str, Any]],
    device: "torch.device",
) -> float | None:
    """Seconds that it takes to score one model; None if more than LONGEST."""
    from evaluation.evaluate_runs import evaluate_pack
    from trainer.training.loop import Training

    seeds = 2 if compares_seeds(evaluation) else 1
    configs = [replace(config, seed=seed) for seed in range(seeds)]
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder) / str(seed) for seed in range(seeds)]
        training = Training(configs, data, folders, device=str(device))
        training.advance(0)
        pack = training.pack.eval()
        encode, end, taken = pack.encode, time.perf_counter() + LONGEST, []

        def encode_in_time(images: "torch.Tensor") -> Any:
            if time.perf_counter() > end:
                raise TimeoutError
            return encode(images)

        pack.encode = encode_in_time  # type: ignore[method-assign]
        with contextlib.suppress(TimeoutError):
            for _ in range(2):  # the first time imports libraries, too
                began = time.perf_counter()
                evaluate_pack(pack, data, with_defaults(evaluation))
                taken.append(time.perf_counter() - began)
        return min(taken) / seeds if taken else None
