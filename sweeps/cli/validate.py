"""`sweep validate`: checks a sweep file and its data set; trains nothing."""

from argparse import Namespace
from dataclasses import asdict
from typing import Any

from evaluation.analysis.formatting import count
from evaluation.identity import with_defaults
from sweeps.cli.output import console, print_json
from sweeps.console.printing import bold
from sweeps.costs.cost import cost_of_all
from sweeps.costs.probe import has_few_images
from sweeps.run_store import Store
from sweeps.search import space
from sweeps.sweep import Sweep
from sweeps.sweepfile import as_mapping, load_spec
from sweeps.sweepfile.starter import remarks_on_cost
from trainer.data.dataset import Dataset
from trainer.errors import UserError


def execute(args: Namespace) -> int:
    """Reports that the file is valid and describes its data, or raises UserError."""
    try:
        spec = load_spec(args.file, args.overrides)
        sweep = Sweep.load(spec, Store(args.store))
        sweep.check()
    except UserError as error:
        broken = _broken(error)
        if args.json:
            print_json({"valid": False, "error": str(error), "broken": broken})
        else:
            for line in broken:
                console.print(line, soft_wrap=True)
        raise
    plan, found = sweep.metrics, _described(sweep.data)
    cost = cost_of_all(sweep)
    if args.json:
        remarks = list(plan.remarks)
        answer = {"valid": True, "metric": plan.metric, "remarks": remarks, "data": found}
        seconds = cost.here.expected if cost.here else None
        answer["cost"] = {"runs": cost.runs, "seconds": seconds, **cost.to_json()}
        evaluation = with_defaults(plan.evaluation)
        resolved = {"model": _first_model(sweep), "evaluation": evaluation}
        print_json({**answer, "sweep": as_mapping(spec), "resolved": resolved})
        return 0
    seconds = cost.here.expected if cost.here else None
    remarks_on_steps = remarks_on_cost(spec, sweep.data, seconds)
    for line in [*_lines(found), f"cost: {cost.in_words()}", *remarks_on_steps]:
        console.print(line, soft_wrap=True)
    console.print(
        f"{args.file} is valid: sweep ",
        bold(spec.name),
        f" of {spec.dataset.name}, "
        f"{count(spec.setting_count, 'setting')} × {spec.seeds_in_words}, "
        f"metric {plan.metric}",
        sep="",
        soft_wrap=True,
    )
    for remark in plan.remarks:
        console.print(remark, soft_wrap=True)
    return 0


def _described(data: Dataset) -> dict[str, Any]:
    """A description of the data, as JSON; with a contact sheet if that is quick."""
    from trainer import cache
    from trainer.data import describe

    found: dict[str, Any] = {
        "name": data.name,
        "source": data.source,
        "images": len(data),
        "shape": list(data.shape),
        "factors": dict(data.factors),
        "said": describe.describe(data),
        "values": None,
        "contact_sheet": None,
    }
    if has_few_images(data):
        path = cache.folder() / f"contact-{data.fingerprint}.png"
        found["values"] = list(describe.value_range(data))
        found["contact_sheet"] = str(describe.save_contact_sheet(data, path))
    return found


def _first_model(sweep: Sweep) -> dict[str, Any]:
    """The first model of the search space, every default written out."""
    parameters = sweep.spec.parameters
    first = space.active(parameters, space.first(parameters))
    return asdict(sweep.runs(first)[0].config)


def _lines(found: dict[str, Any]) -> list[str]:
    shape = "×".join(map(str, found["shape"]))
    values = "values from {} to {}".format(*found["values"]) if found["values"] else ""
    parts = [f"{found['images']:,} images of {shape}", *filter(None, [values])]
    sheet = found["contact_sheet"]
    return [
        f"{found['name']} ({found['source']}): {', '.join(parts)}",
        *found["said"],
        *([f"contact sheet: {sheet}"] if sheet else []),
    ]


def _broken(error: BaseException | None) -> list[str]:
    """One line per unusable image, if that is the error."""
    while error is not None:
        problems = getattr(error, "problems", None)
        if problems:
            return list(problems)
        error = error.__cause__
    return []
