"""The table every analysis starts from: one row per run, from stored results or from MLflow."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from evaluation.analysis.factors import Knowledge, read_factors
from evaluation.analysis.run_health import RunHealth, read_health
from trainer.config.normalised_beta import normalised
from trainer.config.schema import suggestion
from trainer.errors import UserError

State = Literal["finished", "failed", "undefined"]
SWEPT = ("beta", "latents", "seed")  # have their own columns; all other choices are `parameters`
UNDEFINED_WHEN_COLLAPSED = frozenset({"udr"})  # agreement over live latents, of which none exist
LABELS = "dataset.options.labels"  # not a parameter: two sweeps may share a run but not its labels


@dataclass(frozen=True)
class Floor:
    """The metric on codes shuffled among the images: its lowest meaningful value.

    mean, spread: mean and standard deviation over this many shuffles.
    """

    mean: float
    spread: float
    shuffles: int


@dataclass(frozen=True)
class RunRow:
    """One model: one setting and one seed.

    run: id, the name of its folder in the store.
    state: "failed" when training diverged or left no finite score, "undefined" when the metric has
        no value for a collapsed model; in both cases `reason` says why and `scores` is empty.
    beta_norm: beta * latents / N, N = pixels x channels (Higgins et al. 2017, A.5).
    scores: one per classifier seed (three under the paper's protocol), raw.
    reconstruction: E_q log p(x|z) in nats per image (negative; higher is better); nan when unknown.
    kl: KL(q(z|x) || p(z)) in nats per image; nan when unknown. kl_per_latent: (latents,) or empty.
    parameters: every other choice that differs between the rows of this table, by dotted name; not
        an option that follows from the objective, likelihood, … of its row.
    shared: every other choice that does not differ.
    metric: the name of the metric of `scores`; empty when unknown.
    floor: of the metric on this run's codes; None when not measured.
    factors: the code's knowledge of each factor; empty when not measured.
    health: whether the model is usable at all.
    chance: the metric of an uninformative representation; nan when it has no such level.
    setting: number of the setting in its sweep; -1 when unknown.
    others: scores of the other metrics, by name; nan where not finite.
    """

    run: str
    state: State
    beta: float
    beta_norm: float
    latents: int
    seed: int
    scores: tuple[float, ...] = ()
    reconstruction: float = math.nan
    kl: float = math.nan
    kl_per_latent: tuple[float, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    chance: float = math.nan
    setting: int = -1
    reason: str | None = None
    folder: Path | None = None
    others: Mapping[str, float] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)
    metric: str = ""
    floor: Floor | None = None
    factors: Mapping[str, Knowledge] = field(default_factory=dict)
    health: RunHealth = field(default_factory=RunHealth)

    @property
    def score(self) -> float:
        """Mean over the classifier scores; nan for a run without any."""
        return sum(self.scores) / len(self.scores) if self.scores else math.nan


class Frame(Protocol):
    """The interface of a data frame: its column names, and a column by name."""

    columns: Any

    def __getitem__(self, name: Any) -> Any: ...


def rows_from_results(
    results: Iterable[Mapping[str, Any]], evaluation_id: str, metric: str = "higgins"
) -> tuple[RunRow, ...]:
    """Rows from the contents of `result.json` files, scored by `metric` of one evaluation.

    Optional keys `setting` (int) and `folder` (path), which a sweep may add to a result, are kept,
    and a result's own `evaluation` overrides `evaluation_id`.
    A run given twice counts once. Raises UserError for a finished run without this evaluation.
    """
    rows = {result["run"]: _row_from_result(result, evaluation_id, metric) for result in results}
    return _keep_what_varied(rows.values())


def rows_from_dataframe(
    frame: Frame, metric: str = "higgins", pixels: int | None = None
) -> tuple[RunRow, ...]:
    """Rows from a data frame of `mlflow.search_runs()`.

    Needs the columns `params.beta`, `params.latents`, `metrics.<metric>`, and `params.beta_norm`
    unless `pixels` (N, pixels x channels) is given. Uses when present: `run_id`, `status`,
    `params.seed`, `metrics.reconstruction`, `metrics.kl`, `metrics.kl_per_latent.<m>`,
    `metrics.<metric>.scores.<i>`, `metrics.<metric>.chance`, `metrics.<metric>.floor.<figure>`,
    `metrics.factors.<name>.<figure>`, `metrics.health.<figure>`, and the tags `run`, `setting`,
    `state`, `reason`, `folder`. Runs without a beta (a sweep's parent run) and unfinished runs are
    left out, and one given twice counts once. Raises UserError for a missing column.

    Example:
        >>> import mlflow
        >>> from evaluation.analysis.conclude import answer
        >>> rows = rows_from_dataframe(mlflow.search_runs(experiment_names=["dsprites-beta"]))
        >>> print(answer(rows))
    """
    names = [str(name) for name in frame.columns]
    for needed in ("params.beta", "params.latents", f"metrics.{metric}"):
        if needed not in names:
            raise UserError(f"data frame has no column {needed!r}{suggestion(needed, names)}")
    columns = {name: list(frame[name]) for name in names}
    records = (
        {name: columns[name][i] for name in names} for i in range(len(columns["params.beta"]))
    )
    rows = [_row_from_record(r, metric, pixels) for r in records if _is_ended_run(r)]
    return _keep_what_varied({row.run: row for row in rows}.values())


def together(rows: Iterable[RunRow]) -> tuple[RunRow, ...]:
    """Rows of several tables as one, whose `parameters` are those that differ across all rows."""
    return _keep_what_varied(
        replace(row, parameters={**row.shared, **row.parameters}, shared={}) for row in rows
    )


def _row_from_result(result: Mapping[str, Any], evaluation_id: str, metric: str) -> RunRow:
    config = result["config"]
    beta, latents = float(config["beta"]), int(config["latents"])
    row = RunRow(
        run=result["run"],
        state="failed",
        beta=beta,
        beta_norm=normalised(beta, latents, math.prod(result["data"]["shape"])),
        latents=latents,
        seed=int(config["seed"]),
        parameters={k: v for k, v in flatten(config).items() if not _is_own(k)},
        setting=int(result.get("setting", -1)),
        reason=result.get("reason"),
        folder=Path(result["folder"]) if result.get("folder") else None,
        metric=metric,
    )
    health = _mapping(result.get("health"))
    if result["state"] == "failed":
        return replace(row, health=read_health(health, (), failed=True))
    evaluation_id = result.get("evaluation", evaluation_id)
    evaluation = result["evaluations"].get(evaluation_id)
    if evaluation is None or metric not in evaluation["measures"]:
        raise UserError(
            f"run {row.run} has no {metric!r} score from evaluation {evaluation_id}: "
            "evaluate its folder again"
        )
    measured = evaluation["measures"][metric]
    kl_per_latent = tuple(map(_number, evaluation.get("kl_per_latent") or ()))
    return _scored(
        replace(
            row,
            reconstruction=_number(evaluation.get("reconstruction")),
            kl=_number(evaluation.get("kl")),
            kl_per_latent=kl_per_latent,
            floor=_floor(_mapping(measured.get("floor"))),
            factors=read_factors(evaluation.get("factors")),
            health=_completed(read_health(health, kl_per_latent, failed=False), measured),
            chance=_number(measured.get("chance")),
            others={
                name: _number(figures.get("score"))
                for name, figures in evaluation["measures"].items()
                if name != metric
            },
            reason=measured.get("reason"),
        ),
        measured.get("scores") or [measured.get("score")],
    )


def _is_ended_run(record: Mapping[str, Any]) -> bool:
    return math.isfinite(_number(record["params.beta"])) and _state(record) in (
        "finished",
        "failed",
    )


def _state(record: Mapping[str, Any]) -> str:
    tagged, status = _present(record.get("tags.state")), _present(record.get("status"))
    return str(tagged or status or "finished").lower()


def _row_from_record(record: Mapping[str, Any], metric: str, pixels: int | None) -> RunRow:
    beta, latents = _number(record["params.beta"]), int(_number(record["params.latents"]))
    given = _number(record.get("params.beta_norm"))
    beta_norm = normalised(beta, latents, pixels) if pixels else given
    run = str(_present(record.get("tags.run")) or _present(record.get("run_id")) or "")
    if not math.isfinite(beta_norm):
        raise UserError(f"run {run!r} has no params.beta_norm: pass pixels=, its pixels x channels")
    failed = _state(record) == "failed"
    kl_per_latent = () if failed else _numbered(record, "metrics.kl_per_latent.")
    health = read_health(_nested(record, "metrics.health."), kl_per_latent, failed)
    active = {"active": record.get(f"metrics.{metric}.active")}
    row = RunRow(
        run=run,
        state="failed",
        beta=beta,
        beta_norm=beta_norm,
        latents=latents,
        seed=int(_number(record.get("params.seed"), 0)),
        reconstruction=_number(record.get("metrics.reconstruction")),
        kl=_number(record.get("metrics.kl")),
        kl_per_latent=kl_per_latent,
        parameters={
            name.removeprefix("params."): _present(value)
            for name, value in record.items()
            if name.startswith("params.") and not _is_own(name.removeprefix("params."))
        },
        chance=_number(record.get(f"metrics.{metric}.chance")),
        setting=int(_number(record.get("tags.setting"), -1)),
        reason=_present(record.get("tags.reason")) or None,
        folder=Path(record["tags.folder"]) if _present(record.get("tags.folder")) else None,
        metric=metric,
        floor=_floor(_nested(record, f"metrics.{metric}.floor.")),
        factors=read_factors(_by_factor(_nested(record, "metrics.factors."))),
        health=_completed(health, active),
    )
    if failed:
        return row
    scores = _numbered(record, f"metrics.{metric}.scores.") or (record[f"metrics.{metric}"],)
    return _scored(row, scores)


def _completed(health: RunHealth, measured: Mapping[str, Any]) -> RunHealth:
    """`health` with what the metric itself says about live latents (UDR), for older results."""
    active = _number(measured.get("active"))
    if health.live_latents is not None or not math.isfinite(active):
        return health
    return replace(health, live_latents=int(active), collapsed=active == 0)


def _scored(row: RunRow, scores: Sequence[object]) -> RunRow:
    """`row` finished with these scores; undefined or failed when one of them is not finite."""
    numbers = tuple(map(_number, scores))
    if row.metric in UNDEFINED_WHEN_COLLAPSED and row.health.collapsed:
        reason = row.reason or f"no latent is alive, so {row.metric} is undefined"
        return replace(row, state="undefined", reason=reason)
    if all(map(math.isfinite, numbers)):
        return replace(row, state="finished", scores=numbers)
    if row.metric in UNDEFINED_WHEN_COLLAPSED and row.health.live_latents and row.reason:
        return replace(row, state="undefined")  # alive, but no other seed to compare it with
    return replace(row, reason=row.reason or "its score is not finite")


def _floor(record: Mapping[str, Any]) -> Floor | None:
    mean = _number(record.get("mean"))
    if not math.isfinite(mean):
        return None
    return Floor(mean, _number(record.get("spread")), int(_number(record.get("shuffles"), 0)))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _nested(record: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The columns that begin with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in record.items() if k.startswith(prefix)}


def _by_factor(columns: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`<factor>.<figure>` columns as a mapping per factor, whose name may contain dots."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in columns.items():
        factor, _, figure = name.rpartition(".")
        found.setdefault(factor, {})[figure] = value
    return found


def _numbered(record: Mapping[str, Any], prefix: str) -> tuple[float, ...]:
    """The finite values of the columns `<prefix>0`, `<prefix>1`, … in order."""
    found = {
        int(name.removeprefix(prefix)): _number(value)
        for name, value in record.items()
        if name.startswith(prefix) and name.removeprefix(prefix).isdecimal()
    }
    return tuple(found[i] for i in sorted(found) if math.isfinite(found[i]))


def _keep_what_varied(rows: Iterable[RunRow]) -> tuple[RunRow, ...]:
    """Rows whose `parameters` are only those that differ between them; the rest is `shared`."""
    rows = tuple(rows)
    names = sorted({name for row in rows for name in row.parameters})
    varied = [
        name
        for name in names
        if len({repr(row.parameters.get(name)) for row in rows}) > 1
        and not _follows_from_its_choice(name, rows)
    ]
    alike = [name for name in names if name not in varied]
    kept: dict[str, dict[str, Any]] = {}  # each mapping once: there may be very many rows

    def part(row: RunRow, some: Sequence[str]) -> dict[str, Any]:
        values = {name: row.parameters.get(name) for name in some}
        return kept.setdefault(repr(values), values)

    return tuple(
        replace(row, parameters=part(row, varied), shared=part(row, alike)) for row in rows
    )


def _follows_from_its_choice(option: str, rows: Sequence[RunRow]) -> bool:
    """Whether an option such as `objective_options.p0` has one value for each `objective`."""
    choice, is_option, _ = option.partition("_options.")
    pairs = {(repr(r.parameters.get(choice)), repr(r.parameters.get(option))) for r in rows}
    return bool(is_option) and len(pairs) == len({value for value, _ in pairs})


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted names: {"a": {"b": 1}} as {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _is_own(parameter: str) -> bool:
    """Whether it has its own column or, as a user's source code, is no setting at all."""
    return parameter in (*SWEPT, "beta_norm", LABELS) or parameter.startswith("sources.")


def _number(value: object, missing: float = math.nan) -> float:
    """A number, or a string of one, as float; `missing` for None, nan and all other strings."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return missing
    return missing if math.isnan(number) else number


def _present(value: Any) -> Any:
    """`value`, or None where a data frame marks it as missing (None or nan)."""
    return None if value is None or value != value else value
