"""`sweep choose`: records the setting that a person chose by eye."""

from argparse import Namespace

from sweeps import by_eye
from sweeps.cli.output import console
from sweeps.console.printing import command
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from trainer.errors import UserError


def execute(args: Namespace) -> int:
    """Records the choice; `sweep best`, the report and MLflow show it next to the answer."""
    store = Store(args.store)
    snapshot = Sweep.load(store.find_spec(args.file), store).snapshot()
    wanted = {}
    for text in args.overrides:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"expected key=value, e.g. beta=4, got {text!r}")
        wanted[name] = value
    chosen = by_eye.record(snapshot, by_eye.find(snapshot, wanted), args.why)
    console.print(by_eye.sentence(chosen), soft_wrap=True)
    again = "; ".join(
        command(does, snapshot.sweep.name, store=store) for does in ("report", "sync")
    )
    console.print(f"to see it in the report and MLflow: {again}", soft_wrap=True)
    return 0
