"""Which sweep files were checked before, so that commands that only count runs start quickly."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer import cache
from trainer.errors import UserError

_HOME = Path(__file__).parents[2]
_CHECKING = ("evaluation/metrics", "sweeps/search", "sweeps/sweepfile", "trainer")  # our code

Evaluation = Mapping[str, Mapping[str, Any]]


def checked_evaluation(
    values: Mapping[str, Any], check: Callable[[], Evaluation]
) -> Evaluation | None:
    """The evaluation of the sweep file with these values, as `check` returned it for this code.

    It is kept in the cache, so `check` is called only once. None where it must be called anyway: a
    metric of the user's own may have changed, or there is no cache. Raises what `check` does.
    """
    from evaluation.metrics.user_metrics import is_ours

    metric, evaluation = values.get("metric", "auto"), values.get("evaluation") or {}
    name = metric.get("name", "auto") if isinstance(metric, Mapping) else metric
    if not isinstance(name, str) or not isinstance(evaluation, Mapping):
        return None
    if not all(each == "auto" or is_ours(each) for each in (name, *evaluation)):
        return None
    with contextlib.suppress(UserError):
        cache.folder()
        found = cache.remembered(
            "sweep", [], lambda: {"evaluation": check()}, repr(values), [*_states_of_code()]
        )
        kept = found.get("evaluation")
        scores = "higgins" if name == "auto" else name
        return kept if isinstance(kept, Mapping) and scores in kept else None
    return None


def _states_of_code() -> Iterator[tuple[str, int, int]]:
    for folder in _CHECKING:
        for path in sorted((_HOME / folder).rglob("*.py")):
            state = path.stat()
            yield str(path), state.st_size, state.st_mtime_ns
