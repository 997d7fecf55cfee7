"""How fast all dSprites images are made, beside a literal NumPy renderer of one at a time.

    python -m tests.benchmarks.rendering [--images 2000] [--json PATH]

Rendering and reopening run in fresh processes, from an empty cache on, so that their memory is
their own. The naive time is that of `--images` random images, scaled up to all 737,280; the same
images are compared pixel by pixel.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from tests.benchmarks.output import add_json, show_figures
from tests.trainer.data import literal
from trainer.data import load

STORED = """
import json, resource, time
from trainer.data import load
start = time.perf_counter()
load("dsprites").stored()
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def stored_in_a_fresh_process() -> tuple[float, float]:
    """Seconds until all pixels are there, and the process's peak memory in MB."""
    command = [sys.executable, "-c", STORED]
    seconds, memory = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return seconds, memory


def measure(images: int) -> dict[str, float]:
    """All figures, by name; the cache is a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SWEEP_CACHE"] = folder
        render_seconds, render_memory = stored_in_a_fresh_process()
        reopen_seconds, reopen_memory = stored_in_a_fresh_process()

        data = load("dsprites")
        indices = np.random.default_rng(0).integers(len(data), size=images)
        start = time.perf_counter()
        expected = [literal.image(*literal.classes(int(index))) for index in indices]
        naive_seconds = (time.perf_counter() - start) / images * len(data)
        different = (data.images(indices)[:, 0] != np.stack(expected)).sum()

        batch = np.random.default_rng(1).integers(len(data), size=65_536)
        data.images(batch)
        start = time.perf_counter()
        data.images(batch)
        unpack_seconds = time.perf_counter() - start
    return {
        "render_seconds": render_seconds,
        "render_peak_megabytes": render_memory,
        "reopen_seconds": reopen_seconds,
        "reopen_peak_megabytes": reopen_memory,
        "naive_seconds_scaled_up": naive_seconds,
        "times_faster_than_naive": naive_seconds / render_seconds,
        "pixels_different_from_naive": int(different),
        "random_images_per_second": len(batch) / unpack_seconds,
    }


def main() -> None:
    """Prints the figures, and writes them as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=2000, help="drawn by the naive renderer")
    add_json(parser)
    arguments = parser.parse_args()
    show_figures(measure(arguments.images), arguments)


if __name__ == "__main__":
    main()
