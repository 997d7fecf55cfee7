"""A run's state during training, one file per run: packs can be regrouped after a restart."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from trainer.config.run import Precision
from trainer.config.schema import convert
from trainer.files import write_atomically

KEPT = 2  # if killed between the saves of two runs, they share only the older checkpoint


@dataclass(frozen=True)
class Checkpoint:
    """One run after `step` steps.

    run: its id. seconds: training time so far. failed: the step whose loss was not finite, or None.
    precision: in which it has trained and will continue to train.
    arrays: parameters, optimiser state and history by name, on the CPU.
    """

    run: str
    step: int
    seconds: float
    failed: int | None
    precision: Precision
    arrays: Mapping[str, Tensor]


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint, then deletes all but the newest two. Raises UserError."""
    arrays = {name: array.detach().cpu().contiguous() for name, array in checkpoint.arrays.items()}
    header = {
        "run": checkpoint.run,
        "step": str(checkpoint.step),
        "seconds": repr(checkpoint.seconds),
        "failed": "" if checkpoint.failed is None else str(checkpoint.failed),
        "precision": checkpoint.precision,
        "crc32": _checksum(arrays),
    }
    write_atomically(_path(folder, checkpoint.step), save(arrays, header))
    for step in steps(folder)[KEPT:]:
        _path(folder, step).unlink(missing_ok=True)


def read_common(folders: Sequence[Path], runs: Sequence[str]) -> list[Checkpoint] | None:
    """The checkpoints at the latest step for which all runs have an intact one, or None.

    Later ones are deleted: otherwise they would outlive new ones of the same steps. A truncated
    file, or one of another run, is ignored.
    """
    common = set.intersection(*(set(steps(folder)) for folder in folders))
    for step in sorted(common, reverse=True):
        found = [_read(folder, step, run) for folder, run in zip(folders, runs, strict=True)]
        intact = [checkpoint for checkpoint in found if checkpoint is not None]
        if len(intact) == len(folders):
            _delete_later(folders, step)
            return intact
    _delete_later(folders, 0)
    return None


def delete(folder: Path) -> None:
    """Deletes all checkpoints of a run."""
    _delete_later([folder], 0)


def _read(folder: Path, step: int, run: str) -> Checkpoint | None:
    try:
        with safe_open(_path(folder, step), "pt") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header["crc32"] != _checksum(arrays) or header["run"] != run:
            return None
        failed = int(header["failed"]) if header["failed"] else None
        return Checkpoint(
            run=run,
            step=int(header["step"]),
            seconds=float(header["seconds"]),
            failed=failed,
            precision=convert(header["precision"], Precision),
            arrays=arrays,
        )
    except (SafetensorError, OSError, KeyError, ValueError, TypeError):
        return None


def _checksum(arrays: Mapping[str, Tensor]) -> str:
    value = 0
    for name in sorted(arrays):
        value = zlib.crc32(arrays[name].numpy().data, value)
    return str(value)


def _delete_later(folders: Sequence[Path], step: int) -> None:
    for folder in folders:
        for later in steps(folder):
            if later > step:
                _path(folder, later).unlink(missing_ok=True)


def _path(folder: Path, step: int) -> Path:
    return folder / f"checkpoint-{step:09d}.safetensors"


def steps(folder: Path) -> list[int]:
    """Steps of a folder's checkpoints, newest first."""
    stems = (
        path.stem.removeprefix("checkpoint-") for path in folder.glob("checkpoint-*.safetensors")
    )
    return sorted((int(stem) for stem in stems if stem.isdecimal()), reverse=True)
