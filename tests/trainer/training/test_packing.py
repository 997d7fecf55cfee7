"""However little memory there is, all runs are trained, and to the same results."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.trainer.runs import config, distance, folders, history, model
from tests.trainer.shapes import Shapes
from trainer.config.run import RunConfig
from trainer.errors import UserError
from trainer.training.fastest_pack import best_size
from trainer.training.loop import Training, train
from trainer.training.optimizers import PackedOptimizer
from trainer.training.packing import Series, cut, out_of_memory


def seeds(count: int, **changes: object) -> list[RunConfig]:
    return [config(seed=seed, **changes) for seed in range(count)]  # type: ignore[arg-type]


def fits(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """From now on, the probe finds that `size` models fit."""
    monkeypatch.setattr("trainer.training.packing.pack_size", lambda *_: size)


def overfill(monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """A pack of more than `most` models asks torch for more memory than any machine has.

    The sizes of the packs that took a step are appended to what is returned.
    """
    sizes: list[int] = []
    step = PackedOptimizer.step

    def greedy(self: PackedOptimizer, loss: torch.Tensor) -> None:
        size = len(next(iter(self._parameters.values())))
        if size > most:
            torch.empty(2**60, dtype=torch.uint8)
        sizes.append(size)
        step(self, loss)

    monkeypatch.setattr(PackedOptimizer, "step", greedy)
    return sizes


def to_the_end(series: Series | Training) -> list[dict]:
    while not series.finished:
        series.advance(60)
    return series.finish()


def assert_same_models(these: list[Path], those: list[Path]) -> None:
    for this, that in zip(these, those, strict=True):
        losses = history(this)["loss"], history(that)["loss"]
        torch.testing.assert_close(*losses, rtol=1e-4, atol=0)
        assert distance(model(this), model(that)) < 1e-4


def test_with_room_for_all_it_is_one_pack_bit_for_bit(tmp_path: Path) -> None:
    packed, series = folders(tmp_path / "pack", 3), folders(tmp_path / "series", 3)
    expected = train(seeds(3), Shapes(), packed, device="cpu")
    records = to_the_end(Series(seeds(3), Shapes(), series, device="cpu"))
    assert [record["run"] for record in records] == [record["run"] for record in expected]
    for this, that in zip(series, packed, strict=True):
        assert history(this) == history(that)
        for name, array in model(this).items():
            assert torch.equal(array, model(that)[name])


def test_what_does_not_fit_together_is_trained_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = overfill(monkeypatch, most=5)
    fits(monkeypatch, 2)
    series = Series(seeds(5), Shapes(), folders(tmp_path / "series", 5), device="cpu")
    steps = []
    while not series.finished:
        steps.append(series.advance(60).step)
    records = series.finish()
    assert steps == [12, 36, 60]  # of 60, averaged over the five
    assert [sizes[i] for i in (0, 60, 120)] == [1, 2, 2]
    assert len(sizes) == 180
    assert [record["config"]["seed"] for record in records] == [0, 1, 2, 3, 4]
    packed = folders(tmp_path / "pack", 5)
    train(seeds(5), Shapes(), packed, device="cpu")
    assert_same_models(folders(tmp_path / "series", 5), packed)


def test_a_pack_that_runs_out_of_memory_is_halved_until_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = folders(tmp_path / "pack", 7)
    train(seeds(7), Shapes(), packed, device="cpu")
    sizes = overfill(monkeypatch, most=2)
    halved = folders(tmp_path / "halved", 7)
    to_the_end(Series(seeds(7), Shapes(), halved, device="cpu"))
    assert sizes == [1] + [1] * 60 + [2] * 180  # the probe's one step, then the packs
    assert_same_models(halved, packed)


def test_halves_resume_from_the_checkpoint_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = folders(tmp_path / "pack", 4)
    train(seeds(4), Shapes(), packed, device="cpu")
    paths = folders(tmp_path / "halved", 4)
    series = Series(seeds(4), Shapes(), paths, device="cpu")
    while series.step < 50:
        series.advance(0)
    series.save()
    sizes = overfill(monkeypatch, most=2)
    to_the_end(series)
    assert sizes == [2] * 20  # two halves, the last ten of 60 steps each
    assert_same_models(paths, packed)


def test_no_memory_for_a_single_model_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overfill(monkeypatch, most=0)
    series = Series(seeds(2), Shapes(), folders(tmp_path, 2), device="cpu")
    with pytest.raises(UserError, match=r"not enough memory for a single model .*lower batch_size"):
        to_the_end(series)


def test_interrupted_packs_resume_side_by_side_and_lose_no_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits(monkeypatch, 2)
    paths = folders(tmp_path / "series", 6)
    series = Series(seeds(6), Shapes(), paths, device="cpu")
    series.advance(60)  # the first pack is over
    while series.step < 30:
        series.advance(0)
    series.save()  # the second is at step 30, the third not begun
    fits(monkeypatch, 6)
    again = Series(seeds(6), Shapes(), paths, device="cpu")
    assert again.step == 15  # 30 of 60 for two of the four that are left
    sizes = overfill(monkeypatch, most=6)
    to_the_end(again)
    assert sizes == [2] * 30 + [2] * 60
    packed = folders(tmp_path / "pack", 6)
    train(seeds(6), Shapes(), packed, device="cpu")
    assert_same_models(paths, packed)


def test_what_is_left_over_stays(tmp_path: Path) -> None:
    paths = folders(tmp_path, 3)
    records = to_the_end(Series(seeds(3), Shapes(), paths, device="cpu"))
    again = Series(seeds(3), Shapes(), paths, device="cpu")
    assert again.finished
    assert again.advance(1).loss == (None, None, None)
    assert again.step == again.steps
    assert again.finish() == records


def test_other_errors_are_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = Series(seeds(2), Shapes(), folders(tmp_path, 2), device="cpu")

    def broken(*_: object) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(PackedOptimizer, "step", broken)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        series.advance(0)


def test_packs_are_cut_into_equal_parts() -> None:
    assert cut([tuple(range(10)), (10, 11)], 6) == [
        (0, 1, 2, 3, 4),
        (5, 6, 7, 8, 9),
        (10, 11),
    ]


@pytest.mark.parametrize("size", [2**45, 2**60])
def test_torchs_own_error_is_known(size: int) -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(size, dtype=torch.uint8)
    assert out_of_memory(caught.value)
    assert not out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))


LIMITED = """
import json, resource, sys
from pathlib import Path
from tests.trainer.runs import config
from tests.trainer.shapes import Shapes
from trainer.training.optimizers import PackedOptimizer
from trainer.training.packing import Series
import torch

