"""`sweep status`: how many runs of a sweep are finished, failed and pending; where it runs."""

from argparse import Namespace
from dataclasses import asdict

from sweeps.cli.output import console, print_json
from sweeps.cli.remote import cluster_jobs, job_of, sweep_name
from sweeps.cluster.jobs import Job, Jobs
from sweeps.console.printing import bold
from sweeps.overview import Glance
from sweeps.run_store import Store
from sweeps.stored_settings import StoredSetting
from sweeps.sweep import Sweep
from sweeps.sweep_results import Status, status
from sweeps.sweepfile import SweepSpec
from trainer.errors import UserError


def execute(args: Namespace) -> int:
    """Prints the counts, and the sweep's job if it has one."""
    store = Store(args.store)
    jobs = cluster_jobs(args)
    job = job_of(jobs, sweep_name(args, store), store) if jobs else None
    try:
        spec = store.find_spec(args.file, args.overrides, quick=True)
    except UserError:
        if jobs is None or job is None:
            raise
        spec = None  # submitted but not started, or its store is not accessible from here
    glance = store.glance()
    counts = status(spec, store, _held(spec, store, glance), glance) if spec else None
    if args.json:
        name = spec.name if spec else args.file
        values = {"name": name, **(asdict(counts) if counts else {})}
        print_json(values | ({"job": asdict(job)} if job else {}))
        return 0
    if spec and counts:
        _print_counts(spec.name, counts)
    if jobs and job:
        _print_job(jobs, job)
    return 0


def _held(spec: SweepSpec, store: Store, glance: Glance) -> list[StoredSetting] | None:
    """The settings with runs in the store; None where the data are not on this machine."""
    try:
        return Sweep.load(spec, store).held(glance)
    except UserError:
        return None


def _print_counts(name: str, now: Status) -> None:
    console.print(
        bold(name),
        f": {now.finished} of {now.total} runs finished, {now.failed} failed, "
        f"{now.pending} pending; {now.settings} of {now.settings_total} settings complete"
        + (f"; {now.earlier} runs of earlier settings" if now.earlier else ""),
        sep="",
        soft_wrap=True,
    )
    console.print(f"being run by {now.running}" if now.running else "not running")


def _print_job(jobs: Jobs, job: Job) -> None:
    lines = jobs.log(job).strip().splitlines() or job.message.strip().splitlines()
    last = f"; last line: {lines[-1]}" if lines else ""
    console.print(f"job {job.id}: {job.state}{last}", soft_wrap=True)
