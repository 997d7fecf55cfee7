"""`sweep watch`: follows a sweep from any machine that can reach its store."""

import time
from argparse import Namespace

from rich.console import Group
from rich.live import Live
from rich.text import Text

from sweeps.cli.output import console
from sweeps.console.inverted_u import curve
from sweeps.console.watching import View, Watched
from sweeps.run_store import Store


def execute(args: Namespace) -> int:
    """Redraws the curve and counts while the sweep runs; prints lines without a terminal."""
    store = Store(args.store)
    watched = Watched(store.find_spec(args.file, args.overrides), store)
    if not console.is_terminal:
        for view in watched.views(lambda: time.sleep(args.every)):
            console.print(view.line, soft_wrap=True)
        return 0
    with Live(console=console, auto_refresh=False) as live:
        for view in watched.views(lambda: time.sleep(args.every)):
            live.update(_frame(view), refresh=True)
    return 0


def _frame(view: View) -> Group:
    chart = curve(view.choice, console) if view.choice is not None else ""
    parts = [Text(chart)] if chart else []
    return Group(*parts, Text(view.line), Text(view.who, style="dim"))
