"""Checks that a record read from a store has the structure that its readers rely on."""

import math
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any

from trainer.config.run import RESULT_FORMAT

_LIMIT = 2**31  # of integers in a record: seeds, latents, sides of an image


def problem(record: object) -> str:
    """The first error in the content of training.json or result.json; "" if it is valid.

    It checks what readers take for granted; a store may be shared, and those who can write to it
    must not be able to break or mislead those who read it.
    """
    if not isinstance(record, dict) or not isinstance(record.get("files"), dict):
        return "is damaged (no list of files)"
    if record.get("format") != RESULT_FORMAT:
        return f"has format {record.get('format')!r:.40}; this version reads {RESULT_FORMAT}"
    for wrong in _wrong(record):
        return f"is damaged ({wrong})"
    return ""


def _wrong(record: Mapping[str, Any]) -> Iterator[str]:
    for name, facts in record["files"].items():
        if not _is_plain(name):
            yield f"it lists {name[:80]!r}, which is no file of the run"
        elif not isinstance(facts, dict) or not {"sha256", "bytes"} <= facts.keys():
            yield f"it lists {name} without checksum"
    if not _is_string(record.get("run")):
        yield "no run id"
    if record.get("state") not in ("finished", "failed"):
        yield "no state"
    if not _is_string(record.get("reason"), optional=True):
        yield "its reason is no text"
    config, data = record.get("config"), record.get("data")
    if not isinstance(config, dict):
        yield "no config"
    elif not (
        _is_number(config.get("beta"))
        and _are_integers(config, "latents", "seed")
        and config["latents"] > 0
    ):
        yield "no beta, latents and seed in its config"
    shape = data.get("shape") if isinstance(data, dict) else None
    if not isinstance(shape, list) or not all(_is_integer(side) and side > 0 for side in shape):
        yield "no shape in its data"
    scoring = record.get("scoring", {})
    if not isinstance(scoring, dict) or not all(map(_is_number, scoring.values())):
        yield "its scoring times are no numbers"
    evaluations = record.get("evaluations", {})
    if not isinstance(evaluations, dict) or not all(map(_is_evaluation, evaluations.values())):
        yield "its evaluations are none"


def _is_plain(name: str) -> bool:
    """Whether it names a file directly in the folder, not in another."""
    return name not in ("", ".", "..") and not any(c in name for c in "/\\\0") and len(name) < 256


def _is_evaluation(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("measures"), dict):
        return False
    values = value["measures"].values()
    return isinstance(value.get("kl_per_latent", []), list | NoneType) and all(
        isinstance(each, dict)
        and isinstance(each.get("scores"), list | NoneType)
        and _is_string(each.get("reason"), optional=True)
        for each in values
    )


def _are_integers(values: Mapping[str, Any], *keys: str) -> bool:
    return all(_is_integer(values.get(key)) for key in keys)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LIMIT


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(value)  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return False


def _is_string(value: object, optional: bool = False) -> bool:
    return isinstance(value, str) or (optional and value is None)
