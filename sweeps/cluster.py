"""The Ray cluster of a sweep: started on this machine, or joined by its address."""

import contextlib
import gc
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from sweeps.spec import Resources
from trainer.errors import UserError

# Read by Ray when it is imported or started; what the user has set stays.
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
_OBJECT_STORE_BYTES = 100 * 2**20  # trials pass a few numbers; images are memory-mapped files


@contextlib.contextmanager
def cluster(address: str | None, resources: Resources) -> Iterator[Path]:
    """Ray for the time of a sweep; gives a folder for Tune's state, which is deleted at the end.

    address: of a running cluster ("auto", "host:6379", "ray://…"); None starts Ray on this machine.
    Raises UserError when the cluster cannot be reached, or when this machine cannot hold one trial.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray

    logging.getLogger("ray").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="sweep-", dir=_short_folder()))
    try:
        _connect(ray, address, folder)
        try:
            if address is None:
                _check_room(ray, resources)
            yield folder / "tune"
        finally:
            # what Tune leaves in reference cycles must not be collected by another thread while Ray
            # shuts down: Ray ends the process then
            gc.collect()
            ray.shutdown()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _connect(ray: ModuleType, address: str | None, folder: Path) -> None:
    quiet = {"log_to_driver": False, "configure_logging": False}
    if address is None:
        # address="local": a bare init would join any cluster that runs on this machine
        ray.init(
            address="local",
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            _temp_dir=str(folder),
            **quiet,
        )
        return
    try:
        _knock(address)
        ray.init(address=address, **quiet)
    except Exception as error:  # Ray raises many kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"no Ray cluster can be reached at {address!r}: {reason}; if it asks for a token, set "
            "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH as its nodes have them"
        ) from None


def _knock(address: str) -> None:
    """Raises OSError when nobody listens at `host:port`; Ray would go on trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        with socket.create_connection((host, int(port)), timeout=10):
            return


def _check_room(ray: ModuleType, resources: Resources) -> None:
    """Tune waits for ever for what this machine does not have; a cluster may yet grow."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(_holds(node, resources) for node in nodes):
        return
    wanted = f"{resources.cpu:g} CPU and {resources.gpu:g} GPU"
    most = ", ".join(f"{node.get('CPU', 0):g} CPU and {node.get('GPU', 0):g} GPU" for node in nodes)
    raise UserError(
        f"resources: a trial takes {wanted}, but this machine has {most or 'nothing'}; "
        "lower resources.cpu and resources.gpu"
    )


def _holds(node: Mapping[str, float], resources: Resources) -> bool:
    return node.get("CPU", 0) >= resources.cpu and node.get("GPU", 0) >= resources.gpu


def _short_folder() -> str | None:
    # names of Unix sockets, which Ray makes there, may not be longer than about 100 bytes
    return "/tmp" if Path("/tmp").is_dir() else None
