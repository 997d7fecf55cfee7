"""Trains runs in as many packs as memory requires, one after another."""

import gc
import logging
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import torch

from trainer.config.run import Precision, RunConfig
from trainer.data.dataset import Dataset
from trainer.device import allocator
from trainer.errors import UserError
from trainer.run_folder import RunFolder, read_record
from trainer.training import checkpoints
from trainer.training.fastest_pack import fastest_size
from trainer.training.fastest_precision import fastest
from trainer.training.history import History
from trainer.training.loop import PackProgress, Training, check_one_pack, pick_device
from trainer.training.pack_size import pack_size

_log = logging.getLogger(__name__)
# in torch's messages about exhausted memory that have no exception class
_SIGNS = ("can't allocate memory", "out of memory", "bad_alloc", "ALLOC_FAILED")

T = TypeVar("T")
Places = tuple[int, ...]  # indices of a pack's runs among all
Paused = Callable[[Training], object]  # is passed a pack at the step at which it pauses


class Series:
    """Trains models that could be one `Training` in packs that fit into free memory.

    Used like `Training`. It first measures how much memory a model needs and how fast models train
    together and in turn, then makes the packs that fit and train fastest; it also measures which
    precision `auto` stands for. A pack that still runs out of memory is halved, and the halves
    resume from its newest checkpoint: packs do not change results, so nothing saved is lost.

    configs, folders, device, checkpoint_seconds: as for `Training`.
    share: the fraction of the machine's or GPU's memory for this process, in (0, 1].
    end_collapsed: the share of the steps after which models without a latent in use are stopped,
        with a checkpoint; see `collapsed`.
    until: the step at which packs pause, with a checkpoint, instead of training to the end.
    paused: is passed each pack when it pauses.

    Raises UserError like `Training`, and if there is not enough memory for a single model.
    """

    def __init__(
        self,
        configs: Sequence[RunConfig],
        data: Dataset,
        folders: Sequence[Path],
        *,
        device: str = "auto",
        checkpoint_seconds: float = 300,
        share: float = 1.0,
        end_collapsed: float | None = None,
        until: int | None = None,
        paused: Paused = lambda training: None,
    ):
        check_one_pack(configs, folders)
        self._configs, self._data, self.steps = configs, data, configs[0].steps
        self._device, self._checkpoint_seconds = pick_device(device), checkpoint_seconds
        self.runs = [RunFolder.of(c, f, data) for c, f in zip(configs, folders, strict=True)]
        self._records = {run.id: record for run in self.runs if (record := read_record(run))}
        left = [k for k, run in enumerate(self.runs) if run.id not in self._records]
        self._steps = {k: max(checkpoints.steps(self.runs[k].folder), default=0) for k in left}
        self._until, self._paused = self.steps if until is None else until, paused
        self._seconds = 0.0  # of finished packs
        self.collapsed: dict[str, int] = {}  # run id -> step at which it was stopped
        every = History(0, self.steps).every  # the check is at the end of a window
        windows = math.ceil((end_collapsed or 0.0) * self.steps / every)
        self._check_step = windows * every if end_collapsed else None
        allocator.keep_freed()
        self._training: Training | None = None
        self._pack: Places = ()
        size = self._pack_size(share) if len(left) > 1 else 1
        self._waiting = deque(cut(self._started_together(left), size))
        self._precision = self._fastest() if configs[0].precision == "auto" and left else None
        # packs that were started resume as they were, but those that paused lost some of their runs
        if self._waiting and (until is not None or not any(self._steps.values())):
            self._waiting = deque(cut(self._waiting, self._fastest_size()))
        if left:
            self._begin()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train, before packs pause."""
        return not self._waiting and (self._training is None or self._pack_is_over)

    @property
    def step(self) -> int:
        """Steps done, averaged over the models to train."""
        return self.progress().step

    def advance(self, seconds: float) -> PackProgress:
        """Trains for about `seconds`, at most to the end of one pack; saves when due."""
        if self._training is None and self._waiting:
            self._begin()
        self._stop_collapsed()  # when resuming at the check
        if self._training and not _had_memory(partial(self._train, seconds)):
            self._halve()
        self._stop_collapsed()
        progress = self.progress()
        if self._waiting and self._training is not None and self._pack_is_over:
            self._end()
        return progress

    @property
    def _pack_is_over(self) -> bool:
        """Whether the current pack has been trained, or has to pause."""
        training = self._training
        return training is None or training.finished or training.step >= self._until

    def progress(self) -> PackProgress:
        """The progress, without training; only the current pack has losses."""
        loss: list[float | None] = [None] * len(self.runs)
        failed: list[int | None] = [None] * len(self.runs)
        seconds = self._seconds
        if self._training is not None:
            of_pack = self._training.progress()
            seconds += of_pack.seconds
            for place, k in enumerate(self._pack):
                loss[k], failed[k] = of_pack.loss[place], of_pack.failed[place]
                self._steps[k] = of_pack.step
        done = sum(self._steps.values()) // len(self._steps) if self._steps else self.steps
        return PackProgress(done, self.steps, seconds, tuple(loss), tuple(failed))

    def save(self) -> None:
        """Writes a checkpoint of the current pack. Raises UserError on a full disk."""
        if self._training is not None:
            self._training.save()

    def finish(self) -> list[dict[str, Any]]:
        """Writes the last pack's final files, or pauses it; returns all ended runs' records.

        Raises RuntimeError before training is finished, UserError if a file cannot be written.
        """
        if not self.finished:
            raise RuntimeError(
                f"training is at step {self.step} of {self.steps}; call advance() to the end first"
            )
        self._end()
        return [self._records[run.id] for run in self.runs if run.id in self._records]

    def _train(self, seconds: float) -> None:
        """Trains the current pack, but not beyond the check for collapsed models, or a pause."""
        assert self._training is not None
        step = self._training.step
        ends = [end for end in (self._check_step, self._until) if end is not None and end > step]
        if step < self._until:
            self._training.advance(seconds, min(ends) - step)

    def _stop_collapsed(self) -> None:
        """At the check, continues the current pack without the collapsed models.

        Every model is checked at the same step, so the outcome does not depend on the packs.
        """
        training = self._training
        if training is None or training.step != self._check_step or training.finished:
            return
        gone = [k for k, out in zip(self._pack, training.history.collapsed(), strict=True) if out]
        if not gone:
            return
        training.save()
        stay = tuple(k for k in self._pack if k not in gone)
        for k in gone:
            self.collapsed[self.runs[k].id] = training.step
            self._steps[k] = self.steps
        self._seconds += training.seconds if not stay else 0.0
        self._let_go()
        if stay:
            self._waiting.appendleft(stay)

    def _begin(self) -> None:
        """Prepares the next pack, or halves of it."""
        self._pack = self._waiting.popleft()
        if not _had_memory(self._prepare):
            self._halve()

    def _prepare(self) -> None:
        self._training = Training(
            [self._configs[k] for k in self._pack],
            self._data,
            [self.runs[k].folder for k in self._pack],
            device=str(self._device),
            checkpoint_seconds=self._checkpoint_seconds,
            precision=self._precision,
        )

    def _end(self) -> None:
        """Writes the final files of the current pack, or pauses it, and frees its memory."""
        if self._training is None:
            return
        if self._training.finished:
            for record in self._training.finish():
                self._records[record["run"]] = record
        else:
            self._training.save()
            self._paused(self._training)
        self._seconds += self._training.seconds
        self._let_go()

    def _halve(self) -> None:
        """Puts the halves of the current pack, which ran out of memory, at the front of the queue.

        Waiting packs are cut to the same size. Raises UserError for a pack of one.
        """
        pack = self._pack
        self._let_go()
        if len(pack) == 1:
            raise UserError(
                f"not enough memory for a single model ({self.runs[pack[0]].folder}) on "
                f"{self._device}; lower batch_size, or run fewer trials at once"
            )
        size = (len(pack) + 1) // 2
        _log.warning("a pack of %d models ran out of memory: continuing in halves", len(pack))
        self._waiting = deque(cut([pack, *self._waiting], size))

    def _let_go(self) -> None:
        """Frees the memory of the current pack."""
        self._training, self._pack = None, ()
        gc.collect()
        allocator.give_back()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _pack_size(self, share: float) -> int:
        """The largest pack to make; 1 if even the probe runs out of memory."""
        return _unless_out_of_memory(
            lambda: pack_size(self._configs[0], self._data, self._device, share), 1
        )

    def _fastest(self) -> Precision | None:
        """The precision in which the first pack trains fastest; None if memory runs out."""
        pack = [self._configs[k] for k in self._waiting[0]]
        return _unless_out_of_memory(lambda: fastest(pack, self._data, self._device), None)

    def _fastest_size(self) -> int:
        """The size of pack that trains fastest, at most the largest; 1 if memory runs out."""
        pack = [self._configs[k] for k in max(self._waiting, key=len)]
        if len(pack) == 1:
            return 1
        return _unless_out_of_memory(
            lambda: fastest_size(pack, self._data, self._device, self._precision), 1
        )

    def _started_together(self, left: Sequence[int]) -> list[Places]:
        """The runs in order; those that share a checkpoint form one pack, which resumes as is."""
        packs: list[list[int]] = []
        common: set[int] = set()
        for k in left:
            steps = set(checkpoints.steps(self.runs[k].folder))
            if packs and (common & steps or not (common or steps)):
                packs[-1].append(k)
                common &= steps
            else:
                packs.append([k])
                common = steps
        return [tuple(pack) for pack in packs]


def cut(packs: Iterable[Places], largest: int) -> list[Places]:
    """The packs, with those larger than `largest` cut into parts of nearly equal size."""
    parts = []
    for pack in packs:
        count = -(-len(pack) // largest)
        ends = [len(pack) * i // count for i in range(count + 1)]
        parts += [pack[a:b] for a, b in pairwise(ends)]
    return parts


def out_of_memory(error: Exception) -> bool:
    """Whether the error means that memory ran out, on a GPU or on the machine."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)
    )


def _unless_out_of_memory(measure: Callable[[], T], otherwise: T) -> T:
    """What `measure` returns; `otherwise` if memory ran out."""
    found = [otherwise]
    _had_memory(lambda: found.append(measure()))
    return found[-1]


def _had_memory(work: Callable[[], object]) -> bool:
    """Calls `work`; False if memory ran out. Other errors are raised."""
    try:
        work()
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        return False  # by now the traceback is gone, and with it the arrays that it kept alive
    return True
