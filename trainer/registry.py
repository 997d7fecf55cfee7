"""Objects of one kind by name, each imported at first use, so that listing names is cheap."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from trainer.errors import UserError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """A read-only mapping from names to what `"module:attribute"` refers to.

    places: what each name refers to, imported at first use.
    group: entry points by which installed packages add names, e.g. `beta_sweep.architectures`; they
        never replace a built-in name.

    Example:
        >>> Registry({"path": "pathlib:Path"})["path"]
        <class 'pathlib.Path'>
    """

    def __init__(self, places: Mapping[str, str], group: str = ""):
        self.places, self._group = dict(places), group

    @cached_property
    def installed(self) -> Mapping[str, EntryPoint]:
        """Entry points of installed packages, by name."""
        if not self._group:
            return {}
        found = {entry.name: entry for entry in entry_points(group=self._group)}
        return {name: entry for name, entry in found.items() if name not in self.places}

    def __getitem__(self, name: str) -> T:
        place = self.places.get(name)
        if place is None:
            return self._load(self.installed[name])
        module, _, attribute = place.partition(":")
        found: T = getattr(import_module(module), attribute)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self.places or name in self.installed  # without importing anything

    def __iter__(self) -> Iterator[str]:
        yield from self.places
        yield from self.installed

    def __len__(self) -> int:
        return len(self.places) + len(self.installed)

    def _load(self, entry: EntryPoint) -> T:
        try:
            found: T = entry.load()
            return found
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            raise UserError(
                f"cannot load {entry.name!r} from an installed package ({entry.value}): {problem}"
            ) from error
