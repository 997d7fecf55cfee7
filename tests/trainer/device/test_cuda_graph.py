"""Whether a training step can be a CUDA graph, tried on the CPU by a recording of another kind.

`torch.fx` records the operations of one step, as a CUDA graph records its kernels, and both repeat
them blindly: a number that Python worked out meanwhile stays what it was. So a recording that gives
the same models as the steps themselves would give them from a graph, too.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from tests.trainer.objectives.test_training import RUNS, configs
from tests.trainer.runs import config, folders, model
from tests.trainer.shapes import LabelledShapes
from trainer.config.run import RunConfig
from trainer.data.dataset import Dataset
from trainer.device.cuda_graph import WARM_UP, recorded
from trainer.nn import convolution
from trainer.training.batches import unpack_on_device
from trainer.training.loop import train

STEPS = 12
# what brings numbers from the host to the device or back: impossible while a graph is recorded
FORBIDDEN = ("lift_fresh", "_local_scalar_dense", "nonzero", "is_nonzero", "equal")
OTHERS: dict[str, dict[str, Any]] = {
    "adagrad": {"optimizer": "adagrad"},
    "rmsprop": {"optimizer": "rmsprop"},
    "bf16": {"precision": "bf16"},
}


class Recording:
    """Does as `trainer.device.cuda_graph` does on CUDA; keeps what it has recorded in `all`."""

    all: tuple["Recording", ...] = ()

    def __init__(self, step: Callable[..., Mapping[str, Tensor]], device: torch.device):
        self.step, self.calls, self.replays = step, 0, 0
        self.graph: GraphModule | None = None
        Recording.all += (self,)

    def __call__(self, *inputs: Tensor) -> Mapping[str, Tensor]:
        self.calls += 1
        if self.calls <= WARM_UP:
            return self.step(*inputs)
        if self.graph is None:
            self.graph = make_fx(self._values)(*inputs)
            return self.results
        self.replays += 1
        with torch.no_grad():  # backward is among what was recorded
            return dict(zip(self.results, self.graph(*inputs), strict=True))

    def _values(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The step, with results that `torch.fx` takes; done once while it is recorded."""
        self.results = {name: term.detach() for name, term in self.step(*inputs).items()}
        return tuple(self.results.values())


@pytest.fixture
def on_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done on a CPU alone is done as on a GPU."""
    monkeypatch.setattr("trainer.training.batches.unpack_on_cpu", unpack_on_device)
    monkeypatch.setattr("trainer.nn.convolution.one_by_one", convolution.in_groups)


def check(
    runs: list[RunConfig], data: Dataset, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, from_graph = folders(place / "plain", len(runs)), folders(place / "graph", len(runs))
    train(runs, data, plain, device="cpu")
    Recording.all = ()
    for learner in ("trainer.training.learners.vae", "trainer.training.learners.infogan"):
        monkeypatch.setattr(f"{learner}.recorded", Recording)
    train(runs, data, from_graph, device="cpu")
    (recording,) = Recording.all
    assert recording.graph is not None
    assert recording.replays == runs[0].steps - WARM_UP - 1
    names = [str(node.target) for node in recording.graph.graph.nodes]
    assert [name for name in names if any(word in name for word in FORBIDDEN)] == []
    for one, other in zip(plain, from_graph, strict=True):
        expected, found = model(one), model(other)
        assert expected.keys() == found.keys()
        for name, array in expected.items():
            assert torch.equal(array, found[name]), name


@pytest.mark.parametrize("name", RUNS)
def test_every_objective_can_be_replayed_from_a_recording(
    tmp_path: Path, name: str, on_device: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = configs(name)
    check(
        [RunConfig(**{**vars(run), "steps": STEPS}) for run in runs],
        LabelledShapes(),
        tmp_path,
        monkeypatch,
    )


@pytest.mark.parametrize("name", OTHERS)
def test_other_optimisers_and_precisions_repeat_too(
    tmp_path: Path, name: str, on_device: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        config(steps=STEPS, seed=seed, beta=beta, **OTHERS[name])
        for seed, beta in ((0, 1.0), (1, 4.0))
    ]
    check(runs, LabelledShapes(), tmp_path, monkeypatch)


def test_a_step_that_counts_in_python_is_detected() -> None:
    counted = 0

    def step(x: Tensor) -> Mapping[str, Tensor]:
        nonlocal counted
        counted += 1
        return {"loss": x * counted}

    recording = Recording(step, torch.device("cpu"))
    results = [recording(torch.ones(1))["loss"].item() for _ in range(WARM_UP + 3)]
    assert results != [float(n) for n in range(1, WARM_UP + 4)]


def test_on_a_cpu_a_step_is_not_recorded() -> None:
    def step() -> Mapping[str, Tensor]:
        return {}

    assert recorded(step, torch.device("cpu")) is step


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("name", [*RUNS, *OTHERS])
def test_a_graph_trains_like_separate_steps(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = configs(name) if name in RUNS else [config(seed=s, **OTHERS[name]) for s in range(3)]
    plain, from_graph = folders(tmp_path / "plain", 3), folders(tmp_path / "graph", 3)
    train(runs, LabelledShapes(), from_graph, device="cuda")
    for learner in ("trainer.training.learners.vae", "trainer.training.learners.infogan"):
        monkeypatch.setattr(f"{learner}.recorded", lambda step, device: step)
    train(runs, LabelledShapes(), plain, device="cuda")
    for one, other in zip(plain, from_graph, strict=True):
        for array, same in zip(model(one).values(), model(other).values(), strict=True):
            torch.testing.assert_close(array, same)
