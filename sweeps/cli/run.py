"""`sweep run`: runs a sweep and shows progress and the answer; or sends it to a cluster."""

import os
import shlex
from argparse import Namespace
from pathlib import Path

from sweeps.cli.output import console
from sweeps.run_store import Store
from sweeps.sweepfile import SweepSpec, load_spec
from trainer.config.schema import FieldError
from trainer.errors import UserError

FAILED = 1
INTERRUPTED = 130


def execute(args: Namespace) -> int:
    """Runs it; FAILED when trials failed, INTERRUPTED after Ctrl-C."""
    spec = load_spec(args.file, args.overrides)  # before slow imports: most errors are found here
    if args.detach:
        return _detach(spec, Store(args.store), args.address or os.environ.get("RAY_ADDRESS"))
    from sweeps import driver

    outcome = driver.run(spec, Store(args.store), args.address)
    if outcome.interrupted:
        return INTERRUPTED
    return FAILED if outcome.broken or outcome.answer is None else 0


def _detach(spec: SweepSpec, store: Store, address: str | None) -> int:
    """Sends the sweep to a cluster, and prints how to follow it from here."""
    if address is None:
        raise UserError("--detach needs the cluster's dashboard: --address http://HOST:8265")
    _check_paths(spec)
    from sweeps.cluster import runtime_env
    from sweeps.cluster.jobs import Jobs

    job = Jobs(address).submit(spec, store.location)
    console.print(f"{spec.name} was submitted as Ray job {job}", soft_wrap=True)
    for name in runtime_env.withheld():
        console.print(f"{name} contains a password and was not sent: set it on the head node")
    where = f"--address {shlex.quote(address)} --store {shlex.quote(store.location)}"
    for command in ("status", "logs -f", "stop"):
        console.print(f"  sweep {command} {spec.name} {where}", soft_wrap=True)
    return 0


def _check_paths(spec: SweepSpec) -> None:
    """Raises UserError for data at a relative path, valid only on this machine."""
    for key, value in spec.dataset.options.items():
        if isinstance(value, str) and not os.path.isabs(value) and Path(value).exists():
            problem = f"{value!r} is relative; a cluster needs an absolute path that all nodes see"
            raise spec.error(FieldError(problem, ("dataset", key)))
