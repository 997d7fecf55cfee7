"""Runs a small sweep in each of the surroundings, one after the other, and lists what came out.

    python -m tests.surroundings --only kill

Each takes half a minute to two on two free cores; 1 is the exit code when something is wrong.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.surroundings.cases import CASES, as_json


def main() -> int:
    """Prints a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.surroundings", description=__doc__)
    parser.add_argument("--only", default="", help="those whose name holds this text")
    parser.add_argument("--list", action="store_true", help="print their names alone")
    parser.add_argument("--json", type=Path, help="write what came out to this file")
    options = parser.parse_args()
    console = Console(width=160, highlight=False, markup=False)
    outcomes: dict[str, str | None] = {}
    for number, name in enumerate(name for name in CASES if options.only in name):
        if options.list:
            console.print(name)
            continue
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="surroundings-") as folder:
            try:
                outcomes[name] = CASES[name](Path(folder, str(number)))
            except Exception as error:  # the others are to be tried, too
                outcomes[name] = f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - start
        console.print(f"{name:66}  {outcomes[name] or 'good'}  ({seconds:.0f} s)")
        if options.json:
            options.json.write_text(as_json(outcomes) + "\n")
    wrong = [name for name, problem in outcomes.items() if problem]
    if outcomes:
        console.print(f"{len(outcomes) - len(wrong)} of {len(outcomes)} good")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
