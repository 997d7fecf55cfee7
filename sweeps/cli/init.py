"""`sweep init`: writes a short sweep file for the user's own images."""

from argparse import Namespace
from pathlib import Path

from evaluation.analysis.formatting import duration
from sweeps.cli.output import console
from sweeps.sweepfile.starter import dataset_options, starter, sweep_name, write
from trainer.data.describe import describe
from trainer.errors import UserError


def execute(args: Namespace) -> int:
    """Writes NAME.yaml into the current folder, and prints what was read and what to do next."""
    name = args.name or sweep_name(args.file)
    path = Path(f"{name}.yaml")
    if path.exists():
        raise UserError(f"{path} already exists; choose another name with --name")
    made = starter(name, dataset_options(args.file, args.labels, args.overrides))
    write(path, made.text)
    shape = "×".join(map(str, made.data.shape))
    lines = [
        f"{len(made.data):,} images of {shape}",
        *describe(made.data),
        f"wrote {path}: about {duration(made.seconds)} of training on this machine",
        f"  sweep validate {path}",
        f"  sweep run {path}",
    ]
    for line in lines:
        console.print(line, soft_wrap=True)
    return 0
