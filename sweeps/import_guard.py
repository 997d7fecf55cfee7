"""Ensures that `trainer` and `evaluation` are those next to this package, never others."""

# importlib.abc imports `random`, which may be the current folder's until `__main__` prevents it
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

HOME = str(Path(__file__).resolve().parents[1])
NAMES = ("sweeps", "evaluation", "trainer")


class _OwnPackages:
    """Finds the three packages in their place, before the path is searched.

    Many research repositories have their own `trainer` or `evaluation`, which would come first
    where their folder is the current one, or in PYTHONPATH.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of one of the packages; None for anything else."""
        return PathFinder.find_spec(fullname, [HOME]) if fullname in NAMES else None


def prefer() -> None:
    """From now on the siblings are found first.

    Does nothing where they are not next to this package: Ray sends each to a node in its own
    folder, and puts those first on the path.

    Raises ImportError when one of their names was already imported from elsewhere.
    """
    if not all(Path(HOME, name).is_dir() for name in NAMES):
        return
    for name in NAMES:
        other = sys.modules.get(name)
        places = [str(Path(place).resolve()) for place in getattr(other, "__path__", ())]
        file = getattr(other, "__file__", None)
        if other is not None and str(Path(HOME, name)) not in places:
            where = places[0] if places else file or "elsewhere"
            raise ImportError(
                f"sweeps needs its own package {name!r}, but {where} was imported under that "
                "name; in a new Python process import sweeps first, or rename the other"
            )
    if not any(isinstance(finder, _OwnPackages) for finder in sys.meta_path):
        sys.meta_path.insert(0, _OwnPackages())


def search_path() -> list[str]:
    """This process's module path without the current folder, which has none of our code."""
    here = ("", os.getcwd())
    return [place for place in sys.path if place == HOME or place not in here]
