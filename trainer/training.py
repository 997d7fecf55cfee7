"""The training loop: a pack of models trained together, each as if alone; resumes by itself."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainer import checkpoints
from trainer.batches import Draws, Pixels
from trainer.checkpoints import Checkpoint
from trainer.config import RunConfig
from trainer.data.dataset import Dataset
from trainer.errors import UserError
from trainer.history import History
from trainer.models.pack import Pack
from trainer.objectives import OBJECTIVES, Batch, Terms, objective_options
from trainer.objectives.gaussian import reparametrise
from trainer.objectives.objective import Adversary
from trainer.optimizers import PackedOptimizer
from trainer.records import Run, read_record, write_config, write_record


@dataclass(frozen=True)
class Progress:
    """How far a pack is.

    step, steps: done and to do. seconds: training time so far, over all restarts.
    loss: one a model in the order given, averaged over the last window of steps; None before the
        first, for failed models, and for those that were over before.
    failed: the first step whose loss was not finite, or None, one a model.
    """

    step: int
    steps: int
    seconds: float
    loss: tuple[float | None, ...]
    failed: tuple[int | None, ...]


class Training:
    """K models that share all but seed, beta and learning rate, trained together on `data`.

    Runs that are over are left alone; the others go on from the newest checkpoint they share.

    configs, folders: one a model; each run has its own folder.
    device: "auto" (CUDA where there is one), or any torch device.
    checkpoint_seconds: training time between checkpoints.

        training = Training([config], load("dsprites"), [Path("runs/0")])
        while not training.finished:
            print(training.advance(seconds=10))
        [record] = training.finish()

    Raises UserError for models that do not fit one pack, unknown names, and folders that cannot be
    written to.
    """

    def __init__(
        self,
        configs: Sequence[RunConfig],
        data: Dataset,
        folders: Sequence[Path],
        *,
        device: str = "auto",
        checkpoint_seconds: float = 300,
    ):
        _check_one_pack(configs, folders)
        self.config, self.data = configs[0], data
        self.steps, self.step, self.seconds = self.config.steps, 0, 0.0
        self.device = _pick(device)
        self.runs = [Run.of(c, f, data) for c, f in zip(configs, folders, strict=True)]
        self._records = {run.id: record for run in self.runs if (record := read_record(run))}
        self._active = [run for run in self.runs if run.id not in self._records]
        self._checkpoint_seconds, self._last_save = checkpoint_seconds, 0.0
        self.pack = Pack(self.config, len(self._active), data.shape)
        self._options = objective_options(self.config)
        if self._active:
            self._prepare()
            self._resume()

    def _prepare(self) -> None:
        """Everything as it is before the first step."""
        active = [run.config for run in self._active]
        seeds = [config.seed for config in active]
        self.pack.draw_parameters(seeds)
        self.pack.to(self.device)
        self.parameters = dict(self.pack.named_parameters())
        own, against = _players(self.parameters)
        self.optimizer = PackedOptimizer(own, [config.optimizer for config in active])
        self.adversary = OBJECTIVES[self.config.objective].adversary
        if self.adversary:
            optimizer = self.adversary.optimizer(self._options)
            self.against = PackedOptimizer(against, [optimizer] * len(active))
        self.beta = torch.tensor([config.beta for config in active], device=self.device)
        self.pixels = Pixels(self.data, self.device)
        images = self.config.batch_size * (2 if self.adversary else 1)
        self.draws = Draws(seeds, len(self.data), images, self.config.latents, self.device)
        self.history = History(len(active), self.steps)
        for run in self._active:
            write_config(run)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train: all steps are done, or all models have failed."""
        return (
            not self._active
            or self.step >= self.steps
            or all(failed is not None for failed in self.history.failed)
        )

    def advance(self, seconds: float) -> Progress:
        """Trains for about `seconds`, at least one step, at most to the end; saves when due."""
        last = time.perf_counter()
        end = last + seconds
        while not self.finished:
            terms = self._train_step()
            self.step += 1
            self.history.add(self.step, terms)
            now = time.perf_counter()
            self.seconds, last = self.seconds + now - last, now
            if self.seconds - self._last_save >= self._checkpoint_seconds:
                self.save()
            if now >= end:
                break
        return self.progress()

    def _train_step(self) -> Terms:
        """One optimiser step of all models; their terms before it."""
        indices, noise = self.draws.at(self.step)
        batch_size = self.config.batch_size
        x = self.pixels.at(indices[:, :batch_size])
        with self._precision():
            mu, logvar = (half.float() for half in self.pack.encode(x))
            z = reparametrise(mu, logvar, noise[:, :batch_size])
            decoded = self.pack.decode(z).float()
        batch = Batch(
            x=x,
            decoded=decoded,
            mu=mu,
            logvar=logvar,
            z=z,
            log_px=self.pack.log_likelihood(x, decoded),
            beta=self.beta,
            step=self.step,
            images=len(self.data),
            own=self.pack.objective_own,
            adversary=self.pack.adversary,
        )
        terms = OBJECTIVES[self.config.objective].terms(batch, self._options)
        self.optimizer.step(terms["loss"].sum())  # no model's loss reaches another's parameters
        self.pack.update_likelihood(x, decoded)
        if self.adversary:
            other = indices[:, batch_size:], noise[:, batch_size:]
            terms = {**terms, "adversary": self._adversary_step(self.adversary, z.detach(), *other)}
        return terms

    def _adversary_step(
        self, adversary: Adversary, z: Tensor, indices: Tensor, noise: Tensor
    ) -> Tensor:
        """One step of the adversaries, and their losses before it, (K,)."""
        with torch.no_grad(), self._precision():
            mu, logvar = (half.float() for half in self.pack.encode(self.pixels.at(indices)))
            other = reparametrise(mu, logvar, noise)
        assert self.pack.adversary is not None
        loss = adversary.loss(self.pack.adversary, z, other)
        self.against.step(loss.sum())
        return loss

    def _precision(self) -> torch.autocast:
        bf16 = self.config.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=bf16)

    def progress(self) -> Progress:
        """How far it is, without training."""
        loss: dict[str, float | None] = {}
        failed: dict[str, int | None] = {}
        if self._active:
            ids = [run.id for run in self._active]
            loss = dict(zip(ids, self.history.latest("loss"), strict=True))
            failed = dict(zip(ids, self.history.failed, strict=True))
        return Progress(
            self.step if self._active else self.steps,
            self.steps,
            self.seconds,
            tuple(loss.get(run.id) for run in self.runs),
            tuple(failed.get(run.id) for run in self.runs),
        )

    def save(self) -> None:
        """Writes a checkpoint of every run that is not over. Raises UserError on a full disk."""
        for model, run in enumerate(self._active):
            arrays = {
                **_prefixed("parameter", self._parameters_of(model)),
                **_prefixed("optimizer", self.optimizer.state(model)),
                **_prefixed("against", self.against.state(model) if self.adversary else {}),
                **_prefixed("history", self.history.arrays(model)),
            }
            failed = self.history.failed[model]
            state = Checkpoint(run.id, self.step, self.seconds, failed, arrays)
            checkpoints.write(run.folder, state)
        self._last_save = self.seconds

    def _resume(self) -> None:
        """Goes on from the newest step that all unfinished runs have a whole checkpoint of."""
        saved = checkpoints.read_common(
            [run.folder for run in self._active], [run.id for run in self._active]
        )
        if saved is None:
            return
        self.step, self.seconds = saved[0].step, saved[0].seconds
        self._last_save = self.seconds
        for model, checkpoint in enumerate(saved):
            for name, array in _unprefixed("parameter", checkpoint.arrays).items():
                self.parameters[name].data[model] = array
        self.optimizer.load(self.step, [_unprefixed("optimizer", c.arrays) for c in saved])
        if self.adversary:
            self.against.load(self.step, [_unprefixed("against", c.arrays) for c in saved])
        self.history.load(
            [_unprefixed("history", c.arrays) for c in saved],
            [c.failed for c in saved],
            self.device,
        )

    def finish(self) -> list[dict[str, Any]]:
        """Writes each run's final files; the records (training.json), one a model in order.

        Raises RuntimeError before training is finished, UserError when a file cannot be written.
        """
        if not self.finished:
            raise RuntimeError(
                f"training is at step {self.step} of {self.steps}: advance() to the end first"
            )
        for model, run in enumerate(self._active):
            self._records[run.id] = write_record(
                run,
                self._parameters_of(model),
                self.history.table(model),
                reason=self._failure(model),
                steps=self.step,
                seconds=self.seconds,
                device=_describe(self.device),
            )
            checkpoints.delete(run.folder)
        return [self._records[run.id] for run in self.runs]

    def _failure(self, model: int) -> str | None:
        failed = self.history.failed[model]
        if failed is not None:
            return f"loss is not finite at step {failed}"
        if not all(array.isfinite().all() for array in self._parameters_of(model).values()):
            return f"parameters are not finite after step {self.step}"
        return None

    def _parameters_of(self, model: int) -> dict[str, Tensor]:
        return {name: parameter.detach()[model] for name, parameter in self.parameters.items()}


