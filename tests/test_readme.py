"""The commands and examples of the README and docs, run as they stand on a smaller quick sweep."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sweeps.cli.main import main
from sweeps.sweepfile import as_mapping, load_spec, spec_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = list((ROOT / "docs").glob("*.md"))
PAGES = [README] + [
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("papers.md", "python.md")
]
IN_TURN = """
import sys
for code in sys.argv[1:]:
    exec(compile(code, "example", "exec"), {"__name__": "__main__"})
"""
SMALLER = {
    "steps: 2_000": "steps: 20",
    "[0.25, 1, 2, 4, 8, 16, 32]": "[1, 16]",
    "latents: {values: [10, 20]}": "latents: 10",
    "seeds: 4": "seeds: 4\nresources: {max_concurrent: 1}",  # a second worker would only start
}


def blocks(language: str) -> list[str]:
    """In the order of the pages: those of docs/ use what the README's commands have made."""
    found = [re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL) for page in PAGES]
    return [block for page in found for block in page]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run: the sweep files, the quick one with fewer settings and steps."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(
        ROOT / "sweeps",
        folder / "sweeps",
        ignore=lambda _, names: [name for name in names if not name.endswith(".yaml")],
    )
    file = folder / "sweeps" / "quickstart.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in SMALLER.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return folder


def run(arguments: list[str], folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    left_out = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS")
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    done = subprocess.run(
        arguments,
        cwd=folder,
        env=environment | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_commands_and_examples_run_in_the_order_of_the_readme(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    lines = "\n".join(blocks("sh")).splitlines()
    commands = [line.split("#")[0].split() for line in lines if line.startswith("sweep ")]
    assert len(commands) >= 9
    said = []
    for command in commands:
        if command[1] == "run" and not said:
            said.append(run(command, folder))
        else:  # here, where all that takes seconds to import is there
            assert main(command[1:]) == 0, command
    assert "best β" in said[0]
    assert (folder / "comparison.png").stat().st_size > 10_000
    run([sys.executable, "-c", IN_TURN, *blocks("python")], folder)


def test_the_sweep_file_of_the_readme_is_the_quick_sweep() -> None:
    shown = spec_of(yaml.safe_load(blocks("yaml")[0].replace("2_000", "2000")))
    assert as_mapping(shown) == as_mapping(load_spec(ROOT / "sweeps" / "quickstart.yaml"))


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    command = next(line.strip() for line in README.splitlines() if line.endswith("/pytest"))
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{p.name}" for p in DOCS)])
def test_files_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|sweeps|infra|trainer|evaluation)/[\w/.]+\.(?:py|yaml))`", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    links = re.findall(r"\]\(([\w/.]+)\)", text)
    missing += [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert not missing
