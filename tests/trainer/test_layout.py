"""Imports in the trainer run one way, as its folders are ordered."""

import ast
from pathlib import Path

import trainer

ROOT = Path(trainer.__file__).parent
# each imports those before it alone
ORDER = (
    ("errors", "live_latents", "randomness", "run_files"),
    ("registry",),
    ("config", "files"),
    ("cache",),
    ("extensions",),
    ("data", "device", "nn"),
    ("architectures", "distributions", "likelihoods"),
    ("objectives",),
    ("registries", "run_folder"),
    ("models",),
    ("training",),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(ORDER) for room in rooms}


def test_no_import_runs_up() -> None:
    seen = set()
    for path in ROOT.rglob("*.py"):
        room = path.relative_to(ROOT).with_suffix("").parts[0]
        if room == "__init__":
            continue
        seen.add(room)
        for imported in _imported(path):
            parts = imported.split(".")
            if parts[0] == "trainer" and len(parts) > 1 and parts[1] != room:
                assert FLOOR[parts[1]] < FLOOR[room], f"{path} imports {imported}"
    assert seen == set(FLOOR)


def _imported(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names