def train(
    configs: Sequence[RunConfig],
    data: Dataset,
    folders: Sequence[Path],
    *,
    device: str = "auto",
    on_progress: Callable[[Progress], None] | None = None,
) -> list[dict[str, Any]]:
    """Trains a pack to its end, telling `on_progress` every second; records as Training.finish."""
    training = Training(configs, data, folders, device=device)
    while not training.finished:
        progress = training.advance(seconds=1)
        if on_progress:
            on_progress(progress)
    return training.finish()


def _check_one_pack(configs: Sequence[RunConfig], folders: Sequence[Path]) -> None:
    if not configs:
        raise UserError("no models to train; give at least one configuration")
    if len(set(folders)) != len(configs):
        raise UserError(f"{len(configs)} models need as many folders, all different; got {folders}")
    first = configs[0]
    for config in configs[1:]:
        rate = replace(config.optimizer, lr=first.optimizer.lr)
        if replace(config, seed=first.seed, beta=first.beta, optimizer=rate) != first:
            raise UserError(
                "the models of a pack may differ in seed, beta and optimizer.lr alone; "
                f"{config} does not fit {first}"
            )


def _players(
    parameters: Mapping[str, nn.Parameter],
) -> tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]]:
    """What the objective's optimiser trains, and what the adversary's does."""
    trained = {name: p for name, p in parameters.items() if p.requires_grad}
    against = {name: p for name, p in trained.items() if name.startswith("adversary.")}
    return {name: p for name, p in trained.items() if name not in against}, against


def _pick(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=device)
        return torch.device(device)
    except (RuntimeError, AssertionError) as error:  # a CPU-only torch asserts
        problem = str(error).splitlines()[0]
        raise UserError(f"cannot use device {device!r}: {problem}; try 'auto' or 'cpu'") from None


def _describe(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _prefixed(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def _unprefixed(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {
        name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)
    }
