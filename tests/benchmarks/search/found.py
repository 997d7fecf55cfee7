"""The replays so far, in a file of JSON lines, so that a long command can be continued."""

import json
from pathlib import Path

import numpy as np

from tests.benchmarks.search.replay import Replay


class Found:
    """Replays by table, way and number, beginning with those in the file at `path`, if any.

    A line that was cut off when the command was killed is replayed again.
    """

    def __init__(self, path: Path | None):
        self._path = path
        self._replays: dict[tuple[str, str, int], Replay] = {}
        text = path.read_text() if path is not None and path.exists() else ""
        if path is not None and text and not text.endswith("\n"):
            path.write_text(f"{text}\n")
        for line in text.splitlines():
            try:
                table, way, number, runs, loss, said = json.loads(line)
            except ValueError:
                continue
            self._replays[table, way, number] = Replay(np.array(runs), np.array(loss), said)

    def __contains__(self, key: tuple[str, str, int]) -> bool:
        return key in self._replays

    def add(self, table: str, way: str, number: int, one: Replay) -> None:
        """Keeps a replay."""
        self._replays[table, way, number] = one
        if self._path is not None:
            loss = [round(float(x), 6) for x in one.loss]
            line = [table, way, number, one.runs.tolist(), loss, one.said]
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")

    def of(self, table: str, way: str) -> list[Replay]:
        """All replays of a way, in order."""
        keys = sorted(key for key in self._replays if key[:2] == (table, way))
        return [self._replays[key] for key in keys]
