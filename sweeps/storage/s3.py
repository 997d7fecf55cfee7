"""A store on S3, or on any server with its protocol: `s3://bucket/prefix`.

Credentials, region and endpoint are found by boto3's rules (AWS_PROFILE, AWS_ENDPOINT_URL, …).
Every request is retried, with increasing pauses, for some minutes (`RETRIES`).
"""

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from typing_extensions import override

from sweeps.storage.lease import Lease, lease, leases
from sweeps.storage.mirror import Mirror
from sweeps.storage.objects import Object, StoredObject
from sweeps.storage.storage import Storage, local_path
from trainer import cache
from trainer.errors import UserError
from trainer.files import replacing

RETRIES = 12  # attempts per request; AWS_MAX_ATTEMPTS overrides it
SECONDS_TO_CONNECT, SECONDS_TO_ANSWER = 5, 30
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidToken"}
PAGE = 1000  # files per listing: the most that S3 returns
_LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")


class S3(Storage):
    """Storage under a prefix of a bucket; see `Storage`.

    Objects are written atomically, with the SHA-256 of their content as metadata.
    """

    concurrency = 16
    is_remote = True

    def __init__(self, location: str) -> None:
        found = _LOCATION.fullmatch(location.rstrip("/"))
        if found is None or "//" in (found[2] or "") or ".." in (found[2] or "").split("/"):
            raise UserError(f"store {location!r}: expected s3://BUCKET or s3://BUCKET/PREFIX")
        self.bucket, prefix = found[1], (found[2] or "")
        self._prefix = f"{prefix}/" if prefix else ""
        self._client: Any = None
        place = f"{os.environ.get('AWS_ENDPOINT_URL', '')} {self.location}"
        name = hashlib.sha256(place.encode()).hexdigest()[:20]
        self.root = cache.folder() / "stores" / name
        self._mirror = Mirror(self)

    @property
    def location(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self.bucket}/{self._prefix}".rstrip("/")

    @override
    def prepare(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.write("sweeps/.written", b"x")

    @override
    def exists(self, key: str) -> bool:
        name = self._name(key)
        with self._plainly("read"):
            for prefix in (name, f"{name}/"):
                found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=1)
                first = [item["Key"] for item in found.get("Contents", [])]
                if first and (first[0] == name or first[0].startswith(f"{name}/")):
                    return True
        return False

    @override
    def names(self, key: str) -> list[str]:
        prefix = f"{self._name(key)}/"
        names = []
        with self._plainly("read"):
            for page in self._pages(Prefix=prefix, Delimiter="/"):
                names += [item["Key"].removeprefix(prefix) for item in page.get("Contents", [])]
                for item in page.get("CommonPrefixes", []):
                    names.append(item["Prefix"].removeprefix(prefix).rstrip("/"))
        return sorted(name for name in names if name and not name.startswith("."))

    @override
    def read(self, key: str) -> bytes | None:
        found = self.get(key)
        return None if found is None else found.content

    def get(self, key: str) -> Object | None:
        """A file with its facts; None if it does not exist."""
        with self._plainly("read"):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=self._name(key))
                content = answer["Body"].read()
            except self.client.exceptions.NoSuchKey:
                return None
            modified = answer["LastModified"].timestamp()
            age = _date(answer["ResponseMetadata"]["HTTPHeaders"]) - modified
            return Object(content, answer["ETag"], modified, age)

    def copy(self, key: str) -> Object | None:
        """As `get`; leaves a copy at the local path, with the store's date."""
        found = self.get(key)
        if found is not None:
            with replacing(self.path(key)) as partial:
                partial.write_bytes(found.content)
                os.utime(partial, (found.modified, found.modified))
        return found

    @override
    def local(self, key: str) -> Path:
        self.copy(key)
        return self.path(key)

    @override
    def write(self, key: str, content: bytes) -> None:
        self.put(key, io.BytesIO(content))

    def put(self, key: str, content: io.BufferedReader | io.BytesIO, **condition: str) -> str:
        """Writes a file, of at most 5 GiB, and returns its ETag.

        condition: `IfMatch` or `IfNoneMatch`; raises FileExistsError when it does not hold.
        """
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        with self._plainly("written"):
            answer = self.client.put_object(
                Bucket=self.bucket,
                Key=self._name(key),
                Body=content,
                Metadata={"sha256": checksum},
                **condition,
            )
        return str(answer["ETag"])

    @override
    def delete(self, key: str) -> None:
        with self._plainly("written"):
            self.client.delete_object(Bucket=self.bucket, Key=self._name(key))

    def listing(self, key: str) -> dict[str, StoredObject]:
        """The files directly in a folder, by name."""
        prefix = f"{self._name(key)}/"
        found = {}
        with self._plainly("read"):
            for page in self._pages(Prefix=prefix, Delimiter="/"):
                for item in page.get("Contents", []):
                    entry = StoredObject(item["Size"], item["ETag"])
                    found[item["Key"].removeprefix(prefix)] = entry
        return found

    @override
    def files(self, key: str) -> "S3Files":
        return S3Files(self, key)

    @override
    def folders(self, key: str) -> "dict[str, S3Files]":
        prefix = f"{self._name(key)}/"
        found: dict[str, dict[str, StoredObject]] = {}
        for item in self._below(prefix):
            folder, _, name = item["Key"].removeprefix(prefix).partition("/")
            if name and "/" not in name and not folder.startswith("."):
                found.setdefault(folder, {})[name] = StoredObject(item["Size"], item["ETag"])
        return {name: S3Files(self, f"{key}/{name}", found[name]) for name in sorted(found)}

    def _below(self, prefix: str) -> list[Mapping[str, Any]]:
        """All files whose keys begin with `prefix`; beyond one page, in parallel parts."""
        with self._plainly("read"):
            first = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=PAGE)
        found = list(first.get("Contents", []))
        if not first.get("IsTruncated"):
            return found
        last = found[-1]["Key"]
        bounds = [last, *(b for digit in "123456789abcdef" if (b := prefix + digit) > last), None]

        def part(start: str, end: str | None) -> list[Mapping[str, Any]]:
            items: list[Mapping[str, Any]] = []
            with self._plainly("read"):
                for page in self._pages(Prefix=prefix, StartAfter=start):
                    items += page.get("Contents", [])
                    if end is not None and items and items[-1]["Key"] > end:
                        break
            return [item for item in items if end is None or item["Key"] <= end]

        with ThreadPoolExecutor(self.concurrency) as pool:
            for items in pool.map(part, bounds[:-1], bounds[1:]):
                found += items
        return found

    def checksum(self, key: str) -> str:
        """The SHA-256 of a file, in hex: as stored with it, else computed from its content."""
        with self._plainly("read"):
            answer = self.client.head_object(Bucket=self.bucket, Key=self._name(key))
        if "sha256" in answer.get("Metadata", {}):
            return str(answer["Metadata"]["sha256"])
        return hashlib.sha256(self.read(key) or b"").hexdigest()

    @override
    def fetch(self, key: str) -> None:
        self._mirror.fetch(key)

    @override
    def keep(self, key: str) -> None:
        self._mirror.keep(key)

    @override
    def keep_file(self, key: str) -> None:
        with open(self.path(key), "rb") as file:
            self.put(key, file)

    @override
    def lock(self, key: str, busy: str) -> contextlib.AbstractContextManager[None]:
        """A lease, renewed while it is held; it expires by itself."""
        return lease(self, key, busy)

    @override
    def leases(self, keys: Sequence[str]) -> contextlib.AbstractContextManager[Mapping[str, str]]:
        return leases(self, keys)

    @override
    def holder(self, key: str) -> str | None:
        held = Lease.read(self, key)
        return held.holder if held is not None and held.is_live() else None

    def path(self, key: str) -> Path:
        """The local path of a key. Raises ValueError for a key that leads outside the store."""
        return local_path(self.root, key)

    @property
    def client(self) -> Any:
        """boto3's client; created at first use, since boto3 is slow to import."""
        if self._client is None:
            import boto3
            from botocore.config import Config

            # self-hosted servers often refuse the checksums that boto3 adds since version 1.36
            own = bool({"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} & os.environ.keys())
            checksums = {
                name: os.environ.get(f"AWS_{name}", "when_required").lower()
                for name in ("REQUEST_CHECKSUM_CALCULATION", "RESPONSE_CHECKSUM_VALIDATION")
            }
            config = Config(
                **({name.lower(): value for name, value in checksums.items()} if own else {}),
                connect_timeout=SECONDS_TO_CONNECT,
                read_timeout=SECONDS_TO_ANSWER,
                max_pool_connections=2 * self.concurrency,
                retries={
                    "mode": "standard",
                    "total_max_attempts": int(os.environ.get("AWS_MAX_ATTEMPTS", RETRIES)),
                },
            )
            # not boto3's default session, which keeps the first keys that it finds
            self._client = boto3.session.Session().client("s3", config=config)
        return self._client

    def _name(self, key: str) -> str:
        local_path(self.root, key)  # refuses a key that leads outside the store
        return f"{self._prefix}{key}"

    def _pages(self, **arguments: str) -> Iterator[Mapping[str, Any]]:
        pages = self.client.get_paginator("list_objects_v2")
        return iter(pages.paginate(Bucket=self.bucket, MaxKeys=PAGE, **arguments))

    @contextlib.contextmanager
    def _plainly(self, done: str) -> Iterator[None]:
        """Turns boto3's errors into one line."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            answer = error.response
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status in (409, 412):
                raise FileExistsError(str(error)) from None
            said = answer.get("Error", {})
            if said.get("Code") in EXPIRED:
                self._client = None  # the next call picks up the then current keys
            reason = f"{said.get('Message') or said.get('Code')} (status {status})"
            raise self._unusable(done, reason) from None
        except (BotoCoreError, OSError) as error:
            raise self._unusable(done, str(error)) from None

    def _unusable(self, done: str, reason: str) -> UserError:
        reason = " ".join(reason.split()).rstrip(".")
        return UserError(
            f"store {self.location} cannot be {done}: {reason}; check the bucket's name, "
            "AWS_ENDPOINT_URL and the credentials, or choose another with --store"
        )


class S3Files:
    """A run's folder on S3, for checking; its listing is read once.

    See `evaluation.result_file.Files`.

    Reading a record leaves a copy at its local path, with the store's date.
    """

    def __init__(
        self, storage: S3, key: str, entries: dict[str, StoredObject] | None = None
    ) -> None:
        self._storage, self._key, self._entries = storage, key, entries

    def read(self, name: str) -> bytes | None:
        """As Files."""
        found = self._storage.copy(f"{self._key}/{name}")
        if found is None:
            return None
        if self._entries is not None:  # it may have changed since it was listed
            self._entries[name] = StoredObject(len(found.content), found.etag)
        return found.content

    def size(self, name: str) -> int | None:
        """As Files."""
        entry = self._listed().get(name)
        return None if entry is None else entry.size

    def names(self) -> list[str]:
        """As Files."""
        return [name for name in self._listed() if name and not name.startswith(".")]

    def stamp(self, name: str) -> str | None:
        """As Files: the ETag."""
        entry = self._listed().get(name)
        return None if entry is None else entry.etag

    def _listed(self) -> dict[str, StoredObject]:
        if self._entries is None:
            self._entries = self._storage.listing(self._key)
        return self._entries

    def sha256(self, name: str) -> str:
        """As Files."""
        return self._storage.checksum(f"{self._key}/{name}")

    def __str__(self) -> str:
        return f"{self._storage.location}/{self._key}"


def _date(headers: Mapping[str, str]) -> float:
    from email.utils import parsedate_to_datetime

    return parsedate_to_datetime(headers["date"]).timestamp()
