"""The SLURM scripts with real Ray on two hosts: `python -m tests.infra.two_hosts`.

A host is a network, PID, mount and UTS namespace with its own address, processes, /tmp and name;
both share a folder. Only SLURM's own programs are stand-ins: `srun` runs its words on every host of
the job, `scontrol` names them. Needs root, iproute2 and util-linux; takes about five minutes.
"""

import argparse
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.infra.files import INFRA

SWEEP = """
name: hosts
dataset: {name: dsprites, size: 16, factors: {scale: 3, orientation: 4, posX: 4, posY: 4}}
method: grid
parameters: {beta: {values: [1, 4, 16]}, latents: {value: 2}}
seeds: 2
pack: 1
trainer: {architecture: mlp, batch_size: 16, steps: 6000}
metric: {name: mig}
evaluation: {mig: {}}
"""
RUNS = 6
ON_EVERY_HOST = """
for host in $HOSTS; do {enter} -- "$@" & jobs="$jobs $!"; done
code=0
for job in $jobs; do wait $job || code=$?; done
exit $code
"""


@dataclass(frozen=True)
class Host:
    """A host. pid: of the process that keeps its namespaces."""

    name: str
    address: str
    pid: int


@contextlib.contextmanager
def two_hosts(place: Path) -> Iterator[tuple[Host, Host]]:
    """Two hosts on one network, each with its own /tmp; they end with the block."""
    names, words = ("one", "two"), f"beta-{os.getpid()}"
    spaces = [f"{words}-{name}" for name in names]
    ends = [f"b{os.getpid() % 100_000}{name[0]}" for name in names]
    keepers: list[subprocess.Popen[str]] = []
    try:
        for space in spaces:
            _ip("netns", "add", space)
        other_end = ("peer", "name", ends[1], "netns", spaces[1])
        _ip("link", "add", ends[0], "netns", spaces[0], "type", "veth", *other_end)
        hosts = []
        for i, (name, space) in enumerate(zip(names, spaces, strict=True)):
            address = f"10.77.0.{i + 1}"
            _ip("-n", space, "addr", "add", f"{address}/24", "dev", ends[i])
            for link in (ends[i], "lo"):
                _ip("-n", space, "link", "set", link, "up")
            inside = f"mount -t tmpfs tmpfs /tmp && hostname {name} && echo up && exec sleep 3600"
            own = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts"]
            keeper = subprocess.Popen(
                ["ip", "netns", "exec", space, *own, "sh", "-c", inside],
                stdout=subprocess.PIPE,
                text=True,
                cwd=place,
            )
            keepers.append(keeper)
            assert keeper.stdout is not None and keeper.stdout.readline() == "up\n"
            hosts.append(Host(name, address, _only_child(keeper.pid)))
        yield hosts[0], hosts[1]
    finally:
        for keeper in keepers:
            keeper.kill()  # and with the first process of a PID namespace all that are in it
            keeper.wait()
        for space in spaces:
            subprocess.run(["ip", "netns", "del", space], check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _only_child(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


class Slurm:
    """Stand-ins for SLURM's programs, and jobs on hosts."""

    def __init__(self, place: Path, hosts: Sequence[Host]):
        self._place, self._hosts = place, {host.name: host for host in hosts}
        (place / "bin").mkdir()
        enter = "nsenter --target $host --pid --mount --net --uts --wd=" + shlex.quote(str(place))
        addresses = "\\n".join(host.address for host in hosts)
        calls = shlex.quote(str(place / "calls"))
        self._program("srun", ON_EVERY_HOST.format(enter=enter))
        self._program(
            "scontrol",
            f'echo "$*" >> {calls}; [ "$1" = requeue ] || printf "{addresses}\\n"',
        )

    def _program(self, name: str, text: str) -> None:
        path = self._place / "bin" / name
        path.write_text(f"#!/bin/bash\n{text}")
        path.chmod(0o755)

    def start(self, script: str, *words: str, task: int = 0) -> "subprocess.Popen[str]":
        """A job: of sweep.sbatch on both hosts, of array.sbatch on that of its task."""
        hosts = list(self._hosts.values())
        own = hosts if script == "sweep.sbatch" else [hosts[task]]
        programs = Path(sys.executable).parent
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "MLFLOW_"))},
            "PATH": f"{self._place / 'bin'}:{programs}:{os.environ['PATH']}",
            "HOSTS": " ".join(str(host.pid) for host in own),
            "SLURM_JOB_ID": "71",
            "SLURM_JOB_NODELIST": "node[1-2]",
            "SLURM_JOB_NUM_NODES": str(len(own)),
            "SLURM_CPUS_PER_TASK": "1",
            "SLURM_ARRAY_JOB_ID": "71",
            "SLURM_ARRAY_TASK_ID": str(task),
            "RAY_worker_niceness": "0",
        }
        return subprocess.Popen(
            ["bash", str(INFRA / "slurm" / script), *words],
            cwd=self._place,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def requeued(self) -> list[str]:
        """Jobs that were queued again."""
        calls = self._place / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [line.split()[1] for line in lines if line.startswith("requeue")]

    def left_running(self) -> list[str]:
        """Processes of Ray on the hosts."""
        found = []
        for host in self._hosts.values():
            shown = subprocess.run(
                ["nsenter", "--target", str(host.pid), "--pid", "--mount", "ps", "-eo", "s,args"],
                capture_output=True,
                text=True,
                check=True,
            )
            alive = (line for line in shown.stdout.splitlines() if not line.startswith("Z"))
            found += [line for line in alive if re.search("raylet|gcs_server", line)]
        return found


def ended(store: Path) -> dict[str, int]:
    """When the training of each run ended, in nanoseconds, by id."""
    return {p.parent.name: p.stat().st_mtime_ns for p in store.glob("runs/*/training.json")}


def hosts_at_work(store: Path, jobs: Sequence["subprocess.Popen[str]"], runs: int) -> set[str]:
    """Names of the hosts seen to train until so many runs are trained, or a job has ended."""
    seen: set[str] = set()
    while len(ended(store)) < runs and all(job.poll() is None for job in jobs):
        for lease in store.glob("leases/*"):
            with contextlib.suppress(OSError):
                seen |= set(lease.read_text().split()[-1:])
        time.sleep(0.05)
    return seen


def of_one_allocation(slurm: Slurm, place: Path) -> Iterator[tuple[str, bool]]:
    """What sweep.sbatch is to do, and whether it did."""
    store = place / "store"
    job = slurm.start("sweep.sbatch", "hosts.yaml", str(store))
    seen = hosts_at_work(store, [job], 2)
    yield f"both hosts train: {sorted(seen)}", seen == {"one", "two"}
    job.send_signal(signal.SIGUSR1)
    said, _ = job.communicate(timeout=300)
    yield f"near its time limit it ends by 143: {job.returncode}", job.returncode == 143
    yield "and is queued again", slurm.requeued == ["71"]
    yield f"nothing is left running: {slurm.left_running()}", not slurm.left_running()
    before = ended(store)
    yield f"unfinished: {len(before)} of {RUNS} runs", 0 < len(before) < RUNS
    job = slurm.start("sweep.sbatch", "hosts.yaml", str(store))
    said, _ = job.communicate(timeout=900)
    yield f"queued again it goes on to its end: {job.returncode}", job.returncode == 0
    print(said[-1500:] if job.returncode else "", end="")
    after = ended(store)
    yield f"all runs: {len(after)}", len(after) == RUNS
    yield "none trained twice", all(after[run] == when for run, when in before.items())


def of_an_array(slurm: Slurm, place: Path) -> Iterator[tuple[str, bool]]:
    """What array.sbatch is to do, and whether it did."""
    store = place / "array store"
    jobs = [slurm.start("array.sbatch", "hosts.yaml", str(store), task=task) for task in (0, 1)]
    seen = hosts_at_work(store, jobs, RUNS)
    codes, texts = [], []
    for job in jobs:
        texts.append(job.communicate(timeout=900)[0])
        codes.append(job.returncode)
    yield f"both tasks end well: {codes}", codes == [0, 0]
    print("".join(t[-1500:] for t, code in zip(texts, codes, strict=True) if code), end="")
    yield f"both hosts train: {sorted(seen)}", seen == {"one", "two"}
    before = ended(store)
    yield f"all runs: {len(before)}", len(before) == RUNS
    whole = subprocess.run(
        [str(Path(sys.executable).with_name("sweep")), "run", "hosts.yaml", "--store", str(store)],
        cwd=place,
        capture_output=True,
        text=True,
    )
    answered = whole.returncode == 0 and "best β" in whole.stdout
    yield f"sweep run afterwards answers: {whole.returncode}", answered
    yield "and trains nothing", ended(store) == before


FORMS = {"sweep.sbatch": of_one_allocation, "array.sbatch": of_an_array}


def main() -> int:
    """Prints a line per point; 1 when one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.infra.two_hosts", description=__doc__)
    parser.add_argument("--only", choices=FORMS, help="one of the scripts")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends the hosts
    good = True
    with tempfile.TemporaryDirectory(prefix="two hosts ", dir="/var/tmp") as name:
        place = Path(name)
        (place / "hosts.yaml").write_text(SWEEP)
        with two_hosts(place) as hosts:
            slurm = Slurm(place, hosts)
            for script, points in FORMS.items():
                if options.only not in (None, script):
                    continue
                print(script, flush=True)
                start = time.monotonic()
                for point, holds in points(slurm, place):
                    good &= holds
                    seconds = time.monotonic() - start
                    print(
                        f"  {'good' if holds else 'WRONG'}  {point}  ({seconds:.0f} s)", flush=True
                    )
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
