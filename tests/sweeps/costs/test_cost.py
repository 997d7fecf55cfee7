"""What a sweep costs, from runs in the store or by a probe."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from sweeps.cli.main import main
from sweeps.costs.cost import Cost, cost_of_all
from sweeps.costs.timing import Estimate
from sweeps.plan import Setting
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from sweeps.sweepfile import as_mapping
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up

MIG = {"metric": "mig", "evaluation": {"mig": {"points": 100}}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def planned(capsys: pytest.CaptureFixture, store: Store, spec, *options: str) -> dict:
    file = store.root.parent / "sweep.yaml"
    file.write_text(yaml.safe_dump(as_mapping(spec)))
    assert main(["plan", str(file), "--store", store.location, "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_is_worded_in_units_that_people_use():
    hour = Estimate(3600.0, 1800.0, 7200.0)
    minutes = Estimate(750.0, 600.0, 1200.0)
    whole = Cost(42, device=hour, here=minutes, at_once=2, probed=3.0, models=3, memory=200 * 2**20)
    assert whole.in_words() == (
        "42 runs, about 12 min (10 min to 20 min) on this machine with 2 trials at once, "
        "0.5 to 2 device-hours, by a probe of 3 s; a trial of 3 models takes 200 MiB"
    )
    race = Cost(42, device=hour, is_range=True, trials=1, where="NVIDIA H200", is_scored=False)
    assert race.in_words() == (
        "at most 42 runs, 0.5 to 2 device-hours on NVIDIA H200, without scoring, by 1 pack in "
        "the store"
    )
    assert "1.0 GiB" in Cost(1, models=1, memory=2**30).in_words()


def test_a_new_sweep_is_tried_for_a_moment(store, capsys, monkeypatch):
    hours = planned(capsys, store, a_spec(**MIG))["device_hours"]
    assert (hours["source"], hours["trials"], hours["scoring"]) == ("probe", 0, True)
    assert 0 < hours["low"] < hours["expected"] < hours["high"]
    assert hours["models"] == 2 and hours["memory"] > 2**20
    monkeypatch.setattr("sweeps.costs.probe.LONGEST", 0.0)
    longer = a_spec(**MIG, trainer={"architecture": "mlp", "steps": 100_000})
    found = cost_of_all(Sweep(longer, store, a_dataset()))
    assert found.runs == 12 and not found.is_scored
    assert found.device.expected > 50 * hours["expected"] * 3600
    assert found.here.low < found.here.expected < found.here.high


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_nothing_is_trained_for_a_gpu_that_is_not_here(store):
    found = cost_of_all(Sweep(a_spec(resources={"gpu": 1, "cpu": 1}), store, a_dataset()))
    assert found.source is None and "GPU" in found.in_words()


def test_a_sweep_that_the_store_knows_is_judged_by_it(store, capsys):
    spec, data = a_spec(**MIG), a_dataset()
    sweep = Sweep(spec, store, data)
    for number, beta in enumerate((1, 4)):
        for m in (2, 4):
            for run in sweep.runs({"latents": m, "beta": beta}):
                write_made_up(store, spec, data, run, 0.5, seconds=3600.0 + number + m)
    plan = planned(capsys, store, spec)
    hours = plan["device_hours"]
    assert (plan["trials_left"], hours["source"], hours["trials"]) == (2, "store", 4)
    assert hours["expected"] == pytest.approx(2.0, rel=0.01)  # two packs of an hour each
    assert hours["low"] < 2 < hours["high"] and not hours["scoring"]
    assert planned(capsys, store, spec, "--probe")["device_hours"]["source"] == "probe"

    first = {"latents": 2, "beta": 1}
    store.record_setting(spec, Setting(0, first), sweep.runs(first))
    longer = a_spec(**MIG, trainer={"architecture": "mlp", "steps": 20})
    hours = planned(capsys, store, longer)["device_hours"]
    assert hours["expected"] == pytest.approx(12.0, rel=0.01)  # six packs of twice the steps

    race = a_spec(**MIG, seeds={"min": 2, "max": 4})
    hours = planned(capsys, store, race)["device_hours"]
    assert hours["expected"] is None and hours["low"] < 2 < 2 + 6 <= hours["high"]
    halved = a_spec(**MIG, early_stop={"halving": {"at": 0.5}})
    hours = planned(capsys, store, halved)["device_hours"]
    assert hours["low"] < 2 * 0.75 < 2 < hours["high"]


def test_images_are_rendered_for_it_only_when_asked(store, monkeypatch):
    monkeypatch.setattr("sweeps.costs.cost.has_images", lambda data: False)
    found = cost_of_all(Sweep(a_spec(), store, a_dataset()))
    assert found.source is None and "--probe" in found.in_words()
