"""A wall clock for a sweep alone, which can be set forward and back while it runs."""

import os
import time
from pathlib import Path

_CODE = Path(__file__).parent / "own_clock"


class Clock:
    """What the Python processes with `environment` read as the time of day.

    Their monotonic clocks stay true, as they do when a machine's clock is set. Ray's own daemons,
    which are no Python, keep the real time.

    file: where it is kept how far this clock is ahead of the real one, in seconds.
    """

    def __init__(self, file: Path):
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text("0")

    @property
    def environment(self) -> dict[str, str]:
        """Of the processes that are to have this clock."""
        path = os.pathsep.join(filter(None, [str(_CODE), os.environ.get("PYTHONPATH")]))
        return {"PYTHONPATH": path, "SWEEP_TEST_CLOCK": str(self._file)}

    def jump_to(self, seconds: float) -> None:
        """Sets the clock that many seconds ahead of the real time, or behind it."""
        part = self._file.with_suffix(".part")
        part.write_text(str(seconds))
        part.replace(self._file)
        time.sleep(0.3)  # until all have seen it
