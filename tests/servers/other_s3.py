"""A few kilobytes of an S3 server that behaves as some do elsewhere, for what moto cannot show."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class OtherS3:
    """Files by path. It can be told to behave otherwise at any time.

    expired: access keys that are no longer good. conditions: whether it heeds If-None-Match.
    checksums: whether it takes the checksums that boto3 sends by default since version 1.36.
    region: where its buckets are, which others' requests are told; wrong_region: in which words.
    """

    expired: set[str] = field(default_factory=set)
    conditions: bool = True
    checksums: bool = True
    region: str = ""
    wrong_region: tuple[int, str] = (301, "PermanentRedirect")
    files: dict[str, bytes] = field(default_factory=dict)
    url: str = ""


@contextlib.contextmanager
def other_s3(behaviour: OtherS3) -> Iterator[OtherS3]:
    """Serves it on this machine; `url` is where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status: int, body: bytes = b"", code: str = "") -> None:
            if code:
                text = f"<Error><Code>{code}</Code><Message>as {code} says</Message>"
                text += f"<Region>{behaviour.region}</Region></Error>"
                body = text.encode()
            self.send_response_only(status)
            self.send_header("Date", formatdate(usegmt=True))
            self.send_header("Last-Modified", formatdate(usegmt=True))
            self.send_header("ETag", f'"{md5(body).hexdigest()}"')
            if behaviour.region:
                self.send_header("x-amz-bucket-region", behaviour.region)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle_request(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, here = self.path.partition("?")[0], behaviour
            names = " ".join(self.headers).lower()
            if any(f"Credential={key}/" in self.headers["Authorization"] for key in here.expired):
                return self.answer(400, code="ExpiredToken")
            if f"/{here.region}/" not in self.headers["Authorization"] and here.region:
                return self.answer(*here.wrong_region[:1], code=here.wrong_region[1])
            if not here.checksums and ("x-amz-checksum-" in names or "x-amz-sdk-che" in names):
                return self.answer(400, code="InvalidArgument")
            if self.command == "PUT":
                if "if-none-match" in names and path in here.files and here.conditions:
                    return self.answer(412, code="PreconditionFailed")
                here.files[path] = sent
                return self.answer(200)
            if self.command == "DELETE":
                here.files.pop(path, None)
                return self.answer(204)
            if path in here.files:
                return self.answer(200, here.files[path])
            return self.answer(404, code="NoSuchKey")

        do_PUT = do_GET = do_DELETE = handle_request

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        behaviour.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield behaviour
        finally:
            server.shutdown()
