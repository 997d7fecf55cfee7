"""Sees to it that `trainer` and `evaluation` are those beside this package, never another's."""

# importlib.abc imports `random`, which may be the current folder's until `__main__` has seen to it
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

HOME = str(Path(__file__).resolve().parents[1])
NAMES = ("sweeps", "evaluation", "trainer")


class _Siblings:
    """Finds the three packages where they are, before the path is searched.

    Many research repositories have a `trainer` or an `evaluation` of their own, which would come
    first where their folder is the current one, or in PYTHONPATH.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of one of the packages; None for all else."""
        return PathFinder.find_spec(fullname, [HOME]) if fullname in NAMES else None


def prefer() -> None:
    """From now on the siblings are found first.

    Nothing is to be done where they are not beside this package: Ray sends each to a node in a
    folder of its own, and puts those first on the path.

    Raises ImportError when one of their names was imported from elsewhere already.
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
                f"sweeps needs a package {name!r} of its own, and {where} was imported under that "
                "name; in a new Python process import sweeps first, or rename the other"
            )
    if not any(isinstance(finder, _Siblings) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Siblings())


def search_path() -> list[str]:
    """Where this process looks for modules, without the current folder: it holds none of ours."""
    here = ("", os.getcwd())
    return [place for place in sys.path if place == HOME or place not in here]
