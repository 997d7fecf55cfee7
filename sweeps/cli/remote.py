"""Shared by commands that look at a sweep from outside: its name, and its job on a cluster."""

import os
from argparse import Namespace

from sweeps.cluster.jobs import Job, Jobs
from sweeps.run_store import Store
from sweeps.sweepfile import check_name, is_sweep_file
from trainer.config.schema import FieldError
from trainer.errors import UserError


def sweep_name(args: Namespace, store: Store) -> str:
    """The name in the given sweep file, or the given name itself. Raises UserError."""
    if is_sweep_file(args.file):
        return store.find_spec(args.file, args.overrides, quick=True).name
    try:
        check_name(args.file)
    except FieldError as error:
        raise UserError(f"sweep {error}") from None
    return str(args.file)


def cluster_jobs(args: Namespace) -> Jobs | None:
    """The jobs of the cluster at --address or RAY_ADDRESS; None when neither is given."""
    address = args.address or os.environ.get("RAY_ADDRESS")
    return Jobs(address) if address else None


def job_of(jobs: Jobs | None, name: str, store: Store) -> Job | None:
    """The latest job of a sweep."""
    return jobs.find(name, store.location) if jobs else None
