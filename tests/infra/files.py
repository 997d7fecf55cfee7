"""What the tests of infra/ read: the files, the pinned versions, and the commands in them."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINNED = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M))
IMAGE = f"{PROJECT['name']}:{PROJECT['version']}"


def read(name: str) -> Any:
    """The one YAML document in infra/`name`."""
    return yaml.safe_load((INFRA / name).read_text())


def ray_start_commands() -> Iterator[tuple[str, list[str]]]:
    """(file, arguments after `ray start`) of every one in the cluster file and compose."""
    cluster = read("ray-cluster.yaml")
    for line in cluster["head_start_ray_commands"] + cluster["worker_start_ray_commands"]:
        if line.startswith("ray start"):
            yield "ray-cluster.yaml", shlex.split(line.replace("$RAY_HEAD_IP", "10.0.0.1"))[2:]
    for service in read("compose.yaml")["services"].values():
        if (service.get("command") or [])[:2] == ["ray", "start"]:
            yield "compose.yaml", service["command"][2:]


def ray_cluster_specs() -> dict[str, Any]:
    """The RayClusterSpec of each KubeRay manifest, by file name."""
    return {
        "raycluster.yaml": read("kuberay/raycluster.yaml")["spec"],
        "rayjob.yaml": read("kuberay/rayjob.yaml")["spec"]["rayClusterSpec"],
    }
