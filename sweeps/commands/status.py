"""`sweep status`: how many runs of a sweep are finished, failed and pending."""

from argparse import Namespace
from dataclasses import asdict

from sweeps.api import find_spec
from sweeps.commands.output import console, print_json
from sweeps.results import status
from sweeps.store import Store


def execute(args: Namespace) -> int:
    """Prints the counts."""
    store = Store(args.store)
    spec = find_spec(args.file, store, args.overrides)
    now = status(spec, store)
    if args.json:
        print_json({"name": spec.name, **asdict(now)})
        return 0
    console.print(
        f"[b]{spec.name}[/b]: {now.finished} of {now.total} runs finished, {now.failed} failed, "
        f"{now.pending} pending; {now.settings} of {now.settings_total} settings complete",
        soft_wrap=True,
    )
    console.print(f"being run by {now.running}" if now.running else "not running")
    return 0
