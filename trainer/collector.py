"""Python's collector of reference cycles, in processes that import large libraries."""

import atexit
import gc

BETWEEN = 50_000  # new objects between two looks at the young ones; Python's own 700 suit scripts


def collect_less() -> None:
    """Lets the collector look less often, and not at all when the process ends.

    Modules are millions of objects, none of them garbage. Looking through them takes a sixth of the
    time of importing torch, Ray or MLflow, and seconds at the end.
    """
    gc.set_threshold(BETWEEN, 20, 100)
    atexit.register(gc.freeze)
