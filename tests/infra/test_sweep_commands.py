"""Every `sweep` command that infra/ shows or starts is one that the program takes."""

import re
import shlex

import pytest

from sweeps.cli.main import _parse
from tests.infra.files import INFRA, ROOT, read

SHOWN = re.findall(
    r"(?<![-\w/])sweep (?:run|status|logs|stop) [^\n'`]*", (INFRA / "README.md").read_text()
)
STARTED = [read("kuberay/rayjob.yaml")["spec"]["entrypoint"]]


@pytest.mark.parametrize("line", sorted(set(SHOWN + STARTED)))
def test_the_program_takes_it(line):
    args = _parse(shlex.split(line)[1:])
    assert args.store == "/mnt/store"
    if args.command == "run":
        assert args.address
        assert (ROOT / "sweeps" / args.file.rpartition("/")[2]).exists() or "my_" in args.file


def test_detached_sweeps_are_shown():
    assert {"run", "status", "logs", "stop"} <= {line.split()[1] for line in SHOWN}
    assert any("--detach" in line for line in SHOWN)
