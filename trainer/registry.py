"""Things of one kind by name, each imported at its first use, so that listing names is free."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """A read-only mapping from names to what `"module:attribute"` leads to.

    Example:
        >>> Registry({"path": "pathlib:Path"})["path"]
        <class 'pathlib.Path'>
    """

    def __init__(self, places: Mapping[str, str]):
        self._places = dict(places)

    def __getitem__(self, name: str) -> T:
        module, _, attribute = self._places[name].partition(":")
        found: T = getattr(import_module(module), attribute)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._places  # without importing anything

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
