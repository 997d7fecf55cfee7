"""The SLURM scripts, run by a real bash with stand-ins for SLURM, Ray and `sweep` on the PATH."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from sweeps.cli.main import _parse
from tests.infra.files import INFRA

SCRIPTS = sorted((INFRA / "slurm").glob("*.sbatch"))
OPTIONS = {  # of `man sbatch` that are used here
    *("job-name", "nodes", "ntasks", "ntasks-per-node", "cpus-per-task", "gpus", "gpus-per-node"),
    *("exclusive", "time", "requeue", "open-mode", "signal"),
}
STAND_INS = {
    "srun": 'exec "$@"',
    # what Ray's symmetric run does on the first node
    "ray": 'echo "ray $*" >> calls; while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
    "scontrol": 'echo "scontrol $*" >> calls; [ "$1" = requeue ] || printf "node1\\nnode2\\n"',
    "sweep": """echo "sweep $*" >> calls
if [ "$1" = stop ]; then touch stop; exit 0; fi
[ -e quick ] && exit 3
touch begun
while [ ! -e stop ]; do sleep 0.05; done
echo saved >> calls; exit 130""",
}
SLURM = {
    "SLURM_JOB_ID": "71",
    "SLURM_JOB_NODELIST": "node[1-2]",
    "SLURM_JOB_NUM_NODES": "2",
    "SLURM_CPUS_PER_TASK": "16",
    "SLURM_ARRAY_JOB_ID": "71",
    "SLURM_ARRAY_TASK_ID": "5",
}


@pytest.fixture
def place(tmp_path):
    """A folder with a sweep file, and the programs on the PATH of `start`."""
    (tmp_path / "bin").mkdir()
    for name, does in STAND_INS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{does}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "my sweep.yaml").write_text("# name: no\nname: mine  # yes\n")
    return tmp_path


def start(script, place, *words) -> subprocess.Popen:
    path = f"{place / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, **SLURM, "PATH": path, "TMPDIR": str(place)}
    return subprocess.Popen(
        ["bash", str(script), *words],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def calls(place) -> list[str]:
    return (place / "calls").read_text().splitlines()


WORDS = ("my sweep.yaml", "/the store", "seeds=2")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize("sign", [signal.SIGUSR1, signal.SIGTERM])
def test_it_saves_before_the_time_limit_and_is_requeued(script, sign, place):
    process = start(script, place, *WORDS)
    while not (place / "begun").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(sign)
    assert process.wait(30) == 143
    said = calls(place)
    assert said[-1 - (sign == signal.SIGUSR1)] == "saved"
    again = [line for line in said if line.startswith("scontrol requeue")]
    job = "71_5" if script.name == "array.sbatch" else "71"
    assert again == ([f"scontrol requeue {job}"] if sign == signal.SIGUSR1 else [])
    if script.name == "array.sbatch":
        assert "sweep run my sweep.yaml --store /the store seeds=2 name=mine-5" in said
        assert "sweep stop mine-5 --store /the store" in said
        assert not list(place.glob("tmp.*"))
    else:
        run = "sweep run my sweep.yaml --address node1:20071 --store /the store seeds=2"
        start_ray = "ray symmetric-run --address node1:20071 --min-nodes 2 --num-cpus 16"
        assert run in said and f"{start_ray} -- {run}" in said
        assert "sweep stop my sweep.yaml --store /the store" in said


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_it_ends_with_the_exit_code_of_the_sweep(script, place):
    (place / "quick").touch()
    assert start(script, place, *WORDS).wait(30) == 3
    assert start(script, place, "one").wait(30) == 2


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_options_are_sbatchs_and_come_before_the_first_command(script):
    head, _, _ = script.read_text().partition("set -euo pipefail")
    options = re.findall(r"^#SBATCH --([a-z-]+)(?:=\S+)?$", script.read_text(), re.M)
    assert set(options) <= OPTIONS and len(options) == head.count("\n#SBATCH")
    assert all(line.startswith("#") for line in head.splitlines())
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(script)], check=True)


def test_the_program_takes_the_words():
    args = _parse(["run", "f.yaml", "--address", "n:1", "--store", "/s", "seeds=2", "name=x-5"])
    assert args.overrides == ["seeds=2", "name=x-5"]
