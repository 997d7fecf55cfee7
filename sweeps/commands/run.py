"""`sweep run`: runs a sweep to its end, and shows progress and the answer."""

from argparse import Namespace

from sweeps.spec import load_spec
from sweeps.store import Store

FAILED = 1
INTERRUPTED = 130


def execute(args: Namespace) -> int:
    """Runs it; FAILED when trials broke off, INTERRUPTED after Ctrl-C."""
    spec = load_spec(args.file, args.overrides)  # before the slow imports: most mistakes are here
    from sweeps import driver

    outcome = driver.run(spec, Store(args.store), args.address)
    if outcome.interrupted:
        return INTERRUPTED
    return FAILED if outcome.broken or outcome.conclusion is None else 0
