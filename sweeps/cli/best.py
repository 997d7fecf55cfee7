"""`sweep best`: the best setting, overall and for each latent size."""

from argparse import Namespace
from typing import Any

from evaluation.analysis.answer import Best
from evaluation.analysis.formatting import fixed, metric_name
from evaluation.analysis.inference.variance_shares import in_words
from evaluation.analysis.sentences import headline
from sweeps import by_eye
from sweeps.api import of_other_metrics, of_snapshot
from sweeps.cli.output import console, interval, number, parameters, print_json, table
from sweeps.console.inverted_u import draw_inverted_u
from sweeps.console.printing import bold
from sweeps.run_store import Store
from sweeps.sweep import Sweep


def execute(args: Namespace) -> int:
    """Prints the answer."""
    store = Store(args.store)
    sweep = Sweep.load(store.find_spec(args.file, args.overrides), store)
    glance = store.glance()
    snapshot = sweep.snapshot(glance)
    answer = of_snapshot(snapshot)
    others = of_other_metrics(sweep, glance)
    matters = snapshot.answer.matters
    by_hand = by_eye.chosen(store, sweep.name)
    if args.json:
        more = {m: as_json(other) for m, other in others.items()}
        print_json(as_json(answer) | {"matters": matters, "chosen": by_hand, "metrics": more})
    else:
        draw_inverted_u(snapshot.answer.choice, console)
        show(answer)
        if matters:
            console.print(f"  {in_words(matters)}", soft_wrap=True)
        if by_hand:
            console.print(f"  {by_eye.sentence(by_hand)}", soft_wrap=True)
        for metric, other in others.items():
            show_other(metric, other)
    return 0


def show(answer: Best) -> None:
    """Prints the best setting and a table of the best per latent size."""
    numbers = ("latents M", "β", "is as good as the best", "good β", "β_norm", "score", "spread")
    rows = table(*numbers, "seeds", "failed", "at this M", "")
    for latents, setting in answer.per_latents.items():
        is_best = latents == answer.latents
        rows.add_row(
            str(latents),
            number(setting.beta),
            _fixed(setting.probability_within, 2),
            interval(setting.good_beta),
            f"{setting.beta_norm:.3g}",
            _fixed(setting.score, 3),
            _fixed(setting.spread, 3),
            str(setting.seeds),
            str(setting.failed),
            setting.verdict,
            parameters(setting.parameters),
            style="bold" if is_best else None,
        )
    if len(answer.per_latents) > 1:
        console.print("For each latent size on its own, compared with the other β at that size:")
        console.print(rows)
        console.print("Over all latent sizes:")
    console.print(bold(headline(answer)), soft_wrap=True)
    for sentence in answer.sentences:
        console.print(f"  {sentence}", soft_wrap=True)


def show_other(metric: str, answer: Best) -> None:
    """Prints one line with the answer by another metric of the same models."""
    found = f"β = {number(answer.beta)} with {answer.latents} latents"
    console.print(
        f"by {metric_name(metric)}: {'no best β' if answer.unusable else found}, score "
        f"{_fixed(answer.score, 3)} ({answer.verdict}; details: metric.name={metric})",
        soft_wrap=True,
    )


def _fixed(value: float | None, decimals: int) -> str:
    return "–" if value is None else fixed(value, decimals)


def as_json(answer: Best) -> dict[str, Any]:
    """Plain values: the setting to use under `best`, then by latent size."""
    per_latents = {str(m): best.to_json() for m, best in answer.per_latents.items()}
    return {"best": answer.to_json(), "per_latents": per_latents}
