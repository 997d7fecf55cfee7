"""`sweep baselines`: the paper's table, from baselines and the sweep's runs in the store."""

import sys
from argparse import Namespace
from dataclasses import asdict

from sweeps.cli.output import console, print_json
from sweeps.console.printing import plain_console
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from trainer.errors import UserError


def execute(args: Namespace) -> int:
    """Scores the baselines missing from the store, trains nothing, and prints the table."""
    from evaluation.baselines.table import text
    from sweeps.reporting.baselines import paper_table, prepare_baselines

    store = Store(args.store)
    spec = store.find_spec(args.file, args.overrides)
    if not spec.baselines:
        raise UserError(f"the sweep {spec.name!r} has no baselines; list some under `baselines`")
    sweep = Sweep.load(spec, store)
    store.prepare()
    prepare_baselines(sweep, plain_console(sys.stderr) if args.json else console)
    lines = paper_table(sweep.snapshot())
    if args.json:
        print_json([{**asdict(line), "difference": line.difference} for line in lines])
    else:
        console.print(text(lines), soft_wrap=True)
    return 0
