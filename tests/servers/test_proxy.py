"""The proxy that other tests lean on: each fault is what it says, and is over when it is mended."""

import socket
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.servers.proxy import Answer, Hang, Proxy, Refuse, Slow, proxied


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def proxy():
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with proxied(server.server_address) as proxy:
            yield proxy
        server.shutdown()


def put(proxy: Proxy, body: bytes, timeout: float = 10) -> bytes:
    request = urllib.request.Request(proxy.url, data=body, method="PUT")
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.read()


BODY = bytes(range(256)) * 20_000  # 5 MB: many chunks, one request


def test_everything_is_passed_in_both_directions(proxy):
    assert put(proxy, BODY) == BODY
    assert (proxy.requests, proxy.injected) == (1, 0)


def test_an_error_answers_the_next_requests_and_no_more(proxy):
    proxy.inject(Answer(503), times=2)
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError, match="503"):
            put(proxy, BODY)
    assert put(proxy, BODY) == BODY
    assert (proxy.requests, proxy.injected) == (3, 2)


def test_a_silent_server_stays_silent_until_it_is_restored(proxy):
    with proxy.broken(Hang()), pytest.raises(TimeoutError):
        put(proxy, b"1", timeout=0.2)
    assert put(proxy, b"1") == b"1"


def test_slowness_delays_a_request_once_however_large_it_is(proxy):
    began = time.monotonic()
    with proxy.broken(Slow(0.3)):
        assert put(proxy, BODY) == BODY
    assert time.monotonic() - began >= 0.3
    assert proxy.injected == 1


def test_open_connections_are_lost_as_new_ones_are(proxy):
    with socket.create_connection((proxy.host, proxy.port), timeout=10) as connection:
        request = b"PUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\n1"
        connection.sendall(request)
        assert connection.recv(9) == b"HTTP/1.1 "
        time.sleep(0.05)  # for the rest of the answer
        with proxy.broken(Refuse()):
            connection.sendall(request)
            with pytest.raises(ConnectionResetError):
                while connection.recv(100):
                    pass
            with pytest.raises((urllib.error.URLError, ConnectionResetError)):
                put(proxy, b"1")
    assert put(proxy, b"1") == b"1"
