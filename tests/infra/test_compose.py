"""The compose file by the compose specification's schema; loopback, health, no default secrets."""

import re
import subprocess
import sys

import click
import mlflow.cli
import pytest

from tests.infra.files import IMAGE, INFRA, read

COMPOSE = read("compose.yaml")
SERVICES = COMPOSE["services"]
TEXT = (INFRA / "compose.yaml").read_text()


def check(path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    return subprocess.run([*command, str(path)], capture_output=True, text=True)


def test_the_specification_accepts_the_file():
    done = check(INFRA / "compose.yaml")
    assert done.returncode == 0, done.stdout


def test_the_specification_refuses_a_misspelt_key(tmp_path):
    (tmp_path / "compose.yaml").write_text(TEXT.replace("healthcheck:", "healthchek:", 1))
    done = check(tmp_path / "compose.yaml")
    assert done.returncode != 0 and "healthchek" in done.stdout


def test_ports_are_on_loopback():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:5000:5000"]


def test_no_secret_has_a_default_and_the_example_lists_each():
    wanted = set()
    for expression in re.findall(r"\$\{([^}]*)\}", TEXT):
        name, _, message = expression.partition(":?")
        assert message, f"${{{expression}}} must fail when it is not set"
        wanted.add(name)
    assert not re.search(r"\$[A-Za-z_]", TEXT)
    lines = (INFRA / ".env.example").read_text().splitlines()
    assert {line for line in lines if not line.startswith("#")} == {f"{name}=" for name in wanted}


@pytest.mark.parametrize("name", SERVICES)
def test_long_commands_report_their_progress(name):
    service = SERVICES[name]
    if service.get("restart"):
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert "no-new-privileges:true" in service["security_opt"]
    else:  # runs to its end
        conditions = [other.get("depends_on", {}).get(name, {}) for other in SERVICES.values()]
        assert {"condition": "service_completed_successfully"} in conditions


def test_order_of_the_start():
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            expected = (
                "service_healthy"
                if "healthcheck" in SERVICES[name]
                else "service_completed_successfully"
            )
            assert how["condition"] == expected
    assert set(SERVICES["mlflow"]["depends_on"]) == {"postgres", "bucket"}


def test_images_are_pinned_and_ours_is_one():
    images = {name: service["image"] for name, service in SERVICES.items()}
    ours = {name for name, image in images.items() if image == IMAGE}
    assert ours == {"bucket", "mlflow", "head", "worker", "gpu-worker"}
    for image in images.values():
        assert re.search(r":\d+\.\d+", image), f"{image} is not a version"
    for name in ours:
        assert (INFRA / SERVICES[name]["build"]["context"] / "Dockerfile").is_file()


def test_ray_nodes_share_token_store_and_tracking():
    for name in ("head", "worker", "gpu-worker"):
        service = SERVICES[name]
        assert service["environment"]["RAY_AUTH_MODE"] == "token"
        assert service["environment"]["RAY_AUTH_TOKEN"].startswith("${RAY_AUTH_TOKEN:?")
        assert service["environment"]["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"
        assert service["volumes"] == ["store:/mnt/store"]
        assert service["networks"] == ["cluster"]  # neither Postgres nor S3 is in reach
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])


def test_mlflow_knows_its_options():
    program, command, *arguments = SERVICES["mlflow"]["command"]
    assert program == "mlflow"
    server = mlflow.cli.cli.commands[command]
    assert isinstance(server, click.Command)
    parsed = server.make_context(command, arguments).params
    assert parsed["artifacts_destination"] == "s3://mlflow"
    assert "mlflow:5000" in parsed["allowed_hosts"].split(",")
    variables = {option.envvar for option in server.params if isinstance(option, click.Option)}
    assert "MLFLOW_BACKEND_STORE_URI" in variables & set(SERVICES["mlflow"]["environment"])


def test_networks_and_volumes_are_declared():
    for service in SERVICES.values():
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        names = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert names <= set(COMPOSE["volumes"])
    assert COMPOSE["networks"]["storage"] == {"internal": True}
