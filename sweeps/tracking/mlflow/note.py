"""MLflow's notes on a sweep and on its registered model, in Markdown."""

from collections.abc import Sequence
from urllib.parse import urlencode

from evaluation.analysis.answer import Answer, Best
from evaluation.analysis.formatting import count, fixed, number, score_name
from evaluation.analysis.settings.names import describe_parameters
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.report.charts.axis import BETA, named_axis_of

PICTURE = "report/inverted_u.png"  # among the artifacts of the sweep's run
KNOWN = "How much its code knows about each factor (0: chance, 1: everything)"
LONGEST = 4_500  # characters of a note; MLflow takes 5,000 of a tag on some databases


def sweep_note(answer: Answer, metric: str, run: str | None, chosen: str = "") -> str:
    """The answer as a headline, a line of figures, its plot and its sentences.

    run: the id of the sweep's run in MLflow, if the plot is among its artifacts.
    chosen: what a person chose by eye, in a sentence.
    """
    best, axis = answer.best, named_axis_of(answer.choice)
    interval = f"{number(best.interval[0])} to {number(best.interval[1])}" if best.interval else "–"
    facts = [
        *([f"{answer.level:.0%} interval {interval}"] if axis is BETA else []),
        f"M {best.latents}",
        f"β_norm {number(best.beta_norm)}",
        *describe_parameters(best.setting),
        f"{score_name(metric)} {fixed(best.score, 3)} over {count(best.seeds, 'seed')}"
        + (f", {best.failed} failed" if best.failed else ""),
        f"reconstruction {fixed(best.setting.reconstruction, 1)} nats per image",
        f"verdict: {best.verdict}",
    ]
    # MLflow shows the first lines, and the rest on demand
    title = f"Best {axis.label} {number(axis(best.setting))}"
    if best.unusable:
        title = f"No best {axis.label}: of those tried, {number(axis(best.setting))} comes first"
    parts = [f"# {title}", " · ".join(facts)]
    if run is not None:
        # relative to MLflow's address: works wherever it is served
        query = urlencode({"path": PICTURE, "run_uuid": run})
        parts.append(f"![Score against {axis.label}](get-artifact?{query})")
    parts += [chosen] if chosen else []
    parts.append("\n".join(f"- {sentence}" for sentence in best.sentences))
    if held := factors_of(best.setting):
        parts.append(f"**{KNOWN}**\n\n{held}")
    parts.append("The whole report is among the artifacts: `report/index.html`.")
    return "\n\n".join(parts)[:LONGEST]


def model_card(best: Best, sweep: str, metric: str) -> str:
    """Describes a registered model: its sweep, which factors it encodes, how to use it."""
    role = "β-VAE that comes first in" if best.unusable else "β-VAE to use from"
    parts = [
        f"The {role} the sweep `{sweep}`: β = {number(best.beta)}, {best.latents} "
        f"latents{''.join(f', {each}' for each in describe_parameters(best.setting))}.",
        f"A typical seed of its setting, whose {score_name(metric)} is {fixed(best.score, 3)} over "
        f"{count(best.seeds, 'seed')}; it reconstructs at {fixed(best.setting.reconstruction, 1)} "
        "nats per image. "
        f"Verdict on its β: {best.verdict}.",
        *([f"It is not worth using: {best.unusable}."] if best.unusable else []),
    ]
    held = [name for name, each in best.setting.factors.items() if each.encoded]
    lost = [name for name, each in best.setting.factors.items() if not each.encoded]
    if best.setting.factors:
        said = f"Its code keeps {', '.join(held) or 'none of the factors'}"
        parts.append(f"{said} and loses {', '.join(lost)}." if lost else f"{said}.")
        parts += [f"{KNOWN}:", factors_of(best.setting)]
    else:
        parts.append("What its code knows about factors was not measured, as none is labelled.")
    parts.append(
        f'`mlflow.pyfunc.load_model("models:/{sweep}@best").predict(images)` takes images (n, '
        "channels, height, width) as floats in [0, 1] and returns the means of the latents, (n, "
        "M). Its `get_raw_model()` also decodes, traverses and samples."
    )
    return "\n\n".join(parts)[:LONGEST]


def factors_of(setting: SettingSummary) -> str:
    """A table of what the code knows of each factor; "" where not measured."""
    rows = [
        (name, fixed(each.known, 2), fixed(each.best_latent, 2), "yes" if each.encoded else "lost")
        for name, each in setting.factors.items()
    ]
    return _table(rows, ("factor", "whole code", "best latent", "kept")) if rows else ""


def _table(rows: Sequence[Sequence[str]], headings: Sequence[str] = ("", "")) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    safe = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in safe)
