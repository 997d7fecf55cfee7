"""What a run leaves in its folder when it ends: its model, its history and, last, training.json."""

import contextlib
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.config.run import RESULT_FORMAT, Precision, RunConfig, digest
from trainer.config.schema import build
from trainer.data.dataset import Dataset
from trainer.extensions import find
from trainer.files import (
    SEAL,
    parse_json,
    read_plain,
    seal_holds,
    sealed,
    stamp,
    write_atomically,
    write_json,
)
from trainer.objectives import OBJECTIVES
from trainer.run_files import CONFIG_FILE, HISTORY_FILE, MODEL_FILE, RECORD_FILE

if TYPE_CHECKING:
    from torch import Tensor


def run_id(config: RunConfig, data: Dataset) -> str:
    """Name of the run's folder: `RunConfig.identity`, over everything in `data` that training sees.

    This is the pixels, and the labels too if the objective learns from them.
    """
    return run_ids(config, data, [config.seed])[0]


def run_ids(config: RunConfig, data: Dataset, seeds: Sequence[int]) -> list[str]:
    """As `run_id`, for the same configuration with each of these seeds."""
    seen = data.fingerprint
    if find(OBJECTIVES, config, "objective").supervised:
        seen = digest([data.fingerprint, data.labels_fingerprint])
    return config.identities(seen, seeds)


@dataclass(frozen=True)
class RunFolder:
    """One run: its configuration, its folder, its id (a hash of all that affects the result)."""

    config: RunConfig
    folder: Path
    id: str
    data: Mapping[str, Any]

    @classmethod
    def of(cls, config: RunConfig, folder: Path, data: Dataset) -> "RunFolder":
        """The run of `config` on `data`, stored in `folder`."""
        facts = {
            "name": data.name,
            "source": data.source,
            "fingerprint": data.fingerprint,
            "shape": list(data.shape),
            "levels": data.levels,
            "images": len(data),
        }
        return cls(config, Path(folder), run_id(config, data), facts)


def write_config(run: RunFolder) -> None:
    """Writes config.json. Raises UserError if the folder is not writable."""
    write_json(run.folder / CONFIG_FILE, run.config.as_mapping() | {"data": run.data})


def write_record(
    run: RunFolder,
    parameters: "Mapping[str, Tensor] | None",
    history: Mapping[str, list],
    *,
    reason: str | None,
    steps: int,
    seconds: float,
    device: str,
    precision: Precision,
    machine: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Writes the files of a run that has ended, training.json last, and returns its content.

    parameters: of this one model, without a model axis; None to save no model. A failed run saves
        no model.
    reason: why it failed, or None. precision: of its training. machine: what it was trained on, if
        this is to be recorded (`trainer.device.machine`).
    """
    import torch  # here, so that reading a store does not pay for it
    from safetensors.torch import save

    names = [HISTORY_FILE]
    write_json(run.folder / HISTORY_FILE, history)
    if reason is None and parameters is not None:
        arrays = {
            name: array.detach().float().cpu().contiguous() for name, array in parameters.items()
        }
        # a single entry: several could be in any order, so the same run could give different files
        header = {"run": json.dumps({"id": run.id, "config": run.config.as_mapping()})}
        write_atomically(run.folder / MODEL_FILE, save(arrays, header))
        names.append(MODEL_FILE)
    record = {
        "format": RESULT_FORMAT,
        "run": run.id,
        "config": run.config.as_mapping(),
        "data": run.data,
        "state": "finished" if reason is None else "failed",
        "reason": reason,
        "steps": steps,
        "seconds": round(seconds, 3),
        "device": device,
        "precision": precision,
        "torch": torch.__version__,
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(machine or {}),
        "files": {name: stamp(run.folder / name) for name in names},
    }
    write_json(run.folder / RECORD_FILE, sealed(record))
    # as a reader gets it: a tuple of the configuration is a list
    restored: dict[str, Any] = json.loads((run.folder / RECORD_FILE).read_text())
    return restored


def read_record(run: RunFolder) -> dict[str, Any] | None:
    """training.json of a run that has ended; None if there is none or it does not match its files.

    config.json, whose content it repeats, is rewritten if it was changed.
    """
    try:
        record = parse_json(read_plain(run.folder / RECORD_FILE))
        if record["run"] != run.id or not seal_holds(record) or not _is_config(record, run):
            return None
        mend_config(run.folder, record)
        whole = all(_is_whole(run.folder, name, facts) for name, facts in record["files"].items())
        return record if whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # training again is always safe


def _is_config(record: Mapping[str, Any], run: RunFolder) -> bool:
    """Whether the record's configuration is the run's; guaranteed by the id if it is sealed."""
    if SEAL in record:
        return True
    saved = build(RunConfig, record["config"])
    here = dataclasses.replace(saved, dataset=run.config.dataset)  # images may have moved
    return _plain(here) == _plain(run.config)


def _plain(config: RunConfig) -> object:
    return json.loads(json.dumps(dataclasses.asdict(config)))


def mend_config(folder: Path, record: Mapping[str, Any]) -> None:
    """Rewrites config.json if it differs from training.json, `record`.

    Raises UserError if it cannot be written.
    """
    expected = record["config"] | {"data": record["data"]}
    with contextlib.suppress(OSError, ValueError):
        if parse_json(read_plain(folder / CONFIG_FILE)) == expected:
            return
    write_json(folder / CONFIG_FILE, expected)


def _is_whole(folder: Path, name: str, facts: Mapping[str, Any]) -> bool:
    """Whether a file is in the folder itself, and unchanged since it was recorded."""
    return Path(name).name == name and stamp(folder / name) == facts
