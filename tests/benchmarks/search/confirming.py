"""How many rounds running must be certain before a race stops? How often its claims then hold.

    python -m tests.benchmarks.search.confirming [--curves 300] [--first 1000] [--json FILE]

Each race over a drawn curve goes on until MOST rounds running are certain. Where it would have
stopped with fewer is read off the same race, as nothing before that depends on it. One line for
each number of rounds: how many races stop with a claim, how many of these are right, and the
average number of runs of all races.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.benchmarks.output import add_json, show
from tests.benchmarks.search.__main__ import CONFIDENCE, WAYS, WITHIN
from tests.benchmarks.search.replay import Replay, replay, spec_for
from tests.benchmarks.search.tables import TABLES

MOST = 6


def stopped(race: Replay, rounds: int) -> int | None:
    """The look at which a race would stop with a claim; None if it never would."""
    assert race.probabilities is not None
    certain = race.probabilities >= CONFIDENCE
    running = np.convolve(certain, np.ones(rounds, int))[: len(certain)]
    looks = np.flatnonzero(running == rounds)
    return int(looks[0]) if len(looks) else None


def claims(races: Sequence[Replay], rounds: int) -> dict[str, Any]:
    """Figures of all races, had they stopped after this many certain rounds running."""
    ends = [stopped(race, rounds) for race in races]
    kept = [r.loss[end] <= WITHIN for r, end in zip(races, ends, strict=True) if end is not None]
    runs = [r.runs[-1 if end is None else end] for r, end in zip(races, ends, strict=True)]
    return {
        "rounds": rounds,
        "claims": len(kept),
        "kept": int(np.sum(kept)),
        "runs": float(np.mean(runs)),
    }


def main() -> None:
    """Prints one line per number of rounds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--curves", type=int, default=300)
    parser.add_argument("--first", type=int, default=1000, help="number of the first curve")
    add_json(parser)
    arguments = parser.parse_args()
    way, races = WAYS["race + surface"], []
    for number in range(arguments.first, arguments.first + arguments.curves):
        table = TABLES["drawn"](number)
        races.append(replay(spec_for(way, table), way, table, number, rounds=MOST))
    columns = {"rounds": ("rounds", ""), "claims": ("claims", ""), "kept": ("kept", "")}
    rows = [claims(races, rounds) for rounds in range(1, MOST)]
    show(rows, arguments, columns | {"runs": ("runs", ".0f")})


if __name__ == "__main__":
    main()
