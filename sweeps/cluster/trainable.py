"""The class given to Ray Tune: sent in full, it finds our packages before any others."""

from collections.abc import Callable, Mapping
from typing import Any

from ray.tune import Trainable

Step = Callable[[], dict[str, Any]]
Start = Callable[[Mapping[str, Any]], Step]


def trainable(home: str | None, start: Start | None = None) -> type[Trainable]:
    """A Trainable that takes the steps of `trial.Trial`, one block after the other.

    A class of this package would travel by its name, and a worker would look it up in whatever
    `sweeps`, `evaluation` or `trainer` comes first on its path: research repositories have their
    own folders with these names. So this one is local to a function, which sends its code along,
    and it uses nothing from this module.

    home: the folder of the three packages; None where Ray has put them first on the path.
    start: returns the `step` of a block; by default `trial.Trial`'s.
    """

    class Trial(Trainable):
        """One block at a time. Its process is reused, so data and CUDA are set up once."""

        def setup(self, config: dict[str, Any]) -> None:
            """Does nothing yet: errors must surface in `step`, whose traceback is kept."""
            self._step: Step | None = None

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            """Prepares for the next block."""
            self._step = None
            return True

        def step(self) -> dict[str, Any]:
            """As `trial.Trial.step`."""
            if self._step is None:
                self._step = self._start()
            return self._step()

        def _start(self) -> Step:
            if start is not None:
                return start(self.config)
            import importlib.util
            import sys

            if home is not None and "sweeps" not in sys.modules:
                folder = f"{home}/sweeps"
                spec = importlib.util.spec_from_file_location(
                    "sweeps", f"{folder}/__init__.py", submodule_search_locations=[folder]
                )
                if spec is None or spec.loader is None:
                    raise ImportError(f"no package sweeps in {home}")
                package = importlib.util.module_from_spec(spec)
                sys.modules["sweeps"] = package
                spec.loader.exec_module(package)  # takes care of `evaluation` and `trainer` itself
            from sweeps.trials import trial

            return trial.Trial(self.config).step

    return Trial
