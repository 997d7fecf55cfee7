"""How far few labels fool the metrics: bias and spread of codes whose worth is known.

    python -m tests.benchmarks.few_labels [--metrics higgins factorvae sap dci] [--repeats 10]
        [--labels 20 50 100 500 2000 5000] [--kinds plain missing unbalanced many] [--noise 1]
        [--json PATH]

Codes of ten latents: of noise; half true, two of four factors a latent each and the rest noise; and
true, all four. Labels: `plain` factors of 3, 4, 4 and 6 classes; `missing`, 40 % of the cells are
unknown; `unbalanced`, a class with nine tenths of the images and others with few; `many`, factors
of up to 32 classes. Each repeat has labels and codes of its own, `--noise` codes of noise instead
of one where their mean is to be known better. Printed: the mean score, its
standard deviation over repeats, and how many of the repeats were refused for want of labels.

`bias` is the mean score of noise above chance; the last line says whether any is above 0.02 by more
than two of its standard errors.
"""

import argparse

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics import METRICS
from evaluation.metrics.support.labels import MissingLabels
from tests.benchmarks.output import add_json, show
from tests.evaluation.metrics.labelled import Labelled, code, some_labels, standardised

LATENTS, FACTORS = 10, 4
KINDS = {
    "plain": (3, 4, 4, 6),
    "missing": (3, 4, 4, 6),
    "unbalanced": (4, 2, 4, 4),
    "many": (6, 10, 32, 32),
}
CODES = {"noise": 0, "half true": 2, "true": FACTORS}  # factors that have a latent
OPTIONS = {"higgins": {"train": 1000, "test": 1000}, "factorvae": {"train": 2000, "test": 1000}}
TOLERATED = 0.02


def labels_of(kind: str, images: int, seed: int) -> NDArray[np.int64]:
    """Classes (images, 4); -1 is unknown."""
    labels = some_labels(images, KINDS[kind], seed)
    rng = np.random.default_rng([seed, 1])
    if kind == "missing":
        labels[rng.random(labels.shape) < 0.4] = -1
    if kind == "unbalanced":
        labels[:, 0] = rng.choice(4, images, p=[0.85, 0.05, 0.05, 0.05])
        labels[:, 1] = rng.random(images) < 0.1
    return labels


def measure(
    metric: str, kind: str, images: int, repeats: int, more: int
) -> list[dict[str, object]]:
    """A row for each code. All codes of a repeat are scored as one pack, on the same labels.

    more: codes of noise beyond the first one.
    """
    scores, chance = [], 0.0
    for seed in range(repeats):
        labels = labels_of(kind, images, seed)
        noise = np.random.default_rng([seed, 2]).normal(size=(images, LATENTS))
        truth = standardised(labels)
        tables = [
            np.hstack([truth[:, :true], noise[:, : LATENTS - true]]) for true in CODES.values()
        ]
        tables += list(np.random.default_rng([seed, 3]).normal(size=(more, images, LATENTS)))
        encoders = [code(table) for table in tables]
        try:
            result = METRICS[metric](
                lambda x, encoders=encoders: torch.stack([encode(x) for encode in encoders]),
                Labelled(labels),
                seed,
                **OPTIONS.get(metric, {}),
            )
        except MissingLabels:
            continue
        noises = [result.score[0], *result.score[len(CODES) :]]
        scores.append([np.mean(noises), *result.score[1 : len(CODES)]])
        chance = getattr(result, "chance", 0.0)
    table = np.array(scores) if scores else np.full((0, len(CODES)), np.nan)
    rows = []
    for number, name in enumerate(CODES):
        row: dict[str, object] = {"metric": metric, "labels": kind, "images": images, "code": name}
        row |= {"score": None, "spread": None, "bias": None, "error": None}
        if len(table):
            mean, spread = float(table[:, number].mean()), float(table[:, number].std())
            row |= {"score": mean, "spread": spread, "error": spread / len(table) ** 0.5}
            row["bias"] = mean - chance if name == "noise" else None
        rows.append(row | {"refused": repeats - len(table)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--metrics", nargs="+", default=["higgins", "factorvae", "sap", "dci"])
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 50, 100, 500, 2000, 5000])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--noise", type=int, default=1, help="codes of noise per repeat")
    add_json(parser)
    options = parser.parse_args()
    rows = [
        row
        for metric in options.metrics
        for kind in options.kinds
        for images in options.labels
        for row in measure(metric, kind, images, options.repeats, options.noise - 1)
    ]
    columns = {name: (name, "") for name in ("metric", "labels", "images", "code")}
    columns |= {name: (name, ".3f") for name in ("score", "spread", "bias")}
    show(rows, options, columns | {"refused": ("refused", "")})
    fooled = [
        f"{row['metric']}, {row['labels']}, {row['images']}"
        for row in rows
        if row["bias"] is not None and row["bias"] - 2 * row["error"] > TOLERATED  # type: ignore[operator]
    ]
    print("noise above chance by more than 0.02:", "; ".join(fooled) or "nowhere")


if __name__ == "__main__":
    main()
