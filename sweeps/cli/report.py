"""`sweep report`: writes the report of a sweep from the store."""

from argparse import Namespace

from sweeps.api import report
from sweeps.cli.output import console
from sweeps.run_store import Store


def execute(args: Namespace) -> int:
    """Writes the report and prints its path."""
    store = Store(args.store)
    path = report(store.find_spec(args.file, args.overrides), store)
    console.print(f"report: {path}", soft_wrap=True)
    return 0
