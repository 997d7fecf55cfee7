"""The sweep from Python: run it, and ask for its answer."""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.analysis.advice import CANNOT_TELL, Verdict
from evaluation.analysis.best import Best as Certainty
from evaluation.analysis.best import name_setting
from evaluation.analysis.choose import SettingSummary
from evaluation.analysis.conclude import Conclusion
from sweeps.run_store import Store
from sweeps.sweep import Snapshot, Sweep
from sweeps.sweepfile import SweepSpec, load_spec, spec_of
from trainer.errors import UserError
from trainer.extensions import trust_files

Given = SweepSpec | Mapping[str, Any] | str | Path  # a sweep, as a caller may name it


@dataclass(frozen=True)
class Best:
    """The best setting over its seeds, and how sure that is.

    beta_norm: beta * M / N (Higgins et al. 2017, A.5); latents: M.
    score: over all seeds, by the paper's policy; spread: its standard deviation over seeds, None
        for one seed.
    seeds: how many there are, of which `failed` failed and count at chance level.
    parameters: every other choice that differs between the settings.
    interval: of the best beta, with 90 % probability; `beta` lies in it. None when the runs say
        nothing about beta.
    probability_best: that no other setting tried has a better mean score over seeds.
    tied: the settings tried that cannot be told from it, itself first; faithful: the one among
        them that reconstructs best. Each with `setting` (its number), `beta`, `beta_norm`,
        `latents`, `parameters` and `reconstruction` (nats an image).
    verdict: "clear" or "cannot tell"; reasons: why it cannot, and what to do.
    sentences: all this in words; empty in those of `per_latents`.
    per_latents: the best setting of each latent size; empty in those themselves.
    """

    beta: float
    beta_norm: float
    latents: int
    score: float
    seeds: int
    spread: float | None
    failed: int
    parameters: Mapping[str, Any]
    interval: tuple[float, float] | None = None
    probability_best: float | None = None
    tied: tuple[Mapping[str, Any], ...] = ()
    faithful: Mapping[str, Any] | None = None
    verdict: Verdict = CANNOT_TELL
    reasons: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    per_latents: Mapping[int, "Best"] = dataclasses.field(default_factory=dict)


def run(
    sweep: Given,
    store: str | Path | Store = "store",
    address: str | None = None,
    overrides: Sequence[str] = (),
) -> Best:
    """Runs a sweep to its end, writes its report and returns the best setting.

    sweep: a sweep file (with `overrides`, texts `key=value`), a mapping with the same keys, or
        a SweepSpec.
    store: where finished runs are kept; what is there already is not trained again.
    address: of a Ray cluster; without, Ray is started on this machine.
    Raises UserError for mistakes, before anything is started, KeyboardInterrupt when stopped, and
    RuntimeError when trials failed and no setting is complete. Run it again to resume.

        run("sweeps/quickstart.yaml", store="store", overrides=["seeds=2"]).beta
    """
    from sweeps import driver  # Ray, Optuna and MLflow

    outcome = driver.run(_spec(sweep, None, overrides), _store(store), address)
    if outcome.interrupted:
        raise KeyboardInterrupt
    if outcome.conclusion is None:
        raise RuntimeError("no setting is complete: some of its trials failed")
    return of_conclusion(outcome.conclusion)


def best(sweep: Given, store: str | Path | Store = "store") -> Best:
    """The best setting of a sweep: of its file, or of the name that it was run by.

    While the sweep is not complete, it is the best of what there is, and the sentences say so.
    Raises UserError when no run has ended.

        best("quickstart", store="store").beta
    """
    store = _store(store)
    return of_snapshot(Sweep.load(_spec(sweep, store), store).snapshot())


def report(sweep: Given, store: str | Path | Store = "store") -> Path:
    """Writes the report of a sweep from what is in the store, and returns the HTML file."""
    from sweeps.reporting.report import make_report

    store = _store(store)
    return make_report(Sweep.load(_spec(sweep, store), store).snapshot())


def find_spec(sweep: str | Path, store: Store, overrides: Sequence[str] = ()) -> SweepSpec:
    """The sweep of a file, or of the name of one that was run in `store`. Raises UserError."""
    return load_spec(sweep, overrides) if is_file(sweep) else store.load_spec(str(sweep), overrides)


def is_file(sweep: str | Path) -> bool:
    """Whether what was given is a sweep file, not the name of a sweep."""
    return Path(sweep).suffix in (".yaml", ".yml") or Path(sweep).is_file()


def of_snapshot(snapshot: Snapshot) -> Best:
    """The answer of what the store held, with what it rests on first among the sentences."""
    found = of_conclusion(snapshot.conclusion)
    return dataclasses.replace(found, sentences=(*snapshot.remarks, *found.sentences))


def of_other_metrics(sweep: Sweep) -> dict[str, Best]:
    """The answer by each other metric that was taken of the models, where it has one."""
    found = {}
    for other in sweep.other_metrics():
        with contextlib.suppress(UserError):
            found[other.metrics.metric] = of_snapshot(other.snapshot())
    return found


def of_conclusion(conclusion: Conclusion) -> Best:
    """The answer as plain values."""
    choice, answer = conclusion.choice, conclusion.answer
    doubt = (conclusion.doubt,) if conclusion.doubt else ()
    sure = answer.per_latents if answer is not None else {}
    per_latents = {m: _best(s, sure.get(m), doubt) for m, s in choice.per_latents.items()}
    overall = _best(choice.best, answer.best if answer is not None else None, doubt)
    said = tuple(conclusion.sentences())
    return dataclasses.replace(overall, per_latents=per_latents, sentences=said)


def _best(setting: SettingSummary, sure: Certainty | None, doubt: tuple[str, ...]) -> Best:
    best = Best(
        beta=setting.beta,
        beta_norm=setting.beta_norm,
        latents=setting.latents,
        score=setting.score,
        seeds=setting.seeds,
        spread=None if setting.spread != setting.spread else setting.spread,  # nan for one seed
        failed=setting.failed,
        parameters=dict(setting.parameters),
        reasons=doubt,
    )
    if sure is None:
        return best
    return dataclasses.replace(
        best,
        interval=sure.interval,
        probability_best=sure.probability_best,
        tied=tuple(name_setting(other) for other in sure.tied),
        faithful=name_setting(sure.faithful) if sure.faithful else None,
        verdict=sure.verdict,
        reasons=sure.reasons,
    )


def _store(store: str | Path | Store) -> Store:
    return store if isinstance(store, Store) else Store(store)


def _spec(sweep: Given, store: Store | None, overrides: Sequence[str] = ()) -> SweepSpec:
    if isinstance(sweep, SweepSpec):
        return sweep
    if isinstance(sweep, Mapping):
        trust_files(sweep)
        return spec_of(sweep)
    return load_spec(sweep, overrides) if store is None else find_spec(sweep, store, overrides)
