"""Evaluates trained models: every metric for a whole pack at once, then one result.json per run."""

import copy
import dataclasses
import inspect
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evaluation.health import DIVERGED, Health, health, live, read_history
from evaluation.identity import (
    DEFAULT_EVALUATION,
    compares_seeds,
    evaluation_ids,
    setting_of,
    with_defaults,
)
from evaluation.result_file import read_record, read_result, write_result
from trainer.config.run import PACK_KEYS, RESULT_FORMAT, digest
from trainer.data.dataset import Dataset
from trainer.errors import UserError
from trainer.files import stamp
from trainer.run_files import CONFIG_FILE, RECORD_FILE
from trainer.run_folder import mend_config

if TYPE_CHECKING:
    from trainer.models import Pack

# how a model was trained, from training.json
HOW = ("steps", "seconds", "device", "precision", "ended", "machine", "torch")
MAX_MODELS = 32  # evaluated at once; bounds memory when evaluating a whole store


def evaluate(
    folders: Sequence[Path | str],
    data: Dataset,
    evaluation: Mapping[str, Mapping[str, Any]] = DEFAULT_EVALUATION,
    device: str = "auto",
    pack: "Pack | None" = None,
) -> list[dict[str, Any]]:
    """Scores the trained runs in `folders` and returns the content of their result.json, in order.

    evaluation: metrics by name, each with its options. Runs that fit into one pack are evaluated
        together, whatever their order. A run whose result already has this evaluation is left as it
        is; other evaluations in it are kept. A run whose training failed gets a result with that
        state and no metrics.
        A metric that compares seeds (UDR) assumes that `folders` include all runs of a setting,
        which differ only in seed; failed ones are left out of the comparison.
    device: "auto" (a GPU if available), or a torch device name.
    pack: the models of `folders`, in order, if in memory: they are scored there, all together, and
        need not be in the folders. Not with a metric that compares seeds.

    Raises UserError for a folder without an intact trained run, or trained on other images, and
    for a single seed where a metric compares seeds; FieldError for unknown metrics or options;
    MissingLabels when a metric needs labels that `data` lacks.

    Example: `evaluate([run_folder], trainer.data.load("dsprites"))[0]["evaluations"]`.
    """
    evaluation = with_defaults(evaluation)
    paths = [Path(folder) for folder in folders]
    results = [_start(path, data) for path in paths]
    identities = evaluation_ids(results, evaluation, data)
    for number, result in enumerate(results):
        if result["state"] == "failed":
            result["health"] = DIVERGED.as_record()
            write_result(paths[number], result)
    together = compares_seeds(evaluation)
    if together:
        _check_seeds(results, paths)
    for block in _blocks(results, identities, together) if pack is None else [range(len(paths))]:
        models = pack or _load([paths[n] for n in block], device)
        began = time.perf_counter()
        figures, alive = evaluate_pack(models, data, evaluation)
        seconds = round((time.perf_counter() - began) / len(block), 3)
        reconstructs = models.objective.learner != "infogan"  # an adversarial loss says little
        shared = {"seeds": [results[n]["run"] for n in block]} if together else {}
        for number, figure, latents in zip(block, figures, alive, strict=True):
            if results[number]["state"] != "failed":
                history = read_history(paths[number])
                state = health(latents, figure["relative_error"] or 0.0, history, reconstructs)
                _add(results[number], identities[number], figure | shared, state)
                results[number].setdefault("scoring", {})[identities[number]] = seconds
                write_result(paths[number], results[number])
    return results


