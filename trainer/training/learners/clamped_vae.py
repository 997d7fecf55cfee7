"""How DC-IGN is trained (Kulkarni et al. 2015): like a VAE, from clamped minibatches."""

from collections.abc import Mapping, Sequence

import torch

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, suggestion
from trainer.data.dataset import Dataset
from trainer.errors import UserError
from trainer.models.pack import Pack
from trainer.objectives.dc_ign import ClampingOptions
from trainer.training.learners.clamped_batches import ClampedBatches
from trainer.training.learners.learner import Learning
from trainer.training.learners.vae import VaeLearner


def clamped_batches(
    data: Dataset,
    latents: int,
    options: ClampingOptions,
    seeds: Sequence[int],
    batch: int,
    device: torch.device,
) -> ClampedBatches:
    """The batches of a run. Raises UserError for data without labels, or too few latents."""
    sizes = layout(data, latents, options)
    for name in options.shares or {}:
        if name not in sizes:
            raise FieldError(
                f"unknown factor{suggestion(name, sizes)}", ("objective_options", "shares", name)
            )
    shares = [(options.shares or {}).get(name, 1.0) for name in sizes]
    return ClampedBatches(data, sizes, shares, seeds, latents, batch, device)


def layout(data: Dataset, latents: int, options: ClampingOptions) -> Mapping[str, int]:
    """Number of latents per factor. Raises UserError if they do not add up."""
    known = {name: 1 for name, classes in data.factors.items() if classes > 1}
    if not known:
        raise UserError(
            f"objective 'dc_ign' learns from labels, but data set '{data.name}' has none; "
            "set its option `labels` to a table, or use another objective"
        )
    where = ("objective_options", "factors")
    sizes = dict(known if options.factors is None else options.factors)
    for name in sizes:
        if name not in known:
            raise FieldError(f"unknown factor{suggestion(name, known)}", (*where, name))
    over = latents - sum(sizes.values())
    if over < 0:
        raise FieldError(f"{sizes} needs {latents - over} latents, but latents is {latents}", where)
    if options.factors is None:
        sizes[next(iter(sizes))] += over
    return sizes


def _learner(
    pack: Pack, configs: Sequence[RunConfig], data: Dataset, device: torch.device
) -> VaeLearner:
    batches = clamped_batches(
        data,
        pack.latents,
        pack.objective_options,
        [config.seed for config in configs],
        configs[0].batch_size,
        device,
    )
    return VaeLearner(pack, configs, data, device, batches)


def _check(config: RunConfig, options: ClampingOptions, data: Dataset) -> None:
    clamped_batches(data, config.latents, options, [config.seed], 1, torch.device("cpu"))


CLAMPED_VAE = Learning(_learner, _check)
