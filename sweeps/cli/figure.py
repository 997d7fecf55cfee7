"""`sweep figure`: figures of a sweep by name, from what the store has; nothing is trained."""

from argparse import Namespace
from pathlib import Path

from sweeps.cli.output import console
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from trainer.errors import UserError
from trainer.files import write_atomically


def execute(args: Namespace) -> int:
    """Draws figures into files, or lists those available."""
    from evaluation.report.figures import FIGURES, style
    from evaluation.report.material import Lacking
    from sweeps.reporting.material import material_of
    from trainer.config.schema import suggestion

    if args.list:
        for name in FIGURES:
            console.print(f"{name:<22} {_about(name)}", soft_wrap=True)
        return 0
    names = args.names or list(FIGURES)
    for name in names:
        if name not in FIGURES:
            known = suggestion(name, FIGURES)
            raise UserError(f"no figure named {name!r}{known}; `sweep figure {args.file} --list`")
    store = Store(args.store)
    spec = store.find_spec(args.file)
    sweep = material_of(Sweep.load(spec, store).snapshot())
    for name in names:
        try:
            drawn = FIGURES[name](sweep)
        except Lacking as error:
            if args.names:
                raise UserError(f"figure {name}: {error}") from None
            console.print(f"{name}: skipped, {error}", soft_wrap=True)
            continue
        path = Path(args.out, f"{spec.name}-{name}.{args.format}")
        write_atomically(path, style.content(drawn.figure, args.format))
        console.print(f"{path}: {drawn.finding}", soft_wrap=True)
    return 0


def _about(name: str) -> str:
    """What a figure shows: the first line of its file."""
    from importlib import import_module

    text = import_module(f"evaluation.report.figures.{name}").__doc__ or ""
    return text.strip().splitlines()[0]
