"""`sweep logs`: the output of a sweep, from its Ray job or from its store."""

import time
from argparse import Namespace
from collections.abc import Iterable, Iterator

from sweeps.cli.remote import cluster_jobs, job_of, sweep_name
from sweeps.console.journal import log_key
from sweeps.run_store import Store
from trainer.errors import UserError

SECONDS = 1.0  # between reads of the store


def execute(args: Namespace) -> int:
    """Prints the log; with --follow, keeps printing until the sweep ends."""
    store = Store(args.store)
    name = sweep_name(args, store)
    jobs = cluster_jobs(args)
    job = job_of(jobs, name, store)
    pieces: Iterable[str]
    if jobs is not None and job is not None:
        pieces = jobs.follow(job) if args.follow else [jobs.log(job)]
    elif (text := store.read_text(log_key(name))) is not None:
        pieces = _followed(store, name) if args.follow else [text]
    else:
        raise UserError(f"no log of a sweep {name!r} in the store {store.location}")
    end = "\n"
    for piece in pieces:
        print(piece, end="", flush=True)
        end = piece[-1:] or end
    if end != "\n":
        print()
    return 0


def _followed(store: Store, name: str) -> Iterator[str]:
    shown = 0
    while True:
        over = store.holder(name) is None
        text = store.read_text(log_key(name)) or ""
        yield text[shown:]
        shown = len(text)
        if over:
            return
        time.sleep(SECONDS)
