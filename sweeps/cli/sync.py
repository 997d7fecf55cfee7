"""`sweep sync`: brings MLflow up to date with a sweep, from the store."""

from argparse import Namespace

from sweeps.cli.output import console
from sweeps.console.printing import command
from sweeps.run_store import Store


def execute(args: Namespace) -> int:
    """Writes what is missing, and reports it."""
    from sweeps.tracking.tracker import sync

    store = Store(args.store)
    spec = store.find_spec(args.file, args.overrides)
    sync(spec, store)
    see = command("ui", store=store)
    console.print(f"MLflow is up to date with {spec.name}; see it with: {see}", soft_wrap=True)
    return 0
