"""`sweep validate`: checks a sweep file and its data set, and starts nothing."""

from argparse import Namespace

from sweeps.cli.output import console, print_json
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from sweeps.sweepfile import as_mapping, load_spec
from trainer.errors import UserError


def execute(args: Namespace) -> int:
    """Says that the file is good, or raises UserError."""
    try:
        spec = load_spec(args.file, args.overrides)
        sweep = Sweep.load(spec, Store(args.store))
        sweep.check()
    except UserError as error:
        if args.json:
            print_json({"valid": False, "error": str(error)})
        raise
    if args.json:
        remarks = list(sweep.metrics.remarks)
        found = {"valid": True, "metric": sweep.metrics.metric, "remarks": remarks}
        print_json({**found, "sweep": as_mapping(spec)})
    else:
        console.print(
            f"{args.file} is good: sweep [b]{spec.name}[/b] of {spec.dataset.name}, "
            f"{spec.setting_count} settings × {len(spec.seed_list)} seeds, "
            f"metric {sweep.metrics.metric}",
            soft_wrap=True,
        )
        for remark in sweep.metrics.remarks:
            console.print(remark, soft_wrap=True, markup=False)
    return 0
