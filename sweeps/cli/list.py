"""`sweep list`: the sweeps of a store, and their progress."""

from argparse import Namespace
from dataclasses import asdict
from typing import Any

from sweeps.cli.output import console, print_json, table
from sweeps.run_store import Store
from sweeps.sweep_results import status
from trainer.errors import UserError


def execute(args: Namespace) -> int:
    """Prints one line per sweep."""
    store = Store(args.store)
    found: list[dict[str, Any]] = []
    for name in store.names("sweeps"):
        try:
            found.append({"name": name, **asdict(status(store.load_spec(name, quick=True), store))})
        except UserError:  # not a sweep, or one whose file can no longer be read
            continue
    if args.json:
        print_json(found)
        return 0
    if not found:
        console.print(f"no sweep in {store.location} yet", soft_wrap=True)
        return 0
    rows = table("sweep", "runs", "failed", "settings", "")
    for sweep in found:
        ended = sweep["finished"] + sweep["failed"]
        rows.add_row(
            sweep["name"],
            f"{ended} of {sweep['total']}",
            str(sweep["failed"]),
            f"{sweep['settings']} of {sweep['settings_total']}",
            f"being run by {sweep['running']}" if sweep["running"] else "",
        )
    console.print(rows)
    return 0
