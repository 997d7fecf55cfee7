"""`sweep stop`: stops a running sweep, or one of its runs; progress is kept."""

import time
from argparse import Namespace
from collections.abc import Callable

from sweeps.cli.output import console
from sweeps.cli.remote import cluster_jobs, job_of, sweep_name
from sweeps.run_store import Store
from sweeps.scheduling.unscored import give_up
from sweeps.trials import stopping
from trainer.errors import UserError

FAILED = 1
PATIENCE = 60.0  # seconds that a sweep may take to write its checkpoints


def execute(args: Namespace) -> int:
    """Asks the sweep to stop and waits for it; FAILED if that takes too long."""
    store = Store(args.store)
    name = sweep_name(args, store)
    if args.run is not None:
        return _give_up(store, name, args.run)
    jobs = cluster_jobs(args)
    job = job_of(jobs, name, store)
    holder = store.holder(name)
    if holder is not None:
        stopping.request(store, name)
        console.print(f"asked {holder} to stop", soft_wrap=True)
        over = _within_patience(lambda: store.holder(name) is None)
    elif jobs is not None and job is not None and job.active:
        jobs.end(job)  # it has not reached the store yet, or its store is not accessible from here
        console.print(f"asked job {job.id} to stop", soft_wrap=True)
        over = _within_patience(lambda: not jobs.now(job).active)
    else:
        raise UserError(f"sweep {name!r} is not running")
    if not over:
        console.print(f"still running after {PATIENCE:.0f} s; it will stop after its current step")
        return FAILED
    console.print("stopped; progress is kept: run it again to resume")
    return 0


def _give_up(store: Store, name: str, wanted: str) -> int:
    """Asks for the run whose id begins with `wanted` to be given up."""
    every = {
        run
        for ids in store.recorded_runs(store.load_spec(name, quick=True)).values()
        for run in ids.values()
    }
    found = sorted(run for run in every if run.startswith(wanted))
    if len(found) != 1:
        problem = "has no run" if not found else f"has {len(found)} runs that begin with"
        raise UserError(f"sweep {name!r} {problem} {wanted!r}; `sweep report` lists its runs")
    if store.is_trained(found[0]):
        raise UserError(f"run {found[0]} has already ended: there is nothing to give up")
    if store.holder(name) is None:
        raise UserError(f"sweep {name!r} is not running; the next `sweep run` resumes all runs")
    give_up(store, name, found[0])
    console.print(
        f"run {found[0]} will be given up within seconds, and the sweep continues without it; to "
        "resume it, run the sweep again",
        soft_wrap=True,
    )
    return 0


def _within_patience(over: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not over():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True
