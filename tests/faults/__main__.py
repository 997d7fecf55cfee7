"""Runs a small sweep again and again under faults chosen at random, and counts what they broke.

    python -m tests.faults --seed 1 --rounds 8
    python -m tests.faults --rounds 1 --only 9 --sweep race   # kill -9, in a race or a halving

A round is one sweep: three faults at random moments, each followed by the same command again where
the sweep has ended, then the command until it succeeds. What the store, the answer and MLflow hold
must then equal what an undisturbed sweep gives. Takes about two minutes a round.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table as Printed

from tests.faults.disks import small_disk
from tests.faults.faults import FAULTS, ON_A_CLUSTER, ON_A_DISK
from tests.faults.processes import adopt_orphans
from tests.faults.rounds import harass, undisturbed
from tests.faults.small_sweep import KINDS, Sweep

A_ROUND = 3  # faults
COLUMNS = ("lost or different", "trained twice", "wrong in MLflow", "left running")


def main() -> int:
    """Prints the table; 1 when anything broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--only", default="", help="faults whose name holds this text")
    parser.add_argument("--sweep", choices=sorted(KINDS), default="grid")
    options = parser.parse_args()
    keys = KINDS[options.sweep]
    console = Console(width=120, highlight=False)
    console.print(f"seed {options.seed}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what it has started
    adopt_orphans()
    rng = Random(options.seed)
    times, broken, stops = Counter[str](), dict[str, Counter[str]](), list[float]()
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        with small_disk(folder / "probe") as permitted:
            here = [*FAULTS, *(ON_A_DISK if permitted else ())]
        if not permitted:
            console.print("disks are not filled and not made read-only: mounting needs root")
        peace = undisturbed(Sweep(folder / "peace", keys=keys))
        console.print(f"undisturbed: {len(peace.runs)} runs")
        kinds = [[f for f in names if options.only in f] for names in (here, list(ON_A_CLUSTER))]
        for number, faults in enumerate(_rounds(rng, kinds, options.rounds)):
            start = time.monotonic()
            done = harass(folder / f"round{number}", faults, rng, peace, keys)
            stops += done.stops
            console.print(
                f"round {number + 1}: {', '.join(faults)}: {done.broken or 'all as undisturbed'} "
                f"({time.monotonic() - start:.0f} s)"
            )
            for fault in faults:
                times[fault] += 1
                broken.setdefault(fault, Counter()).update(done.broken.counts())
    console.print(_table(times, broken))
    if stops:
        console.print(f"slowest polite stop: {max(stops):.1f} s of {len(stops)}")
    return int(any(counts.total() for counts in broken.values()))


def _rounds(rng: Random, kinds: Sequence[Sequence[str]], rounds: int) -> Iterator[list[str]]:
    """Faults of each round: all kinds come equally often; every third round is on a cluster."""
    waiting: list[list[str]] = [[] for _ in kinds]
    for number in range(rounds):
        kind = 1 if kinds[1] and (number % 3 == 2 or not kinds[0]) else 0
        while len(waiting[kind]) < A_ROUND:
            waiting[kind] += rng.sample(kinds[kind], len(kinds[kind]))
        yield waiting[kind][:A_ROUND]
        del waiting[kind][:A_ROUND]


def _table(times: Counter[str], broken: dict[str, Counter[str]]) -> Printed:
    table = Printed("fault", "times", *COLUMNS)
    for fault, count in times.items():
        table.add_row(fault, str(count), *(str(broken[fault][name]) for name in COLUMNS))
    return table


if __name__ == "__main__":
    sys.exit(main())
