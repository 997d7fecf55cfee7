"""The cluster file by Ray's own checks: scale to zero, spot machines, a token, loopback."""

import copy

import jsonschema
import pytest
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.scripts.scripts import start

from tests.infra.files import IMAGE, ray_start_commands, read

CONFIG = read("ray-cluster.yaml")


def test_ray_accepts_the_file():
    validate_config(prepare_config(copy.deepcopy(CONFIG)))


def test_ray_refuses_a_misspelt_key():
    wrong = copy.deepcopy(CONFIG) | {"idle_timeout_minute": 5}
    with pytest.raises(jsonschema.ValidationError, match="idle_timeout_minute"):
        validate_config(prepare_config(wrong))


def test_gpu_workers_are_spot_and_scale_to_zero():
    workers = {
        name: kind
        for name, kind in CONFIG["available_node_types"].items()
        if name != CONFIG["head_node_type"]
    }
    assert workers and 0 < CONFIG["idle_timeout_minutes"] <= 10
    for kind in workers.values():
        assert kind["min_workers"] == 0 < kind["max_workers"] <= CONFIG["max_workers"]
        assert kind["resources"]["GPU"] > 0
        assert kind["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}


def test_every_node_has_the_store_and_the_token():
    options = CONFIG["docker"]["run_options"]
    (folder,) = CONFIG["file_mounts"]
    assert "--env RAY_AUTH_MODE=token" in options
    assert f"--env RAY_AUTH_TOKEN_PATH={folder}/auth_token" in options
    assert "--volume /mnt/store:/mnt/store" in options
    assert CONFIG["docker"]["image"].endswith(f"/{IMAGE}")
    assert any("mount -t nfs4" in line for line in CONFIG["initialization_commands"])


COMMANDS = list(ray_start_commands())


def test_there_are_heads_and_workers():
    for file in ("ray-cluster.yaml", "compose.yaml"):
        kinds = {"--head" in arguments for name, arguments in COMMANDS if name == file}
        assert kinds == {True, False}


@pytest.mark.parametrize(("file", "arguments"), COMMANDS)
def test_ray_start_knows_the_options(file, arguments):
    parsed = start.make_context("start", list(arguments)).params
    if parsed["head"]:
        assert parsed["dashboard_host"] == "127.0.0.1"
    else:
        assert parsed["address"].endswith(":6379")
