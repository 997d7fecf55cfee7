"""The command `sweep`: its arguments, its exit codes, and the dispatch to its subcommands.

Exit codes: 0 done, 1 failed, 2 a mistake in the input (reported in one line), 130 interrupted.
"""

import argparse
import errno
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from sweeps.console.streams import Unfailing, occupy, unfailing
from trainer.errors import UserError

INTERRUPTED = 130
# errors of a file or its disk, whatever the program does
_OF_FILES = frozenset(
    getattr(errno, name)
    for name in (
        *("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO", "ESTALE", "EMFILE"),
        *("ENAMETOOLONG", "ELOOP"),
    )
)

_FILE = "a sweep file (YAML)"
_FILE_OR_NAME = "a sweep file, or the name of a sweep that was run in the store"
_COMMANDS = {  # name: (what it does, its FILE, whether it has --json)
    "run": ("run a sweep; runs already in the store are not trained again", _FILE, False),
    "validate": ("check a sweep file and its data; train nothing", _FILE, True),
    "plan": ("show what a sweep would train, and what the store already has", _FILE_OR_NAME, True),
    "status": ("count the runs of a sweep by state, and show who runs it", _FILE_OR_NAME, True),
    "watch": ("follow a sweep that is running anywhere, through its store", _FILE_OR_NAME, False),
    "stop": ("stop a running sweep, here or on a cluster; nothing is lost", _FILE_OR_NAME, False),
    "logs": ("show the output of a sweep", _FILE_OR_NAME, False),
    "best": ("show the best beta, overall and for each latent size", _FILE_OR_NAME, True),
    "choose": ("record the setting that you chose by eye, e.g. beta=4", _FILE_OR_NAME, False),
    "inspect": (
        "show candidates side by side in a browser, to choose by eye",
        _FILE_OR_NAME,
        False,
    ),
    "report": ("write the report of a sweep from the store", _FILE_OR_NAME, False),
    "baselines": ("print the paper's table; train nothing", _FILE_OR_NAME, True),
    "sync": ("bring MLflow up to date with a sweep", _FILE_OR_NAME, False),
}
_CLUSTER = "dashboard of the cluster that runs it (default: RAY_ADDRESS)"
_ADDRESSES = {
    "run": "a Ray cluster, e.g. auto; by default Ray is started on this machine. With --detach: "
    "its dashboard, e.g. http://127.0.0.1:8265",
    "status": _CLUSTER,
    "stop": _CLUSTER,
    "logs": _CLUSTER,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    _prepare_environment()
    output = sys.stdout if isinstance(sys.stdout, Unfailing) else None
    try:
        _check_current_folder()
        args = _parse(sys.argv[1:] if arguments is None else list(arguments))
        # each command is imported on demand: `sweep --help` must not pay for torch
        code: int = import_module(f"sweeps.cli.{args.command}").execute(args)
        sys.stdout.flush()
    except UserError as error:
        from trainer.config.yaml_file import one_line

        print(f"sweep: {one_line(' '.join(str(error).splitlines()))}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in _OF_FILES or error.filename is None:
            raise
        print(f"sweep: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    problem = output.problem if output else None
    if code == 0 and isinstance(problem, OSError) and not isinstance(problem, BrokenPipeError):
        print(f"sweep: cannot write the output: {problem.strerror}", file=sys.stderr)
        return 1
    return code


def _check_current_folder() -> None:
    try:
        os.getcwd()
    except OSError as error:
        raise UserError(f"the current folder is gone ({error.strerror}); cd to another") from None


def _prepare_environment() -> None:
    """Undoes a shell's or notebook's settings for other programs that would break this one."""
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        return  # called from Python
    occupy()
    sys.stdout, sys.stderr = unfailing(sys.stdout), unfailing(sys.stderr)
    os.environ["MPLBACKEND"] = "agg"  # a notebook's backend is missing here; figures go to files
    if "error" in os.environ.pop("PYTHONWARNINGS", ""):
        warnings.resetwarnings()  # a library's warning must not end a sweep
        warnings.simplefilter("ignore")


class _Parser(argparse.ArgumentParser):
    """argparse with one-line errors."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = _parser()
    args, others = parser.parse_known_args(arguments)
    # argparse does not take `key=value` after an option: `sweep run FILE --store S seeds=2`
    strays = [text for text in others if text.startswith("-") or not hasattr(args, "overrides")]
    if strays:
        parser.error(f"unknown argument {strays[0]!r}")
    if hasattr(args, "overrides"):
        args.overrides += others
    return args


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="sweep", description="Find the right beta: sweeps of β-VAEs.")
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (does, file, has_json) in _COMMANDS.items():
        command = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        command.add_argument("file", metavar="FILE", help=file)
        command.add_argument(
            "overrides",
            metavar="key=value",
            nargs="*",
            default=[],
            help="overrides a key of the file, e.g. seeds=2 trainer.steps=1000",
        )
        _add_store(command)
        if has_json:
            command.add_argument("--json", action="store_true", help="print JSON")
        if name in _ADDRESSES:
            command.add_argument("--address", help=_ADDRESSES[name])
        if name == "choose":
            command.add_argument("--why", default="", metavar="TEXT", help="stored with the choice")
        if name == "watch":
            help = "between updates (default: 5)"
            command.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help=help)
        if name == "inspect":
            command.add_argument("--port", type=int, help="default: a free one")
        if name == "plan":
            help = "measure the time by a short training, even if the store has runs"
            command.add_argument("--probe", action="store_true", help=help)
        if name == "run":
            detach = "hand the sweep to the cluster and return; then use status, logs and stop"
            command.add_argument("--detach", action="store_true", help=detach)
        if name == "stop":
            help = "give up only this run (its id, or the start of it); the sweep continues"
            command.add_argument("--run", metavar="ID", help=help)
        if name == "logs":
            follow = "keep printing until the sweep ends"
            command.add_argument("-f", "--follow", action="store_true", help=follow)
    does = "write a short sweep file that fits your images"
    init = commands.add_parser("init", help=does, description=f"{does[0].upper()}{does[1:]}.")
    init.add_argument("file", metavar="IMAGES", help="a folder of images, or a file of arrays")
    option = "an option of the data set `folder`, e.g. size=64 or range=[0,16]"
    init.add_argument("overrides", metavar="key=value", nargs="*", default=[], help=option)
    init.add_argument("--labels", metavar="TABLE", help="a table of labels (CSV or the like)")
    init.add_argument("--name", help="for the sweep and its file (default: from the images' path)")
    does = "list the sweeps of the store and their progress"
    listing = commands.add_parser("list", help=does, description=f"{does[0].upper()}{does[1:]}.")
    listing.add_argument("--json", action="store_true", help="print JSON")
    _add_store(listing)
    does = "show the best betas of several sweeps side by side, with their error bars"
    compare = commands.add_parser("compare", help=does, description=f"{does[0].upper()}{does[1:]}.")
    compare.add_argument("files", metavar="FILE", nargs="+", help=_FILE_OR_NAME)
    compare.add_argument("--figure", metavar="PNG", help="plot them to this file")
    compare.add_argument("--json", action="store_true", help="print JSON")
    _add_store(compare)
    does = "draw figures of a sweep from the store; without a name, all of them"
    figure = commands.add_parser("figure", help=does, description=f"{does[0].upper()}{does[1:]}.")
    figure.add_argument("file", metavar="FILE", help=_FILE_OR_NAME)
    figure.add_argument("names", metavar="NAME", nargs="*", help="a figure; see --list")
    figure.add_argument("--list", action="store_true", help="list the available figures")
    figure.add_argument(
        "--format", choices=("png", "svg", "pdf"), default="png", help="default: png"
    )
    figure.add_argument("--out", metavar="FOLDER", default=".", help="default: this folder")
    _add_store(figure)
    does = "show the runs of the store in MLflow"
    ui = commands.add_parser("ui", help=does, description=f"{does[0].upper()}{does[1:]}.")
    ui.add_argument("file", metavar="FILE", nargs="?", help=f"{_FILE_OR_NAME} (default: all)")
    ui.add_argument("--port", type=int, help="default: 5000, or a free one")
    _add_store(ui)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"sweep {version('beta-sweep')}"
    except PackageNotFoundError:  # run from a folder without being installed
        return "sweep, not installed"


def _add_store(command: argparse.ArgumentParser) -> None:
    help = "folder of finished runs and reports (default: ./store)"
    command.add_argument("--store", metavar="PATH", default="store", help=help)
