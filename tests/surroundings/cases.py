"""The surroundings: each function runs a sweep in one, and says what is wrong; None is good."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sweeps.cluster import processes
from tests.surroundings.place import NAME, THEIRS, Place, add_their_modules

Case = Callable[[Path], str | None]
RUNS = 2
NOTEBOOK = "module://matplotlib_inline.backend_inline"


def problem(
    place: Place, done: subprocess.CompletedProcess[str], said: bool = True, runs: int = RUNS
) -> str | None:
    """What is wrong after `sweep run`. said: the answer was printed to where it can be seen."""
    output = done.stdout + done.stderr
    if "Traceback" in output or "Exception ignored" in output:
        return f"a traceback: {output.strip().splitlines()[-1]}"
    if done.returncode != 0:
        return f"exit {done.returncode}: {' '.join(output.split())[-200:]}"
    if len(place.runs) != runs:
        return f"{len(place.runs)} of {runs} runs"
    if said and "best b" not in output.replace("β", "b"):
        return "no answer was printed"
    return None


def in_environment(**environment: str | None) -> Case:
    """The sweep, with these variables set (None: not set)."""

    def case(folder: Path) -> str | None:
        place = Place(folder, environment)
        return problem(place, place.run())

    return case


def before(*words: str) -> Case:
    """The sweep, started by another command."""

    def case(folder: Path) -> str | None:
        place = Place(folder, before=words)
        return problem(place, place.run())

    return case


def output_into(shell: str, code: int = 0) -> Case:
    """The sweep, whose output goes where it cannot be written."""

    def case(folder: Path) -> str | None:
        place = Place(folder, after=shell)
        done = place.run()
        if done.returncode == code:
            done.returncode = 0
        return problem(place, done, said=False)

    return case


def in_store(name: str) -> Case:
    """The sweep, whose store has this name."""

    def case(folder: Path) -> str | None:
        place = Place(folder, store=name)
        return problem(place, place.run()) or (place.answer() is None and "no answer") or None

    return case


def other_projects_folder(folder: Path) -> str | None:
    place = Place(folder)
    add_their_modules(folder)
    return problem(place, place.run())


def other_projects_packages_in_pythonpath(folder: Path) -> str | None:
    place = Place(folder, {"PYTHONPATH": str(folder / "path")})
    add_their_modules(folder / "path")
    for name in ("random.py", "torch.py", "ray.py", "types.py"):
        (folder / "path" / name).unlink()
    (folder / "path/sweeps/__init__.py").unlink()
    (folder / "path/sweeps").rmdir()
    return problem(place, place.run())


def home_not_writable(folder: Path) -> str | None:
    place = Place(folder, {"HOME": "/proc/none", "SWEEP_CACHE": str(folder / "cache")})
    return problem(place, place.run())


def temporary_folder_elsewhere(harm: str) -> Case:
    """TMPDIR is another, and a shell does something to /tmp as the sweep sees it. Needs root."""

    def case(folder: Path) -> str | None:
        # Ray takes no long names
        with tempfile.TemporaryDirectory(prefix="t-", dir="/var/tmp") as name:
            shell = ("unshare", "-m", "sh", "-c", f'{harm} && exec "$@"', "-")
            place = Place(Path(name, "place"), {"TMPDIR": name}, shell)
            return problem(place, place.run())

    return case


READ_ONLY = "mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp"
FULL = "mount -t tmpfs -o size=64k tmpfs /tmp && { cat /dev/zero > /tmp/full 2>/dev/null || true; }"
LOOPBACK_ALONE = 'ip link set lo up && exec "$@"'


def notebook_with_ray(folder: Path) -> str | None:
    place = Place(folder)
    code = (
        "import ray; ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)\n"
        "import sweeps\n"
        "print(sweeps.run('here.yaml', store='store').beta)\n"
        "assert ray.get(ray.put(7)) == 7\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=900
    )
    return problem(place, done)


def many_at_once(folder: Path) -> Place:
    """A place with many of these together."""
    environment: dict[str, str | None] = {
        "MPLBACKEND": NOTEBOOK,
        "PYTHONWARNINGS": "error",
        "HOME": "/proc/none",
        "SWEEP_CACHE": str(folder / "cache"),
        "PYTHONIOENCODING": "ascii",
        "LC_ALL": "C",
        "OMP_NUM_THREADS": "1",
        "https_proxy": "http://127.0.0.1:1",
        "PYTHONPATH": str(folder / "path"),
    }
    place = Place(folder, environment, store="a store [b] 100%25?")
    add_their_modules(folder)
    for name in ("trainer", "evaluation"):
        (folder / "path" / name).mkdir(parents=True)
        (folder / "path" / name / "__init__.py").write_text(THEIRS)
    return place


def everything_at_once(folder: Path) -> str | None:
    place = many_at_once(folder)
    return problem(place, place.run())


def harm(text: str, number: int) -> Case:
    """A signal to a process of Ray, once a run has begun; `text`: of its command line."""

    def case(folder: Path) -> str | None:
        place = Place(folder)
        (folder / "here.yaml").write_text(
            (folder / "here.yaml").read_text().replace("steps: 20", "steps: 4000")
        )
        script = str(Path(sys.executable).with_name("sweep"))
        with subprocess.Popen(
            [script, "run", "here.yaml"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "RAY_worker_niceness": "0"},
        ) as process:
            while process.poll() is None and not list(folder.glob("store/runs/*/config.json")):
                time.sleep(0.05)
            found = [p for p in processes.that_name(text) if p in processes.below(process.pid)]
            for pid in found[:1]:
                os.kill(pid, number)
            try:
                output, errors = process.communicate(timeout=600)
            except subprocess.TimeoutExpired:
                process.kill()
                return "it hangs"
        done = subprocess.CompletedProcess([], process.returncode, output, errors)
        return problem(place, done) or (None if found else "there was nothing to harm")

    return case


def changed(pattern: str, old: str, new: str) -> Case:
    """A file of a finished sweep is edited, or cut (`old` empty); the sweep is run again."""

    def case(folder: Path) -> str | None:
        place = Place(folder)
        if wrong := problem(place, place.run()):
            return wrong
        before = place.answer()
        path = sorted((folder / "store").glob(pattern))[0]
        text = path.read_text()
        path.write_text(text.replace(old, new) if old else text[: len(text) // 2])
        if path.read_text() == text:
            return "the edit changed nothing"
        wrong = problem(place, place.run())
        return wrong or (None if place.answer() == before else f"another answer: {place.answer()}")

    return case


def link_in_store(key: str) -> Case:
    """A link that somebody has put into a store is refused, and nothing is written through it."""

    def case(folder: Path) -> str | None:
        place, outside = Place(folder), folder / "outside"
        outside.mkdir()
        (outside / "mine.txt").write_text("mine")
        link = folder / "store" / key
        link.parent.mkdir(parents=True)
        link.symlink_to(outside if link.suffix == "" else outside / "mine.txt")
        done = place.run()
        if [p.name for p in outside.iterdir()] != ["mine.txt"]:
            return "something was written through it"
        if (outside / "mine.txt").read_text() != "mine":
            return "a file was changed through it"
        refused = done.returncode == 2 and "is a link" in done.stderr
        return None if refused else f"exit {done.returncode}: {done.stderr[-200:]}"

    return case


def store_that_moved(folder: Path) -> str | None:
    """Its runs, its answer and its models are found where it is now."""
    place = Place(folder)
    if wrong := problem(place, place.run()):
        return wrong
    (folder / "store").rename(folder / "moved")
    code = (
        "import sys; from sweeps import load_model\n"
        f"model = load_model('models:/{NAME}@best', store='moved')\n"
        "print(model.config.beta)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        return f"load_model: {done.stderr.strip().splitlines()[-1]}"
    again = Place(folder, store="moved").sweep("run", "here.yaml")
    if (folder / "store").exists():
        return "the old folder is there again"
    return None if again.returncode == 0 else f"exit {again.returncode}"


def two_that_share_a_run(folder: Path, steps: int) -> Place:
    """A place with a second sweep, other.yaml, that has one run more and one in common."""
    place = Place(folder)
    text = (folder / "here.yaml").read_text().replace("steps: 20", f"steps: {steps}")
    (folder / "here.yaml").write_text(text)
    other = text.replace(f"name: {NAME}", "name: other").replace("[1, 4]", "[4, 16]")
    (folder / "other.yaml").write_text(other)
    return place


def two_sweeps_at_once(folder: Path) -> str | None:
    """Two sweeps of one store share a run: it is trained once, and both have their answers."""
    place = two_that_share_a_run(folder, 2000)
    script = str(Path(sys.executable).with_name("sweep"))
    with (
        trained_again(folder / "store") as again,
        subprocess.Popen(
            [script, "run", "other.yaml"], cwd=folder, stdout=subprocess.PIPE, text=True
        ) as second,
    ):
        first = place.run()
        said, _ = second.communicate(timeout=900)
    if second.returncode != 0 or first.returncode != 0:
        return f"exit {first.returncode} and {second.returncode}: {first.stderr[-200:]}"
    if len(place.runs) != 3:
        return f"{len(place.runs)} of 3 runs"
    if "best β" not in said or "best β" not in first.stdout:
        return "no answer was printed"
    if again:
        return f"trained twice: {', '.join(again)}"
    logs = "".join(path.read_text() for path in folder.glob("store/sweeps/*/log.txt"))
    return "a run is torn" if "torn" in logs + said + first.stdout else None


def one_of_two_sweeps_killed(folder: Path) -> str | None:
    """The other takes over the run that it shares and ends; the killed one is then run again."""
    place = two_that_share_a_run(folder, 4000)
    script = str(Path(sys.executable).with_name("sweep"))
    with trained_again(folder / "store") as again:
        first = subprocess.Popen(
            [script, "run", "other.yaml"], cwd=folder, stdout=subprocess.DEVNULL
        )
        while first.poll() is None and not list(folder.glob("store/runs/*/config.json")):
            time.sleep(0.05)
        with subprocess.Popen(
            [script, "run", "here.yaml"], cwd=folder, stdout=subprocess.PIPE, text=True
        ) as second:
            while second.poll() is None and len(list(folder.glob("store/runs/*/config.json"))) < 2:
                time.sleep(0.05)
            processes.kill([*processes.below(first.pid), first.pid])
            first.wait()
            said, _ = second.communicate(timeout=900)
        if second.returncode != 0 or len(place.runs) < RUNS:
            return f"exit {second.returncode} of the other, {len(place.runs)} runs"
        done = place.sweep("run", "other.yaml")
    if done.returncode != 0 or len(place.runs) != RUNS + 1:
        return f"exit {done.returncode} of the killed one, {len(place.runs)} runs"
    if "best β" not in said or "best β" not in done.stdout:
        return "no answer was printed"
    return f"trained twice: {', '.join(again)}" if again else None


@contextlib.contextmanager
def trained_again(store: Path) -> Iterator[set[str]]:
    """Ids of the runs whose record of training was written more than once meanwhile."""
    over, again, seen = threading.Event(), set[str](), dict[str, tuple[int, int]]()

    def watch() -> None:
        while not over.wait(0.02):
            for record in store.glob("runs/*/training.json"):
                found = record.stat()
                now = found.st_ino, found.st_mtime_ns
                if seen.setdefault(record.parent.name, now) != now:
                    again.add(record.parent.name)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield again
    finally:
        over.set()
        thread.join()


def status_of_closed_store(folder: Path) -> str | None:
    """An empty name of a store is refused; a wrong address leaves no store behind."""
    place = Place(folder, store="")
    if place.run().returncode != 2:
        return "--store '' was taken"
    place = Place(folder)
    done = place.sweep("run", "here.yaml", "--address", "127.0.0.1:1")
    if done.returncode != 2 or done.stderr.count("\n") != 1:
        return f"exit {done.returncode}: {done.stderr[-200:]}"
    return None if not (folder / "store").exists() else "an empty store is left"


CASES: Mapping[str, Case] = {
    "a folder with trainer/, evaluation/, sweeps/, random.py, torch.py": other_projects_folder,
    "PYTHONPATH with trainer/ and evaluation/": other_projects_packages_in_pythonpath,
    "many of these at once": everything_at_once,
    "LC_ALL=C PYTHONIOENCODING=ascii": in_environment(LC_ALL="C", PYTHONIOENCODING="ascii"),
    "PYTHONIOENCODING=cp1252": in_environment(PYTHONIOENCODING="cp1252"),
    "stdout closed": output_into(" >&-"),
    "stdout full": output_into(" > /dev/full", code=1),
    "| head -1": output_into(" | head -1"),
    "MPLBACKEND of a notebook": in_environment(MPLBACKEND=NOTEBOOK),
    "PYTHONWARNINGS=error": in_environment(PYTHONWARNINGS="error"),
    "no environment at all (env -i, as in cron)": before("env", "-i"),
    "HOME not set": in_environment(HOME=None),
    "HOME that cannot be written": home_not_writable,
    "TMPDIR=/var/tmp": in_environment(TMPDIR="/var/tmp"),
    "/tmp that cannot be written, and another TMPDIR": temporary_folder_elsewhere(READ_ONLY),
    "/tmp full, and another TMPDIR": temporary_folder_elsewhere(FULL),
    "MLFLOW_TRACKING_URI of a dead server": in_environment(
        MLFLOW_TRACKING_URI="http://127.0.0.1:1"
    ),
    "MLFLOW_TRACKING_URI of a bare word": in_environment(MLFLOW_TRACKING_URI="mlruns"),
    "no network but the loopback": before("unshare", "-n", "sh", "-c", LOOPBACK_ALONE, "-"),
    "https_proxy to nowhere": in_environment(https_proxy="http://127.0.0.1:1"),
    "OMP_NUM_THREADS=1": in_environment(OMP_NUM_THREADS="1"),
    "one core (taskset)": before("taskset", "-c", "0"),
    "ulimit -n 256": before("prlimit", "--nofile=256:256"),
    "a process that has called ray.init": notebook_with_ray,
    "a store named 'a b [x] 100%25?'": in_store("a b [x] 100%25?"),
    "a store that was renamed": store_that_moved,
    "two sweeps that share a run, at once": two_sweeps_at_once,
    "two sweeps that share a run, one killed": one_of_two_sweeps_killed,
    "--store '' and a wrong --address": status_of_closed_store,
    "kill -9 of the raylet": harm("/raylet/raylet", signal.SIGKILL),
    "kill -STOP of the raylet": harm("/raylet/raylet", signal.SIGSTOP),
    "kill -9 of the control store": harm("/gcs/gcs_server", signal.SIGKILL),
    "kill -STOP of the control store": harm("/gcs/gcs_server", signal.SIGSTOP),
    "kill -9 of a worker": harm("ray::Trial", signal.SIGKILL),
    "kill -STOP of a worker": harm("ray::Trial", signal.SIGSTOP),
    "kill -9 of an agent": harm("ray::RuntimeEnvAgent", signal.SIGKILL),
    "kill -STOP of an agent": harm("ray::RuntimeEnvAgent", signal.SIGSTOP),
    "kill -9 of Ray's driver": harm("ray_host", signal.SIGKILL),
    "kill -STOP of Ray's driver": harm("ray_host", signal.SIGSTOP),
    "config.json edited": changed("runs/*/config.json", '"latents": 2', '"latents": 3'),
    "config.json cut": changed("runs/*/config.json", "", ""),
    "result.json edited": changed("runs/*/result.json", '"latents": 2', '"latents": 0'),
    "result.json cut": changed("runs/*/result.json", "", ""),
    "training.json cut": changed("runs/*/training.json", "", ""),
    "settings/00000.json edited": changed("sweeps/*/*/settings/00000.json", "1", "3"),
    "settings/00000.json cut": changed("sweeps/*/*/settings/00000.json", "", ""),
    "a link at sweeps/NAME/errors": link_in_store(f"sweeps/{NAME}/errors"),
    "a link at sweeps/NAME/log.txt": link_in_store(f"sweeps/{NAME}/log.txt"),
    "a link at sweeps/NAME/report": link_in_store(f"sweeps/{NAME}/report"),
}


def as_json(outcomes: Mapping[str, str | None]) -> str:
    """What came out, for other programs."""
    return json.dumps(outcomes, indent=1)
