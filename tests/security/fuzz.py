"""Sweep files, tables of labels and results as no one would write them: read, or refused by name.

    python -m tests.security.fuzz [--cases N] [--seed N]

For each reader, as many cases as asked for are made by Hypothesis: edits of good files, good files
with any value in any place, and plain bytes. A reader either gives what its users count on, or
raises UserError (the reader of results: gives None); anything else ends the command with the
smallest case that does it.
"""

import argparse
import copy
import functools
import json
import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from evaluation.analysis.choose import choose
from evaluation.analysis.table import rows_from_results
from evaluation.result_file import read_result
from sweeps.sweepfile import load_spec
from tests.sweeps.made_up import a_dataset
from tests.sweeps.sweepfile.test_broken_files import TEXTS, mutate
from trainer.data.dataset import UNKNOWN, Dataset
from trainer.data.labels.weak_labels import read_table
from trainer.errors import UserError

READ, REFUSED = "read", "refused"
EVALUATION = "an-evaluation"
RESULT: dict[str, Any] = {
    "format": 1,
    "run": "0123456789abcdef0123",
    "config": {
        "dataset": {"name": "dsprites", "options": {"size": 32, "labels": "all"}},
        "objective": "beta_vae",
        "beta": 4.0,
        "latents": 10,
        "seed": 0,
        "optimizer": {"name": "adam", "lr": 0.001},
    },
    "data": {"name": "dsprites", "shape": [1, 32, 32], "fingerprint": "f"},
    "state": "finished",
    "reason": None,
    "training": {"steps": 10, "seconds": 1.5, "device": "cpu"},
    "evaluations": {
        EVALUATION: {
            "measures": {"higgins": {"score": 0.9, "scores": [0.9, 0.8], "chance": 0.25}},
            "reconstruction": -30.5,
            "kl": 12.5,
            "kl_per_latent": [1.5, 11.0],
        }
    },
    "files": {},
}
TABLES = [
    "index,shape,colour\n0,1,red\n3,0,\n5,,blue\n",
    'index,posX\n"0",1\n1,2\n2,3\n',
    "index,size\n0,1.5\n1,-2e3\n2,\n",
]

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([0, -1, 2**31, 2**63, 10**400, 1e308, "../../etc/passwd", "\0", "nan"])
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def _edits(texts: list[str]) -> st.SearchStrategy[bytes]:
    """One of the texts, with edits of the kinds that hands and merges make."""
    return st.builds(
        lambda text, dice: mutate(text, random.Random(dice)).encode("utf-8", "surrogatepass"),
        st.sampled_from(texts),
        st.integers(0, 2**32),
    )


@st.composite
def _replaced(draw: st.DrawFn, record: dict[str, Any]) -> bytes:
    """The record with one to three values, wherever they are, replaced by any other."""
    record = copy.deepcopy(record)
    for _ in range(draw(st.integers(1, 3))):
        here: Any = record
        while True:
            keys = sorted(here) if isinstance(here, dict) else range(len(here))
            key = draw(st.sampled_from(list(keys)))
            if not (isinstance(here[key], dict | list) and here[key] and draw(st.booleans())):
                break
            here = here[key]
        here[key] = draw(_values)
    return json.dumps(record).encode()


def _columns() -> st.SearchStrategy[bytes]:
    """Tables in CSV whose cells are anything."""
    cell = st.text(max_size=6) | st.integers().map(str) | st.floats().map(repr)
    row = st.lists(cell, min_size=2, max_size=3)
    return st.lists(row, max_size=5).map(
        lambda rows: "\n".join(["index,a", *(",".join(row) for row in rows)]).encode(
            "utf-8", "surrogatepass"
        )
    )


def sweep_file(content: bytes, folder: Path) -> str:
    """`load_spec`: a sweep that can be counted and named, or one printable line."""
    path = folder / "sweep.yaml"
    path.write_bytes(content)
    try:
        spec = load_spec(path)
    except UserError as error:
        assert str(error).isprintable() and str(error).startswith(f"{path}:"), str(error)
        return REFUSED
    assert spec.setting_count > 0 and spec.search_id and "/" not in spec.name
    return READ


def labels(content: bytes, folder: Path) -> str:
    """`read_table`: a class for every image and factor, UNKNOWN or one there is."""
    path = folder / "labels.csv"
    path.write_bytes(content)
    data = _images()
    try:
        found = read_table(path, data)
    except UserError:
        return REFUSED
    factors, classes = found.sizes, found.classes
    assert classes.shape == (len(data), len(factors))
    assert (classes >= UNKNOWN).all() and (classes < np.array(list(factors.values()))).all()
    return READ


def result(content: bytes, folder: Path) -> str:
    """`read_result`: what the analysis can make a row and a choice of, or None."""
    (folder / "result.json").write_bytes(content)
    record = read_result(folder)
    if record is None:
        return REFUSED
    try:
        rows = rows_from_results([record], EVALUATION)
    except UserError:
        return REFUSED
    assert len(rows) == 1 and rows[0].state in ("finished", "failed")
    assert choose(rows).best.seeds == 1
    return READ


@functools.cache
def _images() -> Dataset:
    return a_dataset()


TARGETS: dict[str, tuple[Callable[[bytes, Path], str], st.SearchStrategy[bytes]]] = {
    "sweep files": (sweep_file, _edits(TEXTS) | st.binary(max_size=200)),
    "labels": (labels, _edits(TABLES) | _columns() | st.binary(max_size=200)),
    "results": (
        result,
        _replaced(RESULT) | _edits([json.dumps(RESULT)]) | st.binary(max_size=200),
    ),
}


def fuzz(name: str, cases: int, start: int | None = None) -> Counter[str]:
    """How many of `cases` cases were read and refused. Raises what a reader must not raise."""
    check, contents = TARGETS[name]
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:

        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(contents)
        def run(content: bytes) -> None:
            outcomes[check(content, Path(folder))] += 1

        (run if start is None else seed(start)(run))()
    return outcomes


def main() -> None:
    """Fuzzes every reader and prints a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="of each reader")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # a line for every result that is refused
    print(f"seed {args.seed}", flush=True)
    for name in TARGETS:
        began = time.perf_counter()
        outcomes = fuzz(name, args.cases, args.seed)
        print(
            f"{name:12} {sum(outcomes.values()):7,} cases: {outcomes[READ]:,} read, "
            f"{outcomes[REFUSED]:,} refused, 0 of anything else; "
            f"{time.perf_counter() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
