"""Writes to a server from one thread: never blocking, with retries, giving up in bounded time."""

import math
import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from sweeps.tracking.redact import redact
from trainer.errors import UserError

PAUSES = (0.5, 2.0, 8.0, 30.0)  # seconds before retrying an item; the last one repeats
SAID_AFTER = 1  # failed tries before this is reported
PATIENCE = 20.0  # seconds for which the server may fail before `close` gives up
LONGEST_PROBLEM = 300  # characters of an error message that are kept
LONGEST_CLOSE = 120.0  # seconds after which `close` gives up in any case

Writer = TypeVar("Writer")


def _never(error: Exception) -> bool:
    return False


class Background(Generic[Writer]):
    """Hands items to one thread, which writes them in order over its own connection.

    Failures are retried, each time with a new connection, so that items the server accepted without
    our knowing are looked up rather than written twice. An item that the server rejects as invalid
    would fail forever: it is dropped.

    name: of the server, for messages. connect: makes the connection; called in the thread, since it
    is slow and may fail. is_refusal: whether an error will recur however often the item is retried.
    say: called in the thread when the server fails and when it is back.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Writer],
        is_refusal: Callable[[Exception], bool] = _never,
        say: Callable[[str], None] | None = None,
    ):
        self.name, self._connect, self._is_refusal = name, connect, is_refusal
        self._say = say or (lambda line: None)
        self._items: queue.SimpleQueue[Callable[[Writer], None] | None] = queue.SimpleQueue()
        self._closing, self._given_up = threading.Event(), threading.Event()
        self._closing_since = math.inf
        self._failing_since: float | None = None
        self._said = False  # whether the failure was reported
        self.problem: str | None = None  # the last error, without passwords
        self.items = self.written = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def unwritten(self) -> int:
        """How many items are not written (yet)."""
        return self.items - self.written

    def put(self, item: Callable[[Writer], None]) -> None:
        """Queues an item; returns at once."""
        self.items += 1
        self._items.put(item)

    def finish(self) -> None:
        """Takes no more items; from now on a failing server has PATIENCE to recover."""
        if not self._closing.is_set():
            self._closing_since = time.monotonic()
            self._closing.set()
            self._items.put(None)

    def close(self, seconds: float = LONGEST_CLOSE) -> bool:
        """`finish`, then waits until all is written; returns whether it is.

        Gives up after `seconds`, and when the server has failed for PATIENCE.
        """
        self.finish()
        end = time.monotonic() + seconds
        while self._thread.is_alive() and not self._given_up.is_set():
            self._thread.join(timeout=0.05)
            now = time.monotonic()
            if now > min(end, self._patient_until()):
                self._given_up.set()  # a hanging call is abandoned: the thread is a daemon
        return self.unwritten == 0

    def _patient_until(self) -> float:
        failing = self._failing_since
        return math.inf if failing is None else max(self._closing_since, failing) + PATIENCE

    def _run(self) -> None:
        writer = self._connected()
        while (item := self._items.get()) is not None and not self._given_up.is_set():
            writer = self._write(item, writer)

    def _connected(self) -> Writer | None:
        """The first connection; None if it fails, which is reported at once."""
        try:
            return self._connect()
        except Exception as error:
            self._failed(error, say=True)
            return None

    def _write(self, item: Callable[[Writer], None], writer: Writer | None) -> Writer | None:
        """Writes one item, with retries; returns the connection that succeeded."""
        tries = 0
        while not self._given_up.is_set():
            try:
                writer = writer or self._connect()
                item(writer)
            except Exception as error:  # whatever happens, training continues
                writer = None
                self._failed(error, say=tries >= SAID_AFTER)
                if self._is_refusal(error):
                    return None
                self._pause(tries)
                tries += 1
            else:
                self.written += 1
                if self._said:
                    self._say(f"{self.name} can be written again")
                self._said = False
                self._failing_since = None
                return writer
        return None

    def _failed(self, error: Exception, say: bool) -> None:
        named = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        line = redact(f"{named}{error}".splitlines()[0])
        self.problem = line if len(line) <= LONGEST_PROBLEM else f"{line[:LONGEST_PROBLEM]} …"
        self._failing_since = self._failing_since or time.monotonic()
        if say and not self._said:
            self._said = True
            self._say(f"{self.name} cannot be written ({self.problem}); training continues")

    def _pause(self, tries: int) -> None:
        pause = PAUSES[min(tries, len(PAUSES) - 1)]
        if self._closing.wait(pause):  # then there is little time left
            self._given_up.wait(min(pause, PAUSES[0]))
