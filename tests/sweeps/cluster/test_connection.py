"""Clusters that are not there."""

import os
import socket

import pytest

from sweeps import driver
from sweeps.cluster import connection as cluster
from sweeps.cluster import ray_process
from sweeps.run_store import Store
from sweeps.sweepfile import Resources
from tests.sweeps.made_up import a_spec
from trainer.errors import UserError


@pytest.fixture
def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{free.getsockname()[1]}"  # nobody listens there


def test_a_wrong_address_leaves_no_store(closed_port, tmp_path):
    with pytest.raises(UserError, match=f"no Ray cluster can be reached at '{closed_port}'"):
        driver.run(a_spec(), Store(tmp_path / "store"), closed_port)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("address", ["nonsense", "local", "10.0.0.1", "host:port", ""])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(UserError, match="expected auto, HOST:PORT or ray://HOST:PORT"):
        cluster.check_address(address)


def test_auto_is_the_latest_cluster_of_this_machine(closed_port, tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(cluster, "_LATEST", tmp_path / "ray_current_cluster")
    (tmp_path / "ray_current_cluster").write_text(closed_port)
    with pytest.raises(UserError, match="no Ray cluster can be reached at 'auto'"):
        cluster.check_address("auto")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        (tmp_path / "ray_current_cluster").write_text(address)
        cluster.check_address("auto")
        monkeypatch.setenv("RAY_ADDRESS", closed_port)
        with pytest.raises(UserError):
            cluster.check_address("auto")


@pytest.mark.parametrize(("load", "said"), [(5.9, ""), (14.2, "very busy (load 14 on 2 cores)")])
def test_a_slow_start_is_explained_on_a_busy_machine(load, said, monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(ray_process, "cores", lambda: 2)
    assert said in ray_process.load_note() and bool(ray_process.load_note()) == bool(said)


def test_a_trial_that_no_node_can_hold_is_refused():
    nodes = [{"CPU": 4.0}, {"CPU": 1.0, "GPU": 2.0}]
    cluster.check_room(nodes, Resources(cpu=1, gpu=2))
    with pytest.raises(UserError, match=r"needs 2 CPU and 1 GPU, but .* has 4 CPU and 0 GPU, 1"):
        cluster.check_room(nodes, Resources(cpu=2, gpu=1))
