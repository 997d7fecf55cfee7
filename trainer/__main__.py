"""`python -m trainer CONFIG.yaml --out DIR`: trains a pack of models; run it again to resume."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from trainer.config.pack_file import PackFile, read_pack
from trainer.config.run import RunConfig
from trainer.config.schema import FieldError
from trainer.data import Dataset, load
from trainer.errors import UserError
from trainer.extensions import trust_files
from trainer.likelihoods.automatic import resolved
from trainer.registries import with_own_code
from trainer.run_folder import run_id
from trainer.training.loop import PackProgress
from trainer.training.packing import Series

PLAIN_SECONDS = 30  # between progress lines without a terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0; 2, with one line on stderr, for a user's mistake; 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__)
    parser.add_argument("config", type=Path, help="YAML file; see trainer/example.yaml")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder in which each run gets its own folder"
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, ...")
    options = parser.parse_args(arguments)
    try:
        return _train(options.config, options.out, options.device)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; run it again to resume", file=sys.stderr)
        return 130


def _train(path: Path, out: Path, device: str) -> int:
    pack = read_pack(path)
    trust_files(pack.document.value)
    configs, dataset = list(pack.configs), pack.configs[0].dataset
    try:
        data = load(dataset.name, **dataset.options)
    except FieldError as error:
        raise pack.error(error.under("dataset")) from None
    configs = [_prepared(config, data, pack) for config in configs]
    folders = [out / run_id(config, data) for config in configs]
    try:
        training = Series(configs, data, folders, device=device)
    except FieldError as error:
        raise pack.error(error) from None
    console = Console(markup=False, emoji=False)
    try:
        _show_terminal(training, console) if console.is_terminal else _show_plain(training)
    except KeyboardInterrupt:
        training.save()
        raise
    _print_records(training.finish(), folders, console)
    return 0


def _prepared(config: RunConfig, data: Dataset, pack: PackFile) -> RunConfig:
    try:
        return with_own_code(resolved(config, data))
    except FieldError as error:
        raise pack.error(error) from None


def _show_terminal(training: Series, console: Console) -> None:
    text = TextColumn("loss {task.fields[loss]}")
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), text)
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("", total=training.steps, completed=training.step, loss="-")
        while not training.finished:
            progress = training.advance(seconds=0.5)
            bar.update(task, completed=progress.step, loss=_losses(progress))


def _show_plain(training: Series) -> None:
    while not training.finished:
        progress = training.advance(seconds=PLAIN_SECONDS)
        print(f"step {progress.step}/{progress.steps}  loss {_losses(progress)}", flush=True)


def _losses(progress: PackProgress) -> str:
    pairs = zip(progress.loss, progress.failed, strict=True)
    return " ".join(
        "failed" if failed is not None else "-" if loss is None else f"{loss:.1f}"
        for loss, failed in pairs
    )


def _print_records(records: list[dict], folders: list[Path], console: Console) -> None:
    table = Table("run", "seed", "beta", "state", "seconds")
    for record, folder in zip(records, folders, strict=True):
        config, state = record["config"], record["reason"] or record["state"]
        table.add_row(
            str(folder), str(config["seed"]), f"{config['beta']:g}", state, f"{record['seconds']:g}"
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
