"""Commands that count runs, ask or print start without the packages that train and score."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.run_store import Store
from sweeps.sweepfile import load_spec, reading
from trainer.errors import UserError

ROOT = Path(__file__).parents[3]
SWEEP = """\
name: tiny
dataset: {name: dsprites, size: 32}
metric: mig
parameters: {beta: {min: 1, max: 8}, objective: {values: [beta_vae, beta_tcvae]}}
evaluation: {mig: {points: 500}, dci:}
baselines: [pca]
seeds: 3
"""
HEAVY = ("torch", "sklearn", "scipy", "ray", "mlflow", "optuna", "matplotlib")
LIGHT = ("list", "status", "logs", "stop", "ui")
RUN_ALL = f"""\
import json, sys
from sweeps.cli.main import main
file, store = sys.argv[1:]
loaded = {{}}
for name in {LIGHT}:
    main([name, *([] if name == "list" else [file]), "--store", store])
    loaded[name] = sorted(set({HEAVY}) & set(sys.modules))
print(json.dumps(loaded))
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "tiny.yaml"
    path.write_text(SWEEP)
    return path


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The sweeps that were checked in full."""
    checked: list[object] = []
    check = reading.check_reachable
    monkeypatch.setattr(
        reading, "check_reachable", lambda spec: (checked.append(spec), check(spec))
    )
    return checked


def test_light_commands_load_nothing_heavy(file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.save_spec(load_spec(file, quick=True))
    command = [sys.executable, "-c", RUN_ALL, str(file), store.location]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {name: [] for name in LIGHT}
    assert "tiny: 0 of 90 runs finished" in done.stdout


def test_a_sweep_is_checked_in_full_once(file: Path, checks: list[object]) -> None:
    full = load_spec(file)
    for _ in range(3):
        quick = load_spec(file, quick=True)
        assert quick == full and quick.search_id == full.search_id
        assert quick.text == full.text
    assert len(checks) == 2  # by the first of each kind
    assert load_spec(file, ["seeds=4"], quick=True).seeds == 4 and len(checks) == 3


def test_a_changed_file_is_checked_again(file: Path) -> None:
    load_spec(file, quick=True)
    for old, new in (("points: 500", "points: 0"), ("beta_tcvae", "beta_tcvea")):
        file.write_text(SWEEP.replace(old, new))
        for _ in range(2):
            with pytest.raises(UserError, match=r"tiny\.yaml:"):
                load_spec(file, quick=True)


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"evaluation": 3}', '{"evaluation": {}}'])
def test_a_damaged_cache_changes_nothing(file: Path, tmp_path: Path, kept: str) -> None:
    full = load_spec(file, quick=True)
    for path in (tmp_path / "cache").glob("sweep-*.json"):
        path.write_text(kept)
    assert load_spec(file, quick=True) == full


def test_without_a_cache_a_sweep_is_checked_each_time(
    file: Path, checks: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_CACHE", "/proc/none")
    assert load_spec(file, quick=True) == load_spec(file, quick=True)
    assert len(checks) == 2
