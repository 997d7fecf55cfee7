"""Output into streams that are closed, full, without a reader, or of few letters."""

import io
import os
import subprocess
import sys

import pytest

from sweeps.console.streams import Unfailing, unfailing

BETA = "best β: 4 ± 1 (1×64×64) – ok …\n"


def test_letters_that_cannot_be_encoded_are_replaced():
    for encoding, shown in (
        ("utf-8", BETA),
        ("ascii", "best beta: 4 +- 1 (1x64x64) - ok ...\n"),
        ("cp1252", "best beta: 4 +- 1 (1x64x64) - ok ...\n"),
    ):
        raw = io.BytesIO()
        stream = unfailing(io.TextIOWrapper(raw, encoding=encoding, newline=""))
        assert stream.write(BETA) == len(BETA)
        stream.write("é ☃\n")
        stream.flush()
        text = raw.getvalue().decode(encoding)
        assert text.startswith(shown) and text.endswith("\n")
        assert stream.problem is None


def test_missing_closed_and_full_streams_take_everything():
    closed = io.StringIO()
    closed.close()
    with open("/dev/full", "w") as full:
        for other in (None, closed, full):
            stream = Unfailing(other)
            for _ in range(3):
                stream.write(BETA)
                stream.flush()
            assert not stream.isatty()
            assert (stream.problem is None) == (other is None)


VALIDATE, HELP = "validate sweeps/quickstart.yaml", "--help"  # the second takes no second
PLAIN = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}


@pytest.mark.parametrize(
    ("where", "command"),
    [("closed", HELP), ("full", VALIDATE), ("left", HELP), ("ascii", VALIDATE)],
)
def test_a_command_prints_no_traceback_whatever_its_output_is(where, command):
    into = {"closed": " >&-", "full": " > /dev/full", "left": " | true", "ascii": ""}[where]
    shell = f"{sys.executable} -m sweeps {command}{into}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell],
        env={**os.environ, **PLAIN},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert done.returncode == (1 if where == "full" else 0), done.stderr
    if where == "full":
        assert done.stderr == "sweep: cannot write the output: No space left on device\n"
    if where == "ascii":
        assert "settings x 4 seeds" in done.stdout
