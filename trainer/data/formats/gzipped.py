"""Files that are published gzipped or unpacked, with or without .gz at the end of the name."""

import gzip
from pathlib import Path
from typing import IO, cast


def opened(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked if it is named .gz. Raises OSError."""
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else open(path, "rb")
