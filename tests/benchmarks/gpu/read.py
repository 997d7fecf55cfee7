"""Reads what came back from a GPU: rows for README's table, and `sweeps/reference/dsprites/`."""

import json
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NAME, ARCHIVE = "dsprites", "study.tar.gz"  # of the study
COMMAND = "python -m tests.benchmarks.gpu"
NETS = {"fc1200": "FC-1200", "burgess": "the Burgess net"}
SIZES = {"fc1200": 32, "burgess": 64}  # K of the rows for README
UNMEASURED = "; no GPU has been measured yet"


def read(folder: Path, root: Path) -> None:
    """Writes the reference, and puts the rows into README and the reference's own.

    folder: what a run was given as --out; parts that are missing are left out. root: of the
    project. Run again, it replaces what it wrote.
    """
    reference = root / "sweeps" / "reference"
    lines, study = found(folder), _part(folder, "study")
    if study.get("models"):
        answer = _reference(folder, reference / NAME, study)
        lines.append(_study(study, answer))
        row = _row(f"`{NAME}/`", f"`{COMMAND}`, then `--read`", study["card"], _took(study))
        _put(reference / "README.md", [row], f"`{NAME}/`")
    if lines:
        _put(root / "README.md", [_row(*line, f"`{COMMAND}`") for line in lines], f"`{COMMAND}`")
    readme = root / "README.md"
    readme.write_text(readme.read_text().replace(UNMEASURED, ""))
    show(lines)


def found(folder: Path) -> list[tuple[str, str]]:
    """What was measured, and the figures, of all but the study."""
    lines = []
    for name, told in (("speed", _speed), ("correctness", _correctness)):
        if part := _part(folder, name):
            lines += told(part, part["card"])
    return lines


def show(lines: Sequence[tuple[str, str]]) -> None:
    """Prints what was measured, a line each."""
    print("\n".join(" | ".join(line) for line in lines), flush=True)


def _part(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _speed(part: dict[str, Any], card: str) -> list[tuple[str, str]]:
    """The fastest precision of each network at the size that counts, batch 64, and the scoring."""
    lines = []
    for net in dict.fromkeys(row["net"] for row in part.get("packs", ())):
        rows = [r for r in part["packs"] if r["net"] == net and r["recorded"] and "images" in r]
        sizes = sorted({row["models"] for row in rows})
        if not sizes:
            continue
        size = SIZES[net] if SIZES.get(net) in sizes else sizes[-1]
        batch = min(row["batch"] for row in rows)
        best = max(
            (row for row in rows if (row["models"], row["batch"]) == (size, batch)),
            key=lambda row: row["images"],
        )
        figure = (
            f"{best['models_steps']:,.0f} models · steps a second, {best['images']:,.0f} images"
        )
        figure += f": {best['times_alone']:.1f} times the single model"
        if "times_plain" in best:
            figure += f", {best['times_plain']:.1f} times a plain PyTorch loop (fp32)"
        if "of_floor" in best:
            figure += f", {best['of_floor']:.0%} of the floor, {best['of_memory']:.0%} of memory's"
        what = f"{NETS.get(net, net)}, {size} models, batch {batch}, {best['precision']}, {card}"
        lines.append((what, figure))
    for row in part.get("evaluation", ()):
        what = f"Higgins scores of {row['models']} models for ten seeds, {card}"
        lines.append((what, f"{sum(row['seconds']):.1f} s"))
    return lines


def _correctness(part: dict[str, Any], card: str) -> list[tuple[str, str]]:
    outcomes = part.get("outcomes")
    if not outcomes:
        return []
    failed = f"{outcomes.get('failed', 0)} failed"
    skipped = f", {outcomes['skipped']} skipped" if outcomes.get("skipped") else ""
    figure = f"{outcomes.get('passed', 0)} passed, {failed}{skipped}"
    return [(f"the trainer's tests on {card}, torch {part['torch']}", figure)]


def _study(part: dict[str, Any], answer: dict[str, Any]) -> tuple[str, str]:
    best = answer["best"]
    what = f"β × M on 2D shapes, {part['models']} models of {part['steps']:,} steps, {part['card']}"
    interval = best["interval"]
    ends = f" ({interval[0]:.3g} to {interval[1]:.3g})" if interval else ""
    return what, f"{_took(part)}; β = {best['beta']:.3g}{ends} at M = {best['latents']}"


def _took(part: dict[str, Any]) -> str:
    seconds = sum(pack.get("seconds_in_all", 0) for pack in part["packs"])
    return f"{seconds / 60:.1f} min"


def _reference(folder: Path, target: Path, part: dict[str, Any]) -> dict[str, Any]:
    """The answer and the pictures that `sweep` gives from the archive."""
    from sweeps import api
    from sweeps.cli.best import as_json

    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(folder / ARCHIVE) as archive:
            archive.extractall(place, filter="data")
        answer: dict[str, Any] = as_json(api.best(NAME, place))
        page = api.report(NAME, place)
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(page.parent / "inverted_u.png", target / "inverted_u.png")
        shutil.copy(Path(place) / "sweeps" / NAME / "spec.yaml", target / "spec.yaml")
    (target / "best.json").write_text(json.dumps(answer, indent=1) + "\n")
    (target / "README.md").write_text(_page(part, answer))
    return answer


def _page(part: dict[str, Any], answer: dict[str, Any]) -> str:
    scores = [row for pack in part["packs"] for row in pack.get("scores", ())]
    metric = next(key for key in scores[0] if key in ("higgins", "udr"))
    best = answer["best"]
    table = [
        _row("M", "β", "score", "reconstruction, nats", "KL, nats", "seeds"),
        _row(*["---"] * 6),
    ]
    for row in sorted(scores, key=lambda row: (row["latents"], row["beta"])):
        figures = (row.get(key) for key in (metric, "reconstruction", "kl"))
        numbers = ("–" if value is None else f"{value:.3f}" for value in figures)
        table.append(_row(str(row["latents"]), f"{row['beta']:g}", *numbers, str(row["seeds"])))
    done = f"{part['models']} models of {part['steps']:,} steps in {part['precision']}"
    head = [
        "# 2D shapes, β × M",
        "",
        f"`{COMMAND}`, read by `{COMMAND} --read DIR`.",
        f"On {part['card']} with torch {part['torch']}, {part['date']}: {done}, {_took(part)}.",
        f"Best: β = {best['beta']:g} at M = {best['latents']}; verdict: {best['verdict']}.",
        "`best.json` is what `sweep best --json` printed, `inverted_u.png` the report's first",
        "figure, and `spec.yaml` the sweep.",
        "",
        "![Score against normalised β for each latent size](inverted_u.png)",
        "",
    ]
    return "\n".join([*head, *table]) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _put(path: Path, rows: Sequence[str], mark: str) -> None:
    """Puts rows at the end of the file's table of commands; earlier ones with `mark` go."""
    lines = [line for line in path.read_text().splitlines() if not _is_row_of(line, mark)]
    last = next(n for n, line in enumerate(lines) if line.startswith("|") and "| command |" in line)
    while last + 1 < len(lines) and lines[last + 1].startswith("|"):
        last += 1
    path.write_text("\n".join([*lines[: last + 1], *rows, *lines[last + 1 :]]) + "\n")


def _is_row_of(line: str, mark: str) -> bool:
    return line.startswith("|") and (line.endswith(f"| {mark} |") or line.startswith(f"| {mark} |"))
