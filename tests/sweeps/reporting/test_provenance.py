"""What a report says of where its figures come from."""

import datetime
import types

import torch

from evaluation.evaluate_runs import HOW
from sweeps.reporting.provenance import by_the_clock, failures, provenance
from tests.sweeps.made_up import a_dataset
from trainer.device.machine import machine

MACHINE = {"cores": 2, "memory": 16 * 2**30, "card_memory": 80 * 2**30, "python": "3.11.9"}


def run(ended: str, seconds: float = 60.0, **more):
    how = {"seconds": seconds, "ended": ended, "device": "NVIDIA H100", "precision": "tf32"}
    how |= {"machine": MACHINE, "torch": "2.11.0"}
    return {"state": "finished", "reason": None, "training": how | more}


def of(*results):
    sweep = types.SimpleNamespace(data=a_dataset())
    now = datetime.datetime(2026, 3, 1, 12, 5, tzinfo=datetime.UTC)
    return provenance(types.SimpleNamespace(sweep=sweep, results=results), now)


def test_it_names_data_time_failures_machine_versions_and_date():
    broken = {**run("2026-03-01T10:10:00+00:00"), "state": "failed", "reason": "loss is not finite"}
    found = of(run("2026-03-01T10:01:00+00:00"), run("2026-03-01T10:01:00+00:00"), broken)
    assert "fingerprint" in found["images"]
    assert found["training"] == "3 min of model time in 3 runs"
    assert found["by the clock"] == (
        "01 March 2026, 10:00 to 10:10 UTC: 10 min, of which 2 min training"
    )
    assert found["failures"] == "1 of 3 runs: loss is not finite (1)"
    assert found["machine"] == "NVIDIA H100 of 80 GiB, 2 cores, 16 GiB"
    assert found["trained with"] == "torch 2.11.0, Python 3.11.9"
    assert found["this report"].startswith("01 March 2026, 12:05 UTC, with Python 3")


def test_each_of_several_machines_has_its_runs():
    cpu = run("2026-03-01T10:01:00+00:00", device="cpu", machine={"cores": 1, "memory": None})
    found = of(run("2026-03-01T10:01:00+00:00"), cpu, cpu)
    assert found["machine"] == (
        "CPU, 1 core (2 runs); NVIDIA H100 of 80 GiB, 2 cores, 16 GiB (1 run)"
    )


def test_less_is_reported_of_damaged_records_and_those_of_earlier_versions():
    for how in ({"seconds": 2.5, "device": "cpu"}, {"ended": "soon", "machine": 3}, {}):
        found = of({"state": "finished", "training": how})
        assert "by the clock" not in found and found["failures"] == "none of 1 run"
    assert by_the_clock([]) == ""
    two_days = [{"ended": "2026-03-02T00:10:00+00:00", "seconds": 1200}]
    assert by_the_clock(two_days).startswith("01 March 2026, 23:50 to 02 March 2026, 00:10 UTC")


def test_reasons_are_counted_by_kind():
    failed = [{"state": "failed", "reason": f"loss is not finite at step {n}"} for n in range(3)]
    assert failures(failed) == "3 of 3 runs: loss is not finite (3)"


def test_the_record_of_a_run_contains_what_is_reported():
    here = machine(torch.device("cpu"))
    assert here["cores"] >= 1 and here["memory"] > 2**20
    assert {"ended", "machine", "torch"} <= {*HOW}
