"""What is printed is what is there, whatever a name holds."""

import io
import shlex

from sweeps.cli.main import main
from sweeps.console.printing import bold, command, plain_console
from sweeps.run_store import Store

ODD = "a [b]store[/b] :heart: 100%25?"


def test_a_console_changes_nothing() -> None:
    out = io.StringIO()
    plain_console(out, soft_wrap=True).print(bold(ODD), f": {ODD}", sep="")
    assert out.getvalue() == f"{ODD}: {ODD}\n"


def test_a_printed_command_can_be_copied_into_a_shell(tmp_path) -> None:
    words = shlex.split(command("best", "mine", store=Store(tmp_path / ODD)))
    assert words == ["sweep", "best", "mine", "--store", str(tmp_path / ODD)]


def test_commands_print_the_store_as_it_is_named(tmp_path, capsys) -> None:
    assert main(["list", "--store", str(tmp_path / ODD)]) == 0
    assert f"{tmp_path / ODD} yet" in capsys.readouterr().out
