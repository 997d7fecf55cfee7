"""A TCP proxy that makes the server behind it fail: errors, silence, slowness, lost connections."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers.processes import HOST

CHUNK = 65536  # bytes moved at once
CONTINUE = b"HTTP/1.1 100"  # asks for the rest of a request, and answers nothing


@dataclass(frozen=True)
class Pass:
    """Requests go through."""


@dataclass(frozen=True)
class Answer:
    """Every HTTP request is answered with this status, and its connection is closed."""

    status: int = 500


@dataclass(frozen=True)
class Hang:
    """Requests are read and never answered; their connections close when the fault is over."""


@dataclass(frozen=True)
class Slow:
    """Every request waits for `seconds` before it goes through."""

    seconds: float


@dataclass(frozen=True)
class Refuse:
    """Every connection is reset: at once when it is new, at its next request when it is open."""


Fault = Answer | Hang | Slow | Refuse


class Proxy:
    """A proxy on a free port in front of a server; passes until it is told otherwise.

    A request is what a client sends on a connection up to the next answer, so the proxy serves
    HTTP and Postgres alike (`Answer` is for HTTP alone).

    host, port: where clients connect. requests: how many came so far. injected: how many faults
    they met. Bytes are passed as they come; HTTP's header `Host` names the proxy.
    """

    def __init__(self, target: tuple[str, int]):
        self._target = target
        self._fault: Fault | Pass = Pass()
        self._left: int | None = None
        self._before = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.requests = self.injected = 0
        self._listener = socket.create_server((HOST, 0))
        self.host, self.port = HOST, int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The address, as a client of HTTP takes it."""
        return f"http://{self.host}:{self.port}"

    def inject(self, fault: Fault, times: int | None = None, after: int = 0) -> None:
        """After the next `after` requests, `times` of them, or all until `mend`, meet a fault."""
        with self._lock:
            self._fault, self._left, self._before = fault, times, after

    @property
    def is_faulty(self) -> bool:
        """Whether some request, now or later, still meets a fault."""
        return not isinstance(self._fault, Pass)

    def mend(self) -> None:
        """Lets everything through again."""
        with self._lock:
            self._fault, self._left, self._before = Pass(), None, 0

    @contextlib.contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        """`inject` at the start of a block, `mend` at its end."""
        self.inject(fault)
        try:
            yield
        finally:
            self.mend()

    def close(self) -> None:
        """Stops listening; open connections end at their next request."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One connection, until one end closes it or a fault does."""
        if isinstance(self._fault, Refuse) and self._before == 0:
            self._meet()
            _reset(client)
            return
        with contextlib.suppress(OSError), client:
            server = socket.create_connection(self._target)
            with server:
                answered = threading.Event()
                answered.set()
                threading.Thread(
                    target=_give_back, args=[server, client, answered], daemon=True
                ).start()
                try:
                    self._take(client, server, answered)
                finally:
                    with contextlib.suppress(OSError):
                        server.shutdown(socket.SHUT_RDWR)  # else it waits for us for ever

    def _take(
        self, client: socket.socket, server: socket.socket, answered: threading.Event
    ) -> None:
        """Moves what the client sends; every request may meet a fault."""
        while chunk := client.recv(CHUNK):
            if self._closed.is_set():
                return
            if answered.is_set():
                answered.clear()
                fault = self._meet()
                if isinstance(fault, Slow):
                    self._closed.wait(fault.seconds)
                elif isinstance(fault, Refuse):
                    _reset(client)
                    return
                elif isinstance(fault, Answer):
                    _answer(client, fault.status)
                    return
                elif isinstance(fault, Hang):
                    self._hang(client, fault)
                    return
            server.sendall(chunk)

    def _meet(self) -> Fault | Pass:
        """What a new request meets."""
        with self._lock:
            self.requests += 1
            if self._before > 0:
                self._before -= 1
                return Pass()
            fault = self._fault
            self.injected += not isinstance(fault, Pass)
            if self._left is not None:
                self._left -= 1
                if self._left <= 0:
                    self._fault, self._left = Pass(), None
            return fault

    def _hang(self, client: socket.socket, fault: Hang) -> None:
        client.settimeout(0.05)
        while self._fault is fault and not self._closed.is_set():
            with contextlib.suppress(TimeoutError):
                if not client.recv(CHUNK):
                    return


@contextlib.contextmanager
def proxied(target: tuple[str, int]) -> Iterator[Proxy]:
    """A proxy in front of the server at `target` (host and port).

    >>> with proxied(("127.0.0.1", 5000)) as proxy:         # doctest: +SKIP
    ...     proxy.inject(Answer(503), times=2)
    ...     with proxy.broken(Slow(10)):
    ...         requests.get(proxy.url)
    """
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()


def _give_back(server: socket.socket, client: socket.socket, answered: threading.Event) -> None:
    """Moves what the server sends."""
    with contextlib.suppress(OSError):
        while chunk := server.recv(CHUNK):
            if not chunk.startswith(CONTINUE):
                answered.set()
            client.sendall(chunk)
        client.shutdown(socket.SHUT_WR)


def _answer(client: socket.socket, status: int) -> None:
    body = b"a fault"
    head = f"HTTP/1.1 {status} Fault\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    client.sendall(head.encode() + body)
    client.shutdown(socket.SHUT_WR)
    while client.recv(CHUNK):  # the rest of the request, which closing now would answer by a reset
        pass


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
