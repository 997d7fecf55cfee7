"""`sweep plan`: what a sweep would train, and what the store already has."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from evaluation.analysis.formatting import count
from sweeps.cli.output import console, parameters, print_json, table
from sweeps.console.printing import bold
from sweeps.costs.cost import Cost
from sweeps.costs.planned import Planned
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from sweeps.sweepfile.starter import remarks_on_cost
from trainer.data.describe import describe

MAX_SHOWN = 60


def execute(args: Namespace) -> int:
    """Prints the plan."""
    store = Store(args.store)
    sweep = Sweep.load(store.find_spec(args.file, args.overrides), store)
    glance = store.glance()
    planned = Planned.of(sweep, glance)
    cost = planned.cost(glance, args.probe)
    seconds = cost.here.expected if cost is not None and cost.here is not None else None
    plan = _as_json(planned, cost, remarks_on_cost(sweep.spec, sweep.data, seconds))
    if args.json:
        print_json(plan)
        return 0
    _show(plan, planned, cost)
    return 0


def _as_json(planned: Planned, cost: Cost | None, remarks: Sequence[str]) -> dict[str, Any]:
    sweep, spec, data = planned.sweep, planned.sweep.spec, planned.sweep.data
    return {
        "name": spec.name,
        "method": spec.method,
        "metric": sweep.metrics.metric,
        "dataset": {"name": data.name, "source": data.source, "images": len(data)},
        "settings": planned.settings_total,
        "settings_ended_early": planned.ended_early,
        "settings_known": len(planned.settings),
        "trials": planned.trials,
        "trials_left": planned.trials_left,
        "runs": planned.runs,
        "runs_at_most": spec.most_runs,
        "in_store": planned.in_store,
        "to_score": planned.to_score,
        "runs_left": planned.runs_left,
        "device_hours": None if cost is None else cost.to_json(),
        "hours_at_most": spec.budget.most_hours,
        "remarks": [*describe(data), *sweep.metrics.remarks, *remarks],
        "list": [
            {
                "number": one.setting.number,
                "parameters": dict(one.setting.parameters),
                "runs": [run.id for run in one.runs],
                "in_store": one.in_store,
            }
            for one in planned.settings
        ],
    }


def _show(plan: dict[str, Any], planned: Planned, cost: Cost | None) -> None:
    spec, data = planned.sweep.spec, plan["dataset"]
    race = f"; the race adds runs as needed, at most {spec.most_runs}" if spec.racing else ""
    if shares := spec.early_stop.shares:
        at = " and ".join(f"{share:.0%}" for share in shares)
        race = f"; settings that fall behind end at {at} of their steps"
    runs = f"{count(planned.runs, 'run')}{' so far' if spec.racing else ''}"
    if planned.ended_early:
        runs += f", and {count(planned.ended_early, 'setting')} ended early,"
    console.print(
        bold(spec.name),
        f": {count(planned.settings_total, 'setting')} ({spec.method}) × {spec.seeds_in_words} "
        f"= {runs} in {count(planned.trials, 'trial')}{race}\n"
        f"data: {data['name']} ({data['source']}), {data['images']:,} images; "
        f"metric: {plan['metric']}\n"
        f"in the store {planned.sweep.store.location}: {planned.in_words()}",
        sep="",
        soft_wrap=True,
    )
    if cost is not None:
        console.print(f"cost: {cost.in_words()}", soft_wrap=True)
    if limit := spec.budget.in_words():
        console.print(f"`sweep run` stops after {limit} each time, with an answer", soft_wrap=True)
    for remark in plan["remarks"]:
        console.print(remark, soft_wrap=True)
    rows = table("setting", "in store", "parameters")
    for setting in plan["list"][:MAX_SHOWN]:
        done = f"{setting['in_store']}/{len(setting['runs'])}"
        rows.add_row(str(setting["number"]), done, parameters(setting["parameters"]))
    if plan["list"]:
        console.print(rows)
    if len(plan["list"]) > MAX_SHOWN:
        console.print(f"… and {len(plan['list']) - MAX_SHOWN} more")
    if plan["settings_known"] < plan["settings"]:
        console.print(f"{plan['settings'] - plan['settings_known']} settings are not proposed yet")
