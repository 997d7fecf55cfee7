"""Which values the options of metrics may have, checked before anything is trained."""

from collections.abc import Sequence
from typing import Any

from trainer.config.schema import FieldError

COUNTS = {  # the least and the most; more would not fit into memory
    "pairs": (1, 1_000),  # for each of the `train` points
    "train": (1, 1_000_000),
    "test": (1, 1_000_000),
    "images": (1, 100_000_000),
    "points": (1, 10_000_000),
    "bins": (2, 1_000),
    "fine_bins": (2, 10_000),
    "batch_size": (2, 1_000),
    "variance_estimate": (2, 10_000_000),
}
POSITIVE = ("C", "alpha")
NON_NEGATIVE = ("threshold", "used", "normal")
MAX_SEED = 2**32 - 1


def check_option(name: str, value: Any) -> None:
    """Raises FieldError, without a path, for a value that is invalid for this option."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        for place, item in enumerate(value):
            if item in value[:place]:
                raise FieldError(f"{item} is listed twice")
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return
    least, most = COUNTS.get(name, (value, value))
    if not least <= value <= most:
        raise FieldError(f"expected {least} to {most:,}, got {value:,}")
    if name == "seed" and not 0 <= value <= MAX_SEED:
        raise FieldError(f"expected 0 to {MAX_SEED}, got {value}")
    if name in POSITIVE and value <= 0:
        raise FieldError(f"expected a positive number, got {value}")
    if name in NON_NEGATIVE and value < 0:
        raise FieldError(f"expected 0 or more, got {value}")
    if name == "quantile" and not 0 < value <= 1:
        raise FieldError(f"expected a positive number, at most 1, got {value}")
