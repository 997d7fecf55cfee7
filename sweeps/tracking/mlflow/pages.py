"""Where MLflow shows a sweep's runs: the addresses that its report links to."""

from dataclasses import dataclass
from urllib.parse import quote, urlparse

from sweeps.run_store import Store
from sweeps.tracking.mlflow.database import tracking_uri

HOST, PORT = "127.0.0.1", 5000  # of `sweep ui`
RUN = "{run}"  # in an address: stands for a run's id in the store


@dataclass(frozen=True)
class Pages:
    """run: the address that lists the run `RUN`. served: by a server, not only by `sweep ui`."""

    run: str
    served: bool


def record(store: Store, sweep: str, experiment: str) -> None:
    """Keeps the id of the sweep's experiment, which only MLflow knows, and its server."""
    known = {"experiment": experiment, "server": _server(tracking_uri() or "")}
    kept = store.read_json(_key(sweep))
    kept = kept if isinstance(kept, dict) else {}
    if not known.items() <= kept.items():
        store.write_json(_key(sweep), {**kept, **known})


def pages_of(store: Store, sweep: str) -> Pages | None:
    """The pages of a sweep's runs; None before MLflow has any."""
    kept = store.read_json(_key(sweep))
    if not isinstance(kept, dict) or not str(kept.get("experiment", "")).isalnum():
        return None
    server = _server(str(kept.get("server") or ""))
    found = quote(f"tags.run = '{RUN}'", safe="{}")
    path = f"#/experiments/{kept['experiment']}/runs?searchFilter={found}"
    return Pages(f"{server or f'http://{HOST}:{PORT}'}/{path}", bool(server))


def _server(uri: str) -> str:
    """The address of an MLflow server, without user and password; "" for a database."""
    parts = urlparse(uri)
    if parts.scheme not in ("http", "https"):
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def _key(sweep: str) -> str:
    return f"sweeps/{sweep}/mlflow.json"
