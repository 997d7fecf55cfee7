"""`sweep compare`: the best betas of several sweeps side by side, with their error bars."""

from argparse import Namespace
from pathlib import Path

from evaluation.analysis.answer import Best
from evaluation.analysis.formatting import metric_name
from sweeps.cli.best import as_json
from sweeps.cli.output import console, interval, number, print_json, table
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from trainer.files import write_atomically


def execute(args: Namespace) -> int:
    """Prints a table, e.g. of UDR's and Higgins' best beta; draws it if asked to."""
    store, compared = Store(args.store), []
    for file in args.files:
        sweep = Sweep.load(store.find_spec(file), store)
        compared.append((sweep.name, sweep.metrics.metric, sweep.snapshot().answer))
    found = [(name, metric, answer.best) for name, metric, answer in compared]
    if args.json:
        print_json([{"name": n, "metric": m, **as_json(best)} for n, m, best in found])
    else:
        show(found)
    if args.figure:
        from evaluation.report.figures import comparison, style

        lines = [(f"{name}\n{metric_name(m)}", c) for name, m, c in compared]
        write_atomically(Path(args.figure), style.png(comparison.draw(lines)))
    return 0


def show(found: list[tuple[str, str, Best]]) -> None:
    """Prints one line for each sweep's best setting, and one per latent size."""
    rows = table(
        "sweep", "metric", "M", "β", "90 % interval", "is as good as the best", "score", "verdict"
    )
    for name, metric, best in found:
        for label, setting in [("best", best), *best.per_latents.items()]:
            overall = label == "best"
            if overall or len(best.per_latents) > 1:
                rows.add_row(
                    name if overall else "",
                    metric_name(metric) if overall else "",
                    str(setting.latents),
                    number(setting.beta),
                    interval(setting.interval),
                    number(setting.probability_within),
                    number(setting.score),
                    setting.verdict,
                    style="bold" if overall else None,
                )
    console.print(rows)
