"""Runs the small form of each sweep file to its report, and says what came of it.

python -m tests.sweeps.small_forms                    # all of them, without a download: an hour
python -m tests.sweeps.small_forms isa_table infogan  # these
python -m tests.sweeps.small_forms --steps 60         # a few steps of each
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tests.sweeps.digits import write_scanned_digits

ROOT = Path(__file__).parents[2]
SMALL_AS_IT_IS = ("quickstart",)


def main() -> int:
    """The exit code: 0 where every form came to its report."""
    files = sorted(path.stem for path in ROOT.glob("sweeps/*.yaml"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help="of a sweep file; all by default")
    parser.add_argument("--steps", type=int, help="instead of the form's own")
    parser.add_argument("--out", type=Path, default=Path("small-forms"), help="their stores")
    args = parser.parse_args()
    if unknown := set(args.names) - set(files):
        parser.error(f"no sweep file {', '.join(sorted(unknown))}; there are {', '.join(files)}")
    digits = args.out / "digits"
    digits.mkdir(parents=True, exist_ok=True)
    write_scanned_digits(digits)
    broken = [name for name in args.names or files if not run(name, args.out, digits, args.steps)]
    print("all came to their reports" if not broken else f"stopped: {', '.join(broken)}")
    return bool(broken)


def run(name: str, out: Path, digits: Path, steps: int | None) -> bool:
    """Runs one; whether it came to its report."""
    overrides = [] if name in SMALL_AS_IT_IS else ["size=small"]
    overrides += [f"dataset.path={digits.resolve()}"] if name.startswith("mnist") else []
    overrides += [f"trainer.steps={steps}"] if steps else []
    start = time.monotonic()
    command = [sys.executable, "-m", "sweeps", "run", f"sweeps/{name}.yaml", *overrides]
    store = out.resolve() / name
    with (out / f"{name}.log").open("w") as log:
        done = subprocess.run(
            [*command, "--store", str(store)], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
    page = next(store.glob("sweeps/*/report/index.html"), None)
    seconds = time.monotonic() - start
    if done.returncode or page is None:
        print(f"{name}: stopped after {seconds:.0f} s; see {log.name}", flush=True)
        return False
    figures = sorted(path.stem for path in page.parent.glob("*.png"))
    print(f"{name}: {seconds:.0f} s, {page}, with {', '.join(figures)}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
