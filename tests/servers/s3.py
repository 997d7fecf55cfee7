"""A local S3 server (moto's) with one bucket, reached through a proxy that can make it fail."""

import contextlib
import itertools
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.processes import HOST
from tests.servers.proxy import Proxy, proxied

KEY, SECRET = "tests-access-key", "tests-secret-key"
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_LEFT_OUT = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3")
_numbers = itertools.count()


@dataclass(frozen=True)
class S3:
    """A running server.

    bucket: an empty one. endpoint: the server itself, which never fails. proxy: what
    AWS_ENDPOINT_URL names. environment: what a client's process needs.
    """

    bucket: str
    endpoint: str
    proxy: Proxy
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """The bucket, as `--store` takes it: s3://…"""
        return f"s3://{self.bucket}"

    def client(self) -> Any:
        """A boto3 client of the server itself, which no fault of the proxy reaches."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )

    def keys(self, prefix: str = "") -> list[str]:
        """All keys of the bucket that begin with `prefix`, in order."""
        pages = self.client().get_paginator("list_objects_v2").paginate
        found = pages(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in found for entry in page.get("Contents", ())]

    @contextlib.contextmanager
    def in_environment(self) -> Iterator[None]:
        """Points this process, and those it starts, to the server; then puts all back."""
        before = {name: os.environ.pop(name, None) for name in (*self.environment, *_LEFT_OUT)}
        os.environ.update(self.environment)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value

    def new_bucket(self) -> "S3":
        """The same server with another, empty bucket."""
        bucket = f"tests-{next(_numbers)}"
        self.client().create_bucket(Bucket=bucket)
        return S3(bucket, self.endpoint, self.proxy, self.environment)


@contextlib.contextmanager
def s3_server() -> Iterator[S3]:
    """Starts the server in a thread of this process; it keeps its objects in memory.

    >>> with s3_server() as s3, s3.in_environment():                # doctest: +SKIP
    ...     Store(f"{s3.url}/store")
    ...     with s3.proxy.broken(Answer(503)):
    ...         ...
    """
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for every request
    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        with proxied((host, port)) as proxy:
            environment = {**_ENVIRONMENT, "AWS_ENDPOINT_URL": proxy.url}
            yield S3("", f"http://{host}:{port}", proxy, environment).new_bucket()
    finally:
        server.stop()
