"""See the package. Exit code: 0 where every part was done, else 1; what there is is kept."""

import argparse
import gc
import json
import sys
import time
from importlib import import_module
from pathlib import Path

import torch

from tests.benchmarks.gpu.form import FORMS
from tests.benchmarks.gpu.part import Part
from tests.benchmarks.gpu.read import found, read, show
from tests.benchmarks.gpu.run import SHARES, run_parts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8.0, help="for everything")
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="folder for what comes of it")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--form", choices=tuple(FORMS), help="how much is done (default: by device)"
    )
    parser.add_argument("--read", type=Path, metavar="DIR", help="reads what came back from a run")
    parser.add_argument("--part", choices=tuple(SHARES), help="this part alone, in this process")
    parser.add_argument("--until", type=float, help="when that part ends, in seconds since 1970")
    options = parser.parse_args()
    form = options.form or ("full" if options.device.startswith("cuda") else "small")
    if options.read:
        return _read(options.read)
    if options.part:
        # not a number of seconds: to start Python and torch has taken some already
        left = 60 * options.minutes if options.until is None else options.until - time.time()
        end = time.monotonic() + left
        part = Part(options.part, options.out, torch.device(options.device), FORMS[form], end)
        module = import_module(f"tests.benchmarks.gpu.{options.part}")
        gc.freeze()  # else each collection between two measurements looks through all that torch is
        module.run(part)
        return 0
    ended = run_parts(options.out, options.device, form, 60 * options.minutes)
    show(found(options.out))
    return 0 if all(each["state"] == "done" for each in ended.values()) else 1


def _read(folder: Path) -> int:
    if json.loads((folder / "run.json").read_text())["form"] != "full":
        print(f"{folder} is of a rehearsal; README and the reference take a GPU's figures alone")
        return 2
    read(folder, Path.cwd())
    return 0


if __name__ == "__main__":
    sys.exit(main())
