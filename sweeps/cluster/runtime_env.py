"""What is sent to a Ray cluster's nodes: this code, and where S3 and MLflow are; no secrets."""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sweeps.tracking.redact import holds_password

_PACKAGES = ("sweeps", "evaluation", "trainer")
_EVERYWHERE = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
)
_DRIVER = (*_EVERYWHERE, "MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL")
_STOP = {"RAY_JOB_STOP_WAIT_TIME_S": "60"}  # after SIGTERM, for checkpoints; Ray gives 3 seconds


def for_trials() -> dict[str, Any]:
    """Ray's runtime environment for the trials of a driver that runs here."""
    if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ:
        return {}  # the environment of a Ray job also reaches its trials
    return {"py_modules": _code(), "env_vars": _set(_EVERYWHERE)}


def for_driver(folder: Path) -> dict[str, Any]:
    """Ray's runtime environment for a driver sent to the cluster, and for its trials.

    folder: contents of the driver's working folder.
    """
    settings = _set(_DRIVER) | _STOP
    return {"working_dir": str(folder), "py_modules": _code(), "env_vars": settings}


def withheld() -> list[str]:
    """Names of addresses set here that are not sent, since they contain a password."""
    return [name for name in _DRIVER if name in os.environ and holds_password(os.environ[name])]


def _code() -> list[str]:
    """The folders of the three packages, whether this is a checkout or an installation."""
    specs = [importlib.util.find_spec(name) for name in _PACKAGES]
    return [folder for spec in specs if spec for folder in spec.submodule_search_locations or ()]


def _set(names: Sequence[str]) -> dict[str, str]:
    # Ray shows a job's runtime environment to anyone with access to its dashboard
    found = {name: os.environ[name] for name in names if name in os.environ}
    return {name: value for name, value in found.items() if not holds_password(value)}
