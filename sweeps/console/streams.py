"""Output that cannot be written is lost, but nothing else: a sweep continues without it."""

import io
import os
from typing import TextIO

# replacements for streams that are not UTF-8
_PLAIN = {"β": "beta", "×": "x", "±": "+-", "–": "-", "—": "-", "−": "-", "…": "...", "→": "->"}
_TABLE = str.maketrans(_PLAIN | {"│": "|", "─": "-", "━": "-", "•": "*", "·": "."})


class Unfailing(io.TextIOBase):
    """A wrapper around a text stream whose `write` and `flush` never raise.

    Characters that the stream cannot encode are replaced. Once it is closed or full, or its reader
    has gone, nothing more is written.

    problem: why output was lost; None if none was.
    """

    def __init__(self, stream: TextIO | None):
        self._stream = stream
        self.problem: Exception | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the wrapped stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Writes as much as possible."""
        if self._stream is None or self.problem is not None:
            return len(text)
        try:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                plain = text.translate(_TABLE).encode(self.encoding, "replace")
                self._stream.write(plain.decode(self.encoding))
        except (OSError, ValueError) as error:  # ValueError: it is closed
            self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Flushes the stream."""
        if self._stream is None or self.problem is not None:
            return
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._give_up(error)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:
            return False

    def fileno(self) -> int:
        """The descriptor of the wrapped stream. Raises OSError if it has none."""
        if self._stream is None:
            raise io.UnsupportedOperation("there is no such stream")
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always."""
        return True

    def _give_up(self, problem: Exception) -> None:
        self.problem = problem
        try:  # its buffer must not cause an error when Python exits
            number = self.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
        except (OSError, ValueError):
            return


def unfailing(stream: TextIO | None) -> Unfailing:
    """The stream as an `Unfailing` one; unchanged if it already is."""
    return stream if isinstance(stream, Unfailing) else Unfailing(stream)


def occupy() -> None:
    """Opens stdin, stdout and stderr if closed, or the next file would take their place."""
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(number, True)
    os.close(number)
