"""`python -m evaluation DIR`: scores the trained runs in a folder and prints them as a table."""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from evaluation.evaluate_runs import evaluate
from evaluation.identity import DEFAULT_EVALUATION, evaluation_ids
from evaluation.result_file import read_record
from trainer.config.schema import FieldError
from trainer.data import load
from trainer.errors import UserError
from trainer.extensions import trust_files
from trainer.run_files import RECORD_FILE

Evaluation = Mapping[str, Mapping[str, Any]]
Row = tuple[dict[str, Any], dict[str, Any] | None]  # a result, and its values in this evaluation


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 for a user's mistake (one line on stderr)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        evaluation: Evaluation = dict(map(_metric, options.metric)) or DEFAULT_EVALUATION
        rows = _evaluate_all(find_runs(options.folder), evaluation, options)
    except UserError as error:
        print(f"evaluation: {error}", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 200, markup=False, emoji=False)
    console.print(table(rows, list(evaluation)))
    return 0


def find_runs(folder: Path) -> list[Path]:
    """`folder` if it is a run folder, else the run folders in it. Raises UserError for none."""
    if (folder / RECORD_FILE).is_file():
        return [folder]
    runs = sorted(path.parent for path in folder.glob(f"*/{RECORD_FILE}"))
    if not runs:
        raise UserError(
            f"{folder} is not a run folder and contains none (no {RECORD_FILE}); "
            "give the --out folder of `python -m trainer`"
        )
    return runs


def table(rows: Sequence[Row], metrics: Sequence[str]) -> Table:
    """One line per run: its setting, scores, and reconstruction and KL in nats per image."""
    shown = Table(caption="reconstruction and KL in nats per image")
    for name in ("run", "beta", "latents", "seed", *metrics, "reconstruction", "KL"):
        shown.add_column(name, justify="left" if name == "run" else "right")
    for result, values in rows:
        config = result["config"]
        cells = [result["run"], *(f"{config[key]:g}" for key in ("beta", "latents", "seed"))]
        if values is None:
            shown.add_row(*cells, f"failed: {result['reason']}")
            continue
        scores = [_shown(values["measures"][name].get("score"), 4) for name in metrics]
        shown.add_row(*cells, *scores, _shown(values["reconstruction"], 2), _shown(values["kl"], 2))
    return shown


def _evaluate_all(
    folders: Sequence[Path], evaluation: Evaluation, options: argparse.Namespace
) -> list[Row]:
    """Evaluates runs data set by data set, each run on the one that it was trained on."""
    by_data = defaultdict(list)
    for folder in folders:
        reading = read_record(folder, RECORD_FILE, hashes=False)
        if reading.record is None:
            raise UserError(f"{reading.reason}; train this run again, or move it away")
        config = reading.record["config"]
        text = json.dumps([config["dataset"], config.get("sources", {})], sort_keys=True)
        by_data[text].append(folder)
    rows: list[Row] = []
    for text, runs in by_data.items():
        dataset, sources = json.loads(text)
        if options.labels is not None:
            dataset["options"]["labels"] = yaml.safe_load(options.labels)
        data = load(dataset["name"], sources=sources, **dataset["options"])
        results = evaluate(runs, data, evaluation, options.device)
        identities = evaluation_ids(results, evaluation, data)
        rows += [
            (result, result["evaluations"].get(identity))
            for result, identity in zip(results, identities, strict=True)
        ]
    return rows


def _metric(text: str) -> tuple[str, dict[str, Any]]:
    """`higgins:protocol=dlib,pairs=20` as ("higgins", {"protocol": "dlib", "pairs": 20})."""
    name, _, rest = text.partition(":")
    if name.endswith(".py"):  # FILE.py:NAME
        attribute, _, rest = rest.partition(":")
        name = f"{name}:{attribute}"
        trust_files([name])
    options = {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise FieldError(f"expected NAME:option=value,..., got '{text}'", ("--metric",))
        options[key.strip()] = yaml.safe_load(value)
    return name, options


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation",
        description="Scores trained runs, writes result.json into their folders and prints a "
        "table. Runs that already have these scores are not evaluated again.",
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="a run folder, or a folder of run folders"
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME[:option=value,...]",
        help="a metric, e.g. mig or higgins:protocol=dlib; may be repeated (default: "
        "higgins:protocol=paper); or your own, FILE.py:NAME[:option=value,...]",
    )
    parser.add_argument(
        "--labels",
        help="labels to use: all, a number of images, or a CSV/NPZ file (default: as trained)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ... (default: auto)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
