"""Working folders that have a `trainer/`, a `random.py` and the like of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.surroundings.place import SWEEP, THEIRS


@pytest.fixture
def folder(tmp_path):
    """The working folder of a research repository; `path/` is in its PYTHONPATH."""
    here = tmp_path / "repository"
    for name in ("trainer", "evaluation", "path/trainer", "path/evaluation", "path/sweeps"):
        (here / name).mkdir(parents=True)
        (here / name / "__init__.py").write_text(THEIRS)
    for name in ("random.py", "torch.py", "types.py", "ray.py"):
        (here / name).write_text(THEIRS)
    (here / "here.yaml").write_text(SWEEP)
    return here


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True
    )


def test_as_a_module_too(folder):
    (folder / "types.py").unlink()  # Python itself needs that before anything of ours runs
    done = run(folder, sys.executable, "-m", "sweeps", "validate", "here.yaml")
    assert (done.returncode, done.stderr) == (0, "")


def test_packages_in_pythonpath_do_not_come_first_either(folder):
    code = "import sweeps.import_guard, trainer, evaluation; print(trainer.__file__)"
    environment = {"PYTHONPATH": str(folder / "path"), "PYTHONSAFEPATH": "1"}
    (folder / "path/sweeps/__init__.py").unlink()  # a folder alone gives way to a package
    (folder / "path/sweeps").rmdir()
    done = run(folder, sys.executable, "-c", code, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert str(folder) not in done.stdout


def test_a_package_that_was_imported_already_is_named():
    code = "import sys, types; sys.modules['trainer'] = types.ModuleType('trainer'); import sweeps"
    done = run(Path.cwd(), sys.executable, "-c", code)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: sweeps needs its own package 'trainer', but elsewhere was imported "
        "under that name; in a new Python process import sweeps first, or rename the other"
    )
