"""`sweep plan`: what a sweep would train, and what the store already has."""

from argparse import Namespace
from typing import Any

from evaluation.analysis.formatting import count
from evaluation.identity import compares_seeds
from sweeps.cli.output import console, parameters, print_json, table
from sweeps.console.printing import bold
from sweeps.costs.cost import Todo, cost_of
from sweeps.plan import Setting
from sweeps.run_store import Store
from sweeps.scheduling import rounds
from sweeps.scheduling.packs import Packs
from sweeps.scheduling.searcher import Searcher
from sweeps.stored_settings import earlier_settings
from sweeps.sweep import Sweep
from sweeps.sweepfile import SweepSpec
from sweeps.sweepfile.starter import remarks_on_cost
from trainer.data.describe import describe

MAX_SHOWN = 60
MAX_TIMED = 200  # runs whose training times are read


def execute(args: Namespace) -> int:
    """Prints the plan."""
    store = Store(args.store)
    spec = store.find_spec(args.file, args.overrides)
    sweep = Sweep.load(spec, store)
    data = sweep.data
    settings, in_store_count, to_score = [], 0, 0
    sure = rounds.decided(store, spec)
    compares = compares_seeds(sweep.metrics.evaluation)
    trials, left = Packs.of(spec, compares), Packs.of(spec, compares)
    untrained = Packs.of(spec, compares)
    known = _known_settings(sweep)
    every = {setting.number: sweep.runs(setting.parameters) for setting in known}
    glance = store.glance()
    in_store = glance.ended(run.id for runs in every.values() for run in runs)
    for setting in known:
        seeds = sure.seeds.get(setting.number, spec.first_seeds)
        runs = [run for run in every[setting.number] if run.config.seed in seeds]
        ids = [run.id for run in runs]
        ended = {run: in_store[run] for run in ids if run in in_store}
        evaluation = sweep.metrics.identity(ids)
        complete = {run for run, at in ended.items() if at.is_scored(evaluation)}
        in_store_count += len(ended)
        to_score += len(ended) - len(complete)
        trials.add(setting, runs)
        if setting.number not in sure.dropped:
            left.add(setting, [run for run in runs if run.id not in complete])
            untrained.add(setting, [run for run in runs if run.id not in ended])
        settings.append(
            {
                "number": setting.number,
                "parameters": dict(setting.parameters),
                "runs": ids,
                "in_store": len(ended),
            }
        )
    begun = sure.settings + len(sure.dropped)
    more = (begun - len(settings)) * trials.each
    trials_count, trials_left = trials.count + more, left.count + more
    cost = None
    if trials_left:
        todo = Todo(
            packs=untrained.all(),
            known=trials.all(),
            unknown=more,
            more=spec.most_runs - sure.runs if spec.racing else 0,
            rescored=to_score,
            least=_least_share(spec, sure),
            most=1 - sure.reached,
        )
        results = glance.results(_timed_runs(sweep, list(in_store))).values()
        cost = cost_of(sweep, todo, results, args.probe)
    plan = {
        "name": spec.name,
        "method": spec.method,
        "metric": sweep.metrics.metric,
        "dataset": {"name": data.name, "source": data.source, "images": len(data)},
        "settings": begun,
        "settings_ended_early": len(sure.dropped),
        "settings_known": len(settings),
        "trials": trials_count,
        "trials_left": trials_left,
        "runs": sure.runs,
        "runs_at_most": spec.most_runs,
        "in_store": in_store_count,
        "to_score": to_score,
        "runs_left": sure.runs - in_store_count,
        "device_hours": None if cost is None else cost.to_json(),
        "hours_at_most": spec.budget.most_hours,
        "remarks": [
            *describe(data),
            *sweep.metrics.remarks,
            *remarks_on_cost(spec, data, cost.here.expected if cost and cost.here else None),
        ],
        "list": settings,
    }
    if args.json:
        print_json(plan)
    else:
        _show(plan, spec, store.location)
        if cost is not None:
            console.print(f"cost: {cost.in_words()}", soft_wrap=True)
        if limit := spec.budget.in_words():
            console.print(f"`sweep run` stops after {limit} each time, with an answer")
    return 0


def _known_settings(sweep: Sweep) -> list[Setting]:
    """The settings known without new scores: those proposed before, and all that need none."""
    proposed = sweep.proposed()
    searcher = Searcher(sweep.spec, proposed)
    known = []
    while isinstance(setting := searcher.ask(), Setting):
        known.append(setting)
    later = {number: p for number, p in proposed.items() if number >= len(known)}
    return [*known, *(Setting(n, p) for n, p in later.items() if sweep.spec.racing)]


def _least_share(spec: SweepSpec, sure: rounds.Decided) -> float:
    """The share of their training that all settings together do at least."""
    return spec.early_stop.least_work(sure.settings, sure.reached) / max(1, sure.settings)


def _timed_runs(sweep: Sweep, in_store: list[str]) -> list[str]:
    """Runs whose times tell how long the others take: its own, else those of earlier settings."""
    earlier = (
        run for one in earlier_settings(sweep.spec, sweep.store) for run in one.runs.values()
    )
    return (in_store or list(earlier))[:MAX_TIMED]


def _show(plan: dict[str, Any], spec: SweepSpec, store: str) -> None:
    data = plan["dataset"]
    race = f"; the race adds runs as needed, at most {spec.most_runs}" if spec.racing else ""
    if shares := spec.early_stop.shares:
        at = " and ".join(f"{share:.0%}" for share in shares)
        race = f"; settings that fall behind end at {at} of their steps"
    runs = f"{count(plan['runs'], 'run')}{' so far' if spec.racing else ''}"
    if plan["settings_ended_early"]:
        runs += f", and {count(plan['settings_ended_early'], 'setting')} ended early,"
    unscored = f", {plan['to_score']} of them to be rescored" if plan["to_score"] else ""
    console.print(
        bold(plan["name"]),
        f": {count(plan['settings'], 'setting')} ({plan['method']}) × {spec.seeds_in_words} "
        f"= {runs} in {count(plan['trials'], 'trial')}{race}\n"
        f"data: {data['name']} ({data['source']}), {data['images']:,} images; "
        f"metric: {plan['metric']}\n"
        f"in the store {store}: {count(plan['in_store'], 'run')}{unscored}; "
        f"left: {count(plan['runs_left'], 'run')} in {count(plan['trials_left'], 'trial')}",
        sep="",
        soft_wrap=True,
    )
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
