"""What was replayed so far, in a file of JSON lines, so that a long command can be continued."""

import json
from pathlib import Path

import numpy as np

from tests.benchmarks.search.replay import Replay


class Found:
    """Replays by table, way and number; those in the file at `path` to begin with, if there is one.

    A line that was cut off when the command was killed is replayed again.
    """

    def __init__(self, path: Path | None):
        self._path = path
        self._replays: dict[tuple[str, str, int], tuple[Replay, float]] = {}
        text = path.read_text() if path is not None and path.exists() else ""
        if path is not None and text and not text.endswith("\n"):
            path.write_text(f"{text}\n")
        for line in text.splitlines():
            try:
                table, way, number, runs, loss, said, seconds = json.loads(line)
            except ValueError:
                continue
            one = Replay(np.array(runs), np.array(loss), said)
            self._replays[table, way, number] = one, seconds

    def __contains__(self, key: tuple[str, str, int]) -> bool:
        return key in self._replays

    def add(self, table: str, way: str, number: int, one: Replay, seconds: float) -> None:
        """Keeps a replay. seconds: of processor time that it took."""
        self._replays[table, way, number] = one, seconds
        if self._path is not None:
            loss = [round(float(x), 6) for x in one.loss]
            line = [table, way, number, one.runs.tolist(), loss, one.said, round(seconds, 3)]
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")

    def of(self, table: str, way: str) -> tuple[list[Replay], float]:
        """All replays of a way, in order, and the seconds that one took on average."""
        keys = sorted(key for key in self._replays if key[:2] == (table, way))
        found = [self._replays[key] for key in keys]
        return [one for one, _ in found], sum(s for _, s in found) / max(1, len(found))

    def count(self, table: str, way: str) -> int:
        """How many there are of a way."""
        return len(self.of(table, way)[0])
