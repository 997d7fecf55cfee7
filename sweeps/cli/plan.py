"""`sweep plan`: what a sweep would train, and what of it the store has already."""

from argparse import Namespace
from typing import Any

from sweeps.api import find_spec
from sweeps.cli.output import console, parameters, print_json, table
from sweeps.console.printing import bold
from sweeps.plan import Setting, blocks, blocks_each
from sweeps.run_store import Store
from sweeps.search.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweep_results import is_scored
from sweeps.sweepfile.starter import remarks_on_cost
from trainer.data.describe import describe

MOST_SHOWN = 60


def execute(args: Namespace) -> int:
    """Prints the plan."""
    store = Store(args.store)
    spec = find_spec(args.file, store, args.overrides)
    sweep = Sweep.load(spec, store)
    data = sweep.data
    settings, in_store, to_score, trials_left = [], 0, 0, 0
    for setting in _known_settings(sweep):
        runs = sweep.runs(setting.parameters)
        ids = [run.id for run in runs]
        found = store.results(ids, hashes=False)
        ended = {run: result for run, result in found.items() if result is not None}
        evaluation = sweep.metrics.identity(ids)
        complete = [run for run, result in ended.items() if is_scored(result, evaluation)]
        in_store += len(ended)
        to_score += len(ended) - len(complete)
        trials_left += len(blocks(spec, [run for run in runs if run.id not in complete]))
        settings.append(
            {
                "number": setting.number,
                "parameters": dict(setting.parameters),
                "runs": ids,
                "in_store": len(ended),
            }
        )
    trials_each = blocks_each(spec)
    unproposed = spec.setting_count - len(settings)
    plan = {
        "name": spec.name,
        "method": spec.method,
        "metric": sweep.metrics.metric,
        "dataset": {"name": data.name, "source": data.source, "images": len(data)},
        "settings": spec.setting_count,
        "settings_known": len(settings),
        "trials": spec.setting_count * trials_each,
        "trials_left": trials_left + unproposed * trials_each,
        "runs": spec.setting_count * len(spec.seed_list),
        "in_store": in_store,
        "to_score": to_score,
        "runs_left": spec.setting_count * len(spec.seed_list) - in_store,
        "remarks": [*describe(data), *sweep.metrics.remarks, *remarks_on_cost(spec, data)],
        "list": settings,
    }
    if args.json:
        print_json(plan)
    else:
        _show(plan, len(spec.seed_list), store.location)
    return 0


def _known_settings(sweep: Sweep) -> list[Setting]:
    """The settings that do not wait for scores: those proposed before, and all that need none."""
    searcher = Searcher(sweep.spec, sweep.proposed())
    known = []
    while isinstance(setting := searcher.ask(), Setting):
        known.append(setting)
    return known


def _show(plan: dict[str, Any], seeds: int, store: str) -> None:
    data = plan["dataset"]
    unscored = f", {plan['to_score']} of them to be scored anew" if plan["to_score"] else ""
    console.print(
        bold(plan["name"]),
        f": {plan['settings']} settings ({plan['method']}) × {seeds} seeds "
        f"= {plan['runs']} runs in {plan['trials']} trials\n"
        f"data: {data['name']} ({data['source']}), {data['images']:,} images; "
        f"metric: {plan['metric']}\n"
        f"in the store {store}: {plan['in_store']} runs{unscored}; left: {plan['runs_left']} runs "
        f"in {plan['trials_left']} trials",
        sep="",
        soft_wrap=True,
    )
    for remark in plan["remarks"]:
        console.print(remark, soft_wrap=True)
    rows = table("setting", "in store", "parameters")
    for setting in plan["list"][:MOST_SHOWN]:
        done = f"{setting['in_store']}/{seeds}"
        rows.add_row(str(setting["number"]), done, parameters(setting["parameters"]))
    if plan["list"]:
        console.print(rows)
    if len(plan["list"]) > MOST_SHOWN:
        console.print(f"… and {len(plan['list']) - MOST_SHOWN} more")
    if plan["settings_known"] < plan["settings"]:
        console.print(f"{plan['settings'] - plan['settings_known']} settings are not proposed yet")