torch.set_num_threads(1)
sizes, step = [], PackedOptimizer.step
def noted(self, loss):
    step(self, loss)
    sizes.append(len(next(iter(self._parameters.values()))))
PackedOptimizer.step = noted
configs = [config(seed=s, architecture="fc1200", steps=2, batch_size=4) for s in range(6)]
series = Series(configs, Shapes(16), [Path(sys.argv[1], str(s)) for s in range(6)], device="cpu")
pages = int(open("/proc/self/statm").read().split()[0])
room = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (room, room))
while not series.finished:
    series.advance(60)
series.finish()
print(json.dumps(sizes))
"""


def test_runs_are_trained_under_a_real_memory_limit(tmp_path: Path) -> None:
    """Each of 6 models of 20 MB needs 60 MB beside its parameters; there are 220 for all."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "limited"), str(220 * 2**20)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ran out of memory: continuing in halves" in done.stderr
    sizes = json.loads(done.stdout)
    assert max(sizes[1:]) < 6
    configs = seeds(6, architecture="fc1200", steps=2, batch_size=4)
    packed = folders(tmp_path / "pack", 6)
    train(configs, Shapes(16), packed, device="cpu")
    assert_same_models([tmp_path / "limited" / str(seed) for seed in range(6)], packed)


@pytest.mark.parametrize(
    ("images_a_second", "best"),
    [
        ({8: 1092, 4: 1198, 2: 1326, 1: 1643}, 1),  # the Burgess net on two cores, fp32
        ({8: 1648, 4: 1961, 2: 2234, 1: 2053}, 2),  # in bf16
        ({8: 1800, 4: 1961, 2: 1950, 1: 1700}, 8),  # not worth it
        ({10: 60_000, 5: 55_000, 3: 40_000, 2: 30_000, 1: 10_000}, 10),  # a small net
        ({3: 1000, 2: 1001, 1: 1010}, 3),
    ],
)
def test_a_pack_is_never_slower_than_its_models_in_turn(
    images_a_second: dict[int, int], best: int
) -> None:
    most = max(images_a_second)
    assert best_size(most, lambda size: 64 / images_a_second[size]) == best


def test_a_pack_that_was_slow_once_is_measured_again() -> None:
    disturbed = iter([5.0, 1.2, 1.6, 1.0, 1.2])  # of 4, 2, 1, then 4 and 2
    assert best_size(4, lambda size: next(disturbed)) == 4


def test_models_that_train_faster_in_turn_do_so_but_not_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = folders(tmp_path, 3)
    begun = Training(seeds(3, steps=2000), Shapes(), paths, device="cpu")
    begun.advance(0)
    begun.save()
    monkeypatch.setattr("trainer.training.packing.fastest_size", lambda *_: 1)
    assert len(Series(seeds(3, steps=2000), Shapes(), paths, device="cpu")._pack) == 3
    fresh = Series(seeds(3, steps=2000), Shapes(), folders(tmp_path / "new", 3), device="cpu")
    assert len(fresh._pack) == 1 and len(fresh._waiting) == 2


def test_collapsed_models_are_left_out_at_one_step_whatever_their_pack(tmp_path: Path) -> None:
    def two(beta: float) -> list[RunConfig]:
        return [config(seed=seed, beta=beta, steps=400, lr=0.01) for seed in range(2)]

    mixed, alone = folders(tmp_path / "mixed", 4), folders(tmp_path / "alone", 1)
    configs = [*two(1000.0), *two(0.1)]
    series = Series(configs, Shapes(), mixed, device="cpu", end_collapsed=0.33)
    records = to_the_end(series)
    gone = [run.id for run in series.runs[:2]]
    assert series.collapsed == dict.fromkeys(gone, 132)
    assert [record["run"] for record in records] == [run.id for run in series.runs[2:]]
    assert not (mixed[0] / "training.json").exists()
    lone = Series(configs[2:3], Shapes(), alone, device="cpu", end_collapsed=0.33)
    to_the_end(lone)
    assert not lone.collapsed
    assert_same_models(alone, mixed[2:3])

    again = Series(configs, Shapes(), mixed, device="cpu", end_collapsed=0.33)
    assert not to_the_end(again)[2:] and set(again.collapsed) == set(gone)  # at once
    assert len(to_the_end(Series(configs, Shapes(), mixed, device="cpu"))) == 4
