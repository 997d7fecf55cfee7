"""Every test has a cache of its own."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_cache(cache_folder: Path) -> None:
    """`cache_folder`, whether a test asks for it or not."""
