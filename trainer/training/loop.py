"""The training loop: trains a pack of models together, each as if alone; resumes by itself."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer.config.run import Precision, RunConfig
from trainer.data.dataset import Dataset
from trainer.device.machine import machine
from trainer.device.precision import computing, offered
from trainer.errors import UserError
from trainer.models.pack import Pack
from trainer.run_folder import RunFolder, read_record, write_config, write_record
from trainer.training import checkpoints
from trainer.training.checkpoints import Checkpoint
from trainer.training.history import History
from trainer.training.learners import LEARNERS
from trainer.training.learners.learner import Learner


@dataclass(frozen=True)
class PackProgress:
    """Progress of a pack.

    step, steps: done and in total. seconds: training time so far, across restarts.
    loss: one per model in the order given, averaged over the last window of steps; None before the
        first, for failed models, and for those that had already ended.
    failed: the first step whose loss was not finite, or None, one per model.
    """

    step: int
    steps: int
    seconds: float
    loss: tuple[float | None, ...]
    failed: tuple[int | None, ...]


class Training:
    """K models that differ only in seed, beta and learning rate, trained together on `data`.

    Runs that have ended are not touched; the others resume from their newest common checkpoint.

    configs, folders: one per model; each run has its own folder.
    device: "auto" (CUDA if available), or any torch device.
    checkpoint_seconds: training time between checkpoints.
    precision: what `auto` stands for in models without a checkpoint; by default the most exact
        that the device offers.

        training = Training([config], load("dsprites"), [Path("runs/0")])
        while not training.finished:
            print(training.advance(seconds=10))
        [record] = training.finish()

    Raises UserError for models that cannot share a pack, unknown names, and folders that are not
    writable.
    """

    def __init__(
        self,
        configs: Sequence[RunConfig],
        data: Dataset,
        folders: Sequence[Path],
        *,
        device: str = "auto",
        checkpoint_seconds: float = 300,
        precision: Precision | None = None,
    ):
        check_one_pack(configs, folders)
        self.config, self.data = configs[0], data
        self.steps, self.step, self.seconds = self.config.steps, 0, 0.0
        self.device = pick_device(device)
        self.runs = [RunFolder.of(c, f, data) for c, f in zip(configs, folders, strict=True)]
        self._records = {run.id: record for run in self.runs if (record := read_record(run))}
        self._active = [run for run in self.runs if run.id not in self._records]
        self._checkpoint_seconds, self._last_save = checkpoint_seconds, 0.0
        self.pack = Pack(self.config, len(self._active), data.shape)
        if self.config.precision == "auto":
            self.pack.precision = precision or offered(self.device)[0]
        if self._active:
            self._prepare()
            self._resume()

    def _prepare(self) -> None:
        """Sets everything up for the first step."""
        configs = [run.config for run in self._active]
        self.pack.draw_parameters([config.seed for config in configs])
        self.pack.to(self.device)
        self.parameters = dict(self.pack.named_parameters())
        learning = LEARNERS[self.pack.objective.learner]
        self.learner: Learner = learning.learner(self.pack, configs, self.data, self.device)
        self.history = History(len(configs), self.steps)
        for run in self._active:
            write_config(run)

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Ids of the runs whose models `pack` has, in order: all that had not ended before."""
        return tuple(run.id for run in self._active)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train: all steps are done, or all models have failed."""
        return (
            not self._active
            or self.step >= self.steps
            or all(failed is not None for failed in self.history.failed)
        )

    def advance(self, seconds: float, steps: int | None = None) -> PackProgress:
        """Trains for about `seconds`: at least one step, at most to the end; saves when due.

        steps: the maximum number of steps, if given.
        """
        last = time.perf_counter()
        end, until = last + seconds, self.steps if steps is None else self.step + steps
        with computing(self.pack.precision, self.device):
            while not self.finished:
                terms = self.learner.step(self.step)
                self.step += 1
                self.history.add(self.step, terms)
                now = time.perf_counter()
                self.seconds, last = self.seconds + now - last, now
                if self.seconds - self._last_save >= self._checkpoint_seconds:
                    self.save()
                if now >= end or self.step >= until:
                    break
            if self.device.type == "cuda":  # steps were launched, but are not yet done
                torch.cuda.synchronize(self.device)
                self.seconds += time.perf_counter() - last
        return self.progress()

    def progress(self) -> PackProgress:
        """The progress, without training."""
        loss: dict[str, float | None] = {}
        failed: dict[str, int | None] = {}
        if self._active:
            ids = [run.id for run in self._active]
            loss = dict(zip(ids, self.history.latest("loss"), strict=True))
            failed = dict(zip(ids, self.history.failed, strict=True))
        return PackProgress(
            self.step if self._active else self.steps,
            self.steps,
            self.seconds,
            tuple(loss.get(run.id) for run in self.runs),
            tuple(failed.get(run.id) for run in self.runs),
        )

    def save(self) -> None:
        """Writes a checkpoint of every unfinished run. Raises UserError on a full disk."""
        for model, run in enumerate(self._active):
            arrays = {
                **_prefixed("parameter", self._parameters_of(model)),
                **_prefixed("history", self.history.arrays(model)),
            }
            for name, optimizer in self.learner.optimizers.items():
                arrays |= _prefixed(name, optimizer.state(model))
            failed, precision = self.history.failed[model], self.pack.precision
            state = Checkpoint(run.id, self.step, self.seconds, failed, precision, arrays)
            checkpoints.write(run.folder, state)
        self._last_save = self.seconds

    def _resume(self) -> None:
        """Resumes from the newest step for which all unfinished runs have an intact checkpoint."""
        saved = checkpoints.read_common(
            [run.folder for run in self._active], [run.id for run in self._active]
        )
        if saved is None:
            return
        self.step, self.seconds = saved[0].step, saved[0].seconds
        self._last_save = self.seconds
        self.pack.precision = saved[0].precision
        for model, checkpoint in enumerate(saved):
            for name, array in _unprefixed("parameter", checkpoint.arrays).items():
                self.parameters[name].data[model] = array
        for name, optimizer in self.learner.optimizers.items():
            optimizer.load(self.step, [_unprefixed(name, c.arrays) for c in saved])
        self.history.load(
            [_unprefixed("history", c.arrays) for c in saved],
            [c.failed for c in saved],
            self.device,
        )

    def finish(self, weights: bool = True) -> list[dict[str, Any]]:
        """Writes each run's final files; returns the records (training.json), one per model.

        weights: whether to save the models, too; if not, only `pack` has them.
        Raises RuntimeError before training is finished, UserError if a file cannot be written.
        """
        if not self.finished:
            raise RuntimeError(
                f"training is at step {self.step} of {self.steps}; call advance() to the end first"
            )
        self.pack.eval()
        place = machine(self.device)
        for model, run in enumerate(self._active):
            self._records[run.id] = write_record(
                run,
                self._parameters_of(model) if weights else None,
                self.history.table(model),
                reason=self._failure(model),
                steps=self.step,
                seconds=self.seconds,
                device=_describe(self.device),
                precision=self.pack.precision,
                machine=place,
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
    on_progress: Callable[[PackProgress], None] | None = None,
) -> list[dict[str, Any]]:
    """Trains a pack to the end, calling `on_progress` every second; returns as Training.finish."""
    training = Training(configs, data, folders, device=device)
    while not training.finished:
        progress = training.advance(seconds=1)
        if on_progress:
            on_progress(progress)
    return training.finish()


def check_one_pack(configs: Sequence[RunConfig], folders: Sequence[Path]) -> None:
    """Raises UserError for models that cannot be trained together."""
    if not configs:
        raise UserError("no models to train; specify at least one configuration")
    if len(set(folders)) != len(configs):
        raise UserError(
            f"{len(configs)} models need {len(configs)} different folders, got {folders}"
        )
    first = configs[0]
    for config in configs[1:]:
        rate = replace(config.optimizer, lr=first.optimizer.lr)
        if replace(config, seed=first.seed, beta=first.beta, optimizer=rate) != first:
            raise UserError(
                "the models of a pack may differ only in seed, beta and optimizer.lr; "
                f"{config} does not fit {first}"
            )


def pick_device(device: str) -> torch.device:
    """The device of that name; for "auto", CUDA if available. Raises UserError."""
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
