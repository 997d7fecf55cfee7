"""The Ray cluster of a sweep: started on this machine, or joined by its address."""

import contextlib
import gc
import logging
import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from sweeps.cluster import processes
from sweeps.cluster.lean import leave_out_helpers
from sweeps.cluster.runtime_env import for_trials
from sweeps.sweepfile import Resources
from trainer.device.cores import cores
from trainer.errors import UserError

# Read by Ray when it is imported or started; the user's own values take precedence.
_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths in the sweep file mean the same in a worker
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # CSV, JSON and TensorBoard files that nobody reads
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the driver has its own, for SIGTERM too
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # Ray's snapshots are never read back
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the store keeps the first traceback of each trial
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000000",  # checked here, before the start
}
# for a Ray started by this process: seconds of silence before it counts as lost
_ALONE = {"RAY_gcs_rpc_server_reconnect_timeout_s": "10"}
_LATEST = Path("/tmp/ray/ray_current_cluster")  # where `ray start` leaves the address
_OBJECT_STORE_BYTES = 100 * 2**20  # trials pass a few numbers; images are memory-mapped files


@contextlib.contextmanager
def cluster(address: str | None, resources: Resources, folder: Path) -> Iterator[ModuleType]:
    """Ray for the duration of a sweep, in this process; yields the module `ray`.

    address: a running cluster ("auto", "host:6379", "ray://…"); None starts Ray on this machine.
    folder: where a Ray started here keeps its files.
    Raises UserError when the cluster cannot be reached, or this machine is too small for a trial.
    """
    for name, value in (_ENVIRONMENT | (_ALONE if address is None else {})).items():
        os.environ.setdefault(name, value)
    if address is None:
        _own_token(folder)
    else:
        _refuse_closed(address)
    import ray

    leave_out_helpers(alone=address is None)
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    _connect(ray, address, folder)
    try:
        if address is None:
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            check_room(nodes, resources)
        yield ray
    finally:
        # Tune's reference cycles must not be collected by another thread while Ray
        # shuts down: Ray would end the process
        gc.collect()
        ray.shutdown()


def _own_token(folder: Path) -> None:
    """Makes a Ray started here require its own token, which only this user can read.

    By default Ray keeps one in the home folder, which may be missing or read-only.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    token = folder / "token"
    with open(os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    os.environ.pop("RAY_AUTH_TOKEN", None)  # it would take precedence
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)


class _Kept(list[str]):
    """A list that Ray cannot add to."""

    def extend(self, more: Iterable[str]) -> None:
        """Does nothing."""


def _own_path(ray: ModuleType) -> Any:
    """Ray's configuration of a job whose workers have the same module path as this process.

    By default they search the current folder and the script's first, and a `trainer/`, `random.py`
    or `torch.py` there would be imported instead of what the driver imported.
    """
    job = ray.job_config.JobConfig()
    job._py_driver_sys_path = _Kept()
    return job


def _connect(ray: ModuleType, address: str | None, folder: Path) -> None:
    quiet = {"log_to_driver": False, "configure_logging": False, "job_config": _own_path(ray)}
    if address is None:
        # address="local": a bare init would join any cluster running on this machine
        ray.init(
            address="local",
            num_cpus=cores(),
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            _temp_dir=str(folder / "r"),  # Ray makes it world-writable; `folder` is private
            **quiet,
        )
        return
    try:
        ray.init(address=address, runtime_env=for_trials(), **quiet)
    except Exception as error:  # Ray raises many kinds
        raise _no_cluster(address, error) from None


def check_address(address: str) -> None:
    """Raises UserError for a cluster that does not exist, before anything is written for it."""
    where = os.environ.get("RAY_ADDRESS") or address if address == "auto" else address
    with contextlib.suppress(OSError):
        if where == "auto":
            where = _LATEST.read_text().strip() or where
    try:
        if where == "auto" and not processes.that_name("gcs_server"):
            raise ConnectionError("no Ray runs on this machine")
        _knock_at_head(where)
    except OSError as error:
        raise _no_cluster(address, error) from None


def _no_cluster(address: str, error: Exception) -> UserError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return UserError(
        f"no Ray cluster can be reached at {address!r}: {reason}; if it needs a token, set "
        "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH as on its nodes"
    )


def _refuse_closed(address: str) -> None:
    try:
        _knock_at_head(address)
    except OSError as error:
        raise _no_cluster(address, error) from None


def _knock_at_head(address: str) -> None:
    host, _, port = address.rpartition(":")
    if address != "auto" and "://" not in address and not (host and port.isdecimal()):
        raise ConnectionError("expected auto, HOST:PORT or ray://HOST:PORT")
    knock(address)


def knock(address: str) -> None:
    """Raises OSError when nothing listens at `host:port`; Ray would keep trying for minutes."""
    host, _, port = address.rpartition("//")[2].rstrip("/").rpartition(":")
    if host and port.isdecimal():
        with socket.create_connection((host, int(port)), timeout=10):
            return


def check_room(nodes: Sequence[Mapping[str, float]], resources: Resources) -> None:
    """Raises UserError when none of these nodes, by their resources, can hold a trial.

    Tune would wait for them forever. For this machine only: a cluster may still grow.
    """
    if any(_holds(node, resources) for node in nodes):
        return
    wanted = f"{resources.cpu:g} CPU and {resources.gpu:g} GPU"
    most = ", ".join(f"{node.get('CPU', 0):g} CPU and {node.get('GPU', 0):g} GPU" for node in nodes)
    raise UserError(
        f"resources: a trial needs {wanted}, but this machine has {most or 'nothing'}; "
        "lower resources.cpu and resources.gpu"
    )


def _holds(node: Mapping[str, float], resources: Resources) -> bool:
    return node.get("CPU", 0) >= resources.cpu and node.get("GPU", 0) >= resources.gpu