def _check_seeds(results: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> None:
    """Raises UserError for a setting with a single seed, which cannot be compared with another."""
    settings = [setting_of(result) for result in results]
    for setting, folder in zip(settings, folders, strict=True):
        if settings.count(setting) < 2:
            raise UserError(
                f"udr compares the seeds of a setting, and {folder} is the only one of its "
                "setting here; evaluate it together with the others, or train another seed"
            )


def _blocks(
    results: Sequence[Mapping[str, Any]], identities: Sequence[str], by_setting: bool
) -> Iterator[list[int]]:
    """Positions of the runs to evaluate, grouped into packs that are loaded together.

    by_setting: a block is all the successfully trained seeds of a setting, even those already
        evaluated before an interruption.
    """
    packs: dict[str, list[int]] = defaultdict(list)
    for number, result in enumerate(results):
        done = identities[number] in result["evaluations"]
        if result["state"] != "failed" and (by_setting or not done):
            of_pack = digest([result["config"].get(key) for key in PACK_KEYS])
            packs[setting_of(result) if by_setting else of_pack].append(number)
    for numbers in packs.values():
        if by_setting:
            if any(identities[n] not in results[n]["evaluations"] for n in numbers):
                yield numbers
        else:
            for start in range(0, len(numbers), MAX_MODELS):
                yield numbers[start : start + MAX_MODELS]


def _start(folder: Path, data: Dataset) -> dict[str, Any]:
    """The result of a run so far: the stored one, or one without evaluations. Raises UserError."""
    reading = read_record(folder, RECORD_FILE)
    if reading.record is None:
        raise UserError(f"{reading.reason}; train this run to its end, then evaluate it")
    training = reading.record
    if training["data"]["fingerprint"] != data.fingerprint:
        raise UserError(
            f"{folder} was trained on other images ('{training['data']['name']}') than those of "
            f"'{data.name}' given here; load the data set with the options in its {CONFIG_FILE}"
        )
    mend_config(folder, training)  # else its changed content would be recorded as valid
    stored = read_result(folder)
    if stored is not None and stored["run"] == training["run"]:
        return stored
    names = [name for name in (CONFIG_FILE, RECORD_FILE) if (folder / name).is_file()]
    return {
        "format": RESULT_FORMAT,
        "run": training["run"],
        "config": training["config"],
        "data": training["data"],
        "state": training["state"],
        "reason": training["reason"],
        "training": {key: training[key] for key in HOW if key in training},
        "evaluations": {},
        "files": training["files"] | {name: stamp(folder / name) for name in names},
    }


def _load(folders: Sequence[Path], device: str) -> "Pack":
    """The models of runs that fit into one pack."""
    import torch

    from trainer.models import load_pack

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return load_pack(folders, device)


def evaluate_pack(
    pack: "Pack",
    data: Dataset,
    evaluation: Mapping[str, Mapping[str, Any]],
    images: int = 10_000,
    scores_only: bool = False,
) -> tuple[list[dict[str, Any]], NDArray[np.bool_]]:
    """One entry of "evaluations" per model, and which latents (K, M) are live.

    images: how many the likelihood is estimated on. scores_only: without floors and factors.
    """
    import torch

    from evaluation.floor import floor
    from evaluation.knowledge.factor_knowledge import factor_knowledge
    from evaluation.likelihood import likelihood
    from evaluation.metrics import COMPARES_SEEDS
    from evaluation.metrics.support.encoding import Remembering
    from evaluation.metrics.user_metrics import metric_of, without_code
    from trainer.device.precision import computing

    device = next(pack.parameters()).device
    figures: list[dict[str, Any]] = [{"measures": {}} for _ in range(pack.size)]
    with torch.no_grad(), computing("fp32", device):
        explained = likelihood(pack, data, images=images)
        alive = live(explained.kl_per_latent, explained.information_per_latent)
        mask = torch.from_numpy(alive).to(device)[:, None]
        given: dict[str, Any] = {
            # a latent at the prior is ignored: its samples do not carry what its means still show
            "represent": Remembering(lambda x: pack.encode(x.to(device))[0] * mask, device),
            "posterior": Remembering(lambda x: pack.encode(x.to(device)), device),
            "log_likelihood": lambda x, z: pack.log_likelihood(
                x.to(device).expand(pack.size, *x.shape), pack.decode(z.to(device))
            ),
            "prior": copy.deepcopy(pack.prior).cpu()
            if isinstance(pack.prior, torch.nn.Module)
            else pack.prior,
            "data": data,
        }
        for name, options in evaluation.items():
            if name in COMPARES_SEEDS and pack.size < 2:
                for each in figures:
                    each["measures"][name] = _plain(dataclasses.asdict(Unscored()))
                continue
            metric = metric_of(name, options)
            accepted = given.keys() & inspect.signature(metric).parameters.keys()
            chosen = {key: given[key] for key in accepted}
            computed = metric(**chosen, **without_code(options))
            low = None if scores_only else floor(name, chosen, options, pack.size)
            for k, each in enumerate(figures):
                each["measures"][name] = _of_model(computed, k)
                if low is not None:
                    each["measures"][name]["floor"] = _of_model(low, k)
        known = None if scores_only else factor_knowledge(given["posterior"], data)
    learned = {name: values.cpu().double().numpy() for name, values in pack.learned().items()}
    for k, each in enumerate(figures):
        each |= _of_model(explained, k)
        if learned:
            each["learned"] = _plain({name: values[k] for name, values in learned.items()})
        if known is not None:
            each["factors"] = _plain(known.of_model(k))
    return figures, alive


@dataclasses.dataclass(frozen=True)
class Unscored:
    """Placeholder results of a seed that has no other seed to be compared with."""

    score: float = math.nan
    reason: str = "no other seed of its setting finished, and the metric compares seeds"


def _of_model(figures: Any, model: int) -> dict[str, Any]:
    """One model's results as JSON: arrays have a leading model axis, the rest is shared."""
    fields = {f.name: getattr(figures, f.name) for f in dataclasses.fields(figures)}
    return {
        name: _plain(value[model] if isinstance(value, np.ndarray) else value)
        for name, value in fields.items()
    }


def _plain(value: Any) -> Any:
    """The value in JSON types; non-finite numbers become null."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _add(result: dict[str, Any], identity: str, figures: dict[str, Any], state: Health) -> None:
    """Adds an evaluation; a model that cannot be scored becomes a failed run."""
    if figures["reconstruction"] is None or figures["kl"] is None:
        result["state"] = "failed"
        result["reason"] = "reconstruction or KL of the trained model is not finite"
        result["health"] = DIVERGED.as_record()
    else:
        result["evaluations"][identity] = figures
        result["health"] = state.as_record()
