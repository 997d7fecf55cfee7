"""The command line: exit codes, one line for every mistake, nothing written, and cheap starts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sweeps
from sweeps.cli.main import main

ROOT = Path(__file__).parents[3]
SWEEP = """\
name: tiny
dataset: {name: dsprites, size: 32}
method: grid
parameters: {beta: {values: [1, 4]}}
seeds: 3
"""
COMMANDS = ("run", "validate", "plan", "status", "best", "report", "sync")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path.parent / "cache"))  # its images are not rendered
    path = tmp_path / "tiny.yaml"
    path.write_text(SWEEP)
    return path


HEAVY = {"torch", "ray", "mlflow", "optuna", "sklearn", "numpy", "rich"}
LOADED = f"print(*{HEAVY} & set(sys.modules), '-', file=sys.stderr)"
COMMAND = """\
import sys
from sweeps.cli.main import main
try:
    code = main()
finally:
    LOADED
sys.exit(code)
""".replace("LOADED", LOADED)


def python(code, *arguments):
    """A fresh interpreter that runs `code` with these arguments."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def loaded(done):
    """The heavy packages that were loaded when it ended."""
    return set(done.stderr.splitlines()[-1].split()) - {"-"}


def test_help_loads_nothing_heavy():
    done = python(COMMAND, "--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in (*COMMANDS, "ui"))
    assert loaded(done) == set()


def test_validate_loads_no_orchestration(file):
    done = python(COMMAND, "validate", file)
    assert done.returncode == 0, done.stderr
    assert "2 settings × 3 seeds" in done.stdout
    assert not loaded(done) & {"ray", "mlflow", "optuna"}


def test_rays_own_process_loads_no_torch():
    done = python(f"import sys, sweeps.cluster.ray_host, sweeps.cluster.tune_search\n{LOADED}")
    assert done.returncode == 0, done.stderr
    assert not loaded(done) & {"torch", "mlflow", "optuna", "sklearn"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_broken_file_is_one_line_and_exit_2(command, file, tmp_path, capsys):
    file.write_text(SWEEP.replace("values: [1, 4]", "vales: [1, 4]"))
    store = tmp_path / "store"
    assert main([command, str(file), "--store", str(store)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"sweep: {file}:4: parameters.beta.vales: unknown key; did you mean 'values'?\n"
    assert not store.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "required: FILE"),
        (["rum", "x.yaml"], "invalid choice: 'rum'"),
        (["run", "none.yaml"], "none.yaml: cannot be read"),
        (["best", "none"], "no sweep named 'none'"),
        (["best", "../x"], "expected letters"),
        (["plan", "x.yaml", "--sore", "y"], "unknown argument '--sore'"),
        (["ui", "--port", "x"], "invalid int"),
        (["ui"], "has no MLflow runs yet"),
        ([], "COMMAND"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_2(arguments, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(arguments)
    except SystemExit as end:  # argparse's own
        code = end.code
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert words in err and len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_current_folder_that_was_deleted_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["status", "any"]) == 2
    assert capsys.readouterr().err.startswith("sweep: the current folder is gone")


@pytest.mark.parametrize("store", ["x" * 300, "loop"])
def test_a_store_of_an_impossible_name_is_one_line(store, tmp_path, capsys):
    (tmp_path / "loop").symlink_to("loop")
    assert main(["status", "any", "--store", str(tmp_path / store)]) == 1
    assert capsys.readouterr().err.startswith(f"sweep: {tmp_path / store}")


def test_overrides_before_and_after_options(file, tmp_path, capsys):
    arguments = [str(file), "seeds=7", "--store", str(tmp_path), "--json", "pack=2"]
    assert main(["plan", *arguments]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["runs"], plan["trials"]) == (14, 8)
    assert main(["plan", *arguments[:-2], "budget.usd={per_hour: 3.2, most: 40}"]) == 0
    assert "stops after 12.5 hours ($40)" in capsys.readouterr().out


def test_validate_as_json(file, capsys):
    assert main(["validate", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["valid"] is True and found["metric"] == "higgins"
    assert found["sweep"]["parameters"] == {"beta": {"values": [1, 4]}}
    assert main(["validate", str(file), "--json", "seeds=0"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["valid"] is False
    assert err == "sweep: seeds=0: seeds: expected 1 or more, got 0\n"


def test_a_broken_pipe_is_no_error(file):
    code = "import sys; from sweeps.cli.main import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "plan", str(file), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.parametrize("name", ["quickstart.yaml", "dsprites_beta.yaml"])
def test_the_sweep_files_of_the_package_are_good(name, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("sweeps.costs.probe.LONGEST", 0.0)
    path = str(ROOT / "sweeps" / name)
    assert main(["validate", path]) == 0
    assert main(["plan", path, "--json", "--store", str(tmp_path)]) == 0
    plan = json.loads(capsys.readouterr().out.split("metric higgins\n")[1])
    assert plan["settings_known"] >= 10


def test_python_api_is_lazy():
    assert loaded(python(f"import sys, sweeps; {LOADED}")) == set()
    assert all(callable(getattr(sweeps, name)) for name in sweeps.__all__)
    with pytest.raises(AttributeError, match="no attribute 'swept'"):
        _ = sweeps.swept
