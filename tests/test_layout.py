"""The packages as a whole: imports run one way and in no circle; no folder holds too much."""

import ast
import functools
from pathlib import Path

import pytest

import sweeps

ROOT = Path(sweeps.__file__).parents[1]
PACKAGES = ("trainer", "evaluation", "sweeps")  # each imports those before it, and itself
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
}
FOLDERS = [module for module, path in FILES.items() if path.name == "__init__.py"]
DOZEN = 12  # files side by side, without `__init__.py`
OF_ONE_KIND = {
    "evaluation/metrics",
    "evaluation/report/figures",
    "sweeps/cli",
    "sweeps/search/methods",
    "trainer/data/formats",
    "trainer/objectives",
}
OF_A_RUN = {
    "config.json": "trainer.run_files",
    "history.json": "trainer.run_files",
    "model.safetensors": "trainer.run_files",
    "training.json": "trainer.run_files",
    "result.json": "evaluation.result_file",
    "traversal.png": "trainer.run_files",
}


def test_packages_import_one_way() -> None:
    for module in FILES:
        for other in _imported(module):
            mine, theirs = PACKAGES.index(_package(module)), PACKAGES.index(_package(other))
            assert theirs <= mine, f"{module} imports {other}"


def test_no_modules_import_each_other() -> None:
    """Not even for types."""
    assert not _circles({module: _imported(module) for module in FILES})


@pytest.mark.parametrize("package", FOLDERS)
def test_no_folders_of_a_package_import_each_other(package: str) -> None:
    """Files beside the folders, which may be below some and above others, count one by one."""
    depth = package.count(".") + 2

    def part(module: str) -> str:
        return ".".join(module.split(".")[:depth])

    inside = [module for module in FILES if module.startswith(package + ".")]
    imports: dict[str, set[str]] = {part(module): set() for module in inside}
    for module in inside:
        others = {part(other) for other in _imported(module) if other in inside}
        imports[part(module)] |= others - {part(module)}
    assert not _circles(imports)


def test_no_folder_has_more_than_a_dozen_files() -> None:
    for folder in {path.parent for path in FILES.values()}:
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        name = folder.relative_to(ROOT).as_posix()
        assert len(files) <= DOZEN or name in OF_ONE_KIND, f"{name} has {len(files)} files"


def test_no_two_classes_have_one_name() -> None:
    homes: dict[str, str] = {}
    for module, path in FILES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                other = homes.setdefault(node.name, module)
                assert other == module, f"{node.name} is in {other} and in {module}"


def test_each_file_of_a_run_is_named_once() -> None:
    homes: dict[str, set[str]] = {}
    for module, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in OF_A_RUN:
                homes.setdefault(node.value, set()).add(module)
    assert homes == {name: {home} for name, home in OF_A_RUN.items()}


@functools.cache
def _imported(module: str) -> set[str]:
    """The modules of ours that one imports anywhere, in functions and for types too."""
    found = set()
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in FILES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return (found & FILES.keys()) - {module}


def _circles(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """The members of circles, and who stands between two of them."""
    while leaves := {module for module, others in imports.items() if not others & imports.keys()}:
        imports = {module: others for module, others in imports.items() if module not in leaves}
    while roots := imports.keys() - {other for others in imports.values() for other in others}:
        imports = {module: others for module, others in imports.items() if module not in roots}
    return imports


def _package(module: str) -> str:
    return module.partition(".")[0]
