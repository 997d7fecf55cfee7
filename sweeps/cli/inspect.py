"""`sweep inspect`: candidates side by side in a browser, to pick the best β by eye."""

from argparse import Namespace

from sweeps.cli.output import console
from sweeps.run_store import Store
from sweeps.sweep import Sweep


def execute(args: Namespace) -> int:
    """Serves the page on this machine only, until Ctrl-C."""
    from sweeps.reporting.inspection import serve

    store = Store(args.store)
    snapshot = Sweep.load(store.find_spec(args.file, args.overrides), store).snapshot()
    with serve(snapshot, args.port or 0) as address:
        console.print(f"inspect {snapshot.sweep.name}: {address}   (Ctrl-C stops it)")
        try:
            address.wait()
        except KeyboardInterrupt:
            return 0
    return 0
