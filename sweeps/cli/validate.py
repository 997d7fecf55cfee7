"""`sweep validate`: checks a sweep file and its data set, and starts nothing."""

from argparse import Namespace

from sweeps.cli.output import console, print_json
from sweeps.metric_plan import plan_metrics
from sweeps.plan import load_data
from sweeps.sweepfile import as_mapping, load_spec
from sweeps.sweepfile.compatibility import check_models
from trainer.errors import UserError


def execute(args: Namespace) -> int:
    """Says that the file is good, or raises UserError."""
    try:
        spec = load_spec(args.file, args.overrides)
        data = load_data(spec)
        judged = plan_metrics(spec, data)
        check_models(spec, data)
    except UserError as error:
        if args.json:
            print_json({"valid": False, "error": str(error)})
        raise
    if args.json:
        remarks = list(judged.remarks)
        found = {"valid": True, "metric": judged.metric, "remarks": remarks}
        print_json({**found, "sweep": as_mapping(spec)})
    else:
        console.print(
            f"{args.file} is good: sweep [b]{spec.name}[/b] of {spec.dataset.name}, "
            f"{spec.setting_count} settings × {len(spec.seed_list)} seeds, "
            f"judged by {judged.metric}",
            soft_wrap=True,
        )
        for remark in judged.remarks:
            console.print(remark, soft_wrap=True, markup=False)
    return 0
