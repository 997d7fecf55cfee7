"""Halving over unfinished runs: which settings continue, in whatever order runs end."""

import random

import pytest

from sweeps.run_store import Store
from sweeps.scheduling.halving import survivors
from sweeps.scheduling.schedule import Work
from sweeps.scheduling.searcher import WAIT, Searcher
from sweeps.scheduling.stages import StagedSchedule, decided_stages
from sweeps.sweepfile.early_stop import EarlyStop, Halving
from tests.sweeps.made_up import a_spec
from trainer.config.schema import FieldError

HALF = EarlyStop(halving=Halving(0.25))
MEDIAN = EarlyStop(median=0.25)


def test_the_better_half_continues_and_whoever_may_be_as_good_as_the_leader():
    clear = {0: (0.5, 0.52), 1: (0.9, 0.92), 2: (0.7, 0.72), 3: (0.8, 0.82)}
    assert survivors(HALF, clear, "maximize") == {1, 3}
    assert survivors(HALF, clear, "minimize") == {0, 2}
    noisy = {**clear, 2: (0.5, 0.95), 3: (0.65, 1.0)}
    assert survivors(HALF, noisy, "maximize") == {0, 1, 2, 3}
    assert survivors(HALF, {**noisy, 0: (0.1, 0.12)}, "maximize") == {1, 2, 3}
    assert survivors(MEDIAN, noisy, "maximize") == {1, 3}
    assert survivors(HALF, {n: each[:1] for n, each in noisy.items()}, "maximize") == {1, 3}


def test_a_diverged_run_counts_as_the_worst_and_the_unknown_continue():
    scores = {0: (0.9, None), 1: (0.5, 0.5), 2: (), 3: (0.8, 0.81), 4: (0.79, 0.8)}
    assert survivors(MEDIAN, scores, "maximize") == {2, 3, 4}
    assert survivors(HALF, {0: (None,), 1: (None,)}, "maximize") == {0, 1}


def test_the_same_settings_in_any_order_of_ending_and_after_a_kill(tmp_path):
    spec = a_spec(
        parameters={"latents": 3, "beta": [0.5, 1, 2, 4, 8, 16, 32, 64]},
        seeds=3,
        early_stop={"halving": {"at": [0.25, 0.5]}},
    )

    def work(store: Store, order: int, kill: int = 10**6) -> list[tuple[int, float]]:
        schedule, draw = StagedSchedule(spec, Searcher(spec), store), random.Random(order)
        done, at_work = [], []
        while kill:
            kill -= 1
            asked = schedule.ask() if len(at_work) < 3 else WAIT
            if isinstance(asked, Work):
                at_work.append(asked)
                done.append((asked.setting.number, asked.share))
            elif at_work:
                ended = at_work.pop(draw.randrange(len(at_work)))
                noise = random.Random(f"{ended.setting.number} {ended.share}")
                scores = [ended.setting.number / 10 + noise.gauss(0, 0.01) for _ in range(3)]
                if ended.share < 1:
                    schedule.tell_early(ended, scores)
                else:
                    schedule.tell(ended, ())
            else:
                assert asked is None
                break
        return done

    whole = work(Store(tmp_path / "0"), order=0)
    assert [n for n, share in whole if share == 0.5] == [4, 5, 6, 7]
    assert [n for n, share in whole if share == 1] == [6, 7]
    stages = decided_stages(Store(tmp_path / "0"), spec)
    gone = {share: stage.dropped for share, stage in stages.items()}
    assert gone == {0.25: (0, 1, 2, 3), 0.5: (4, 5)}
    for order in (1, 2):
        store = Store(tmp_path / str(order))
        work(store, order, kill=20)
        assert work(store, order + 7) == whole


@pytest.mark.parametrize(
    "keys, problem",
    [
        ({"seeds": {"min": 2, "max": 4}}, "a race needs final scores"),
        ({"method": "bayes"}, "use grid, random, quasirandom or list"),
        ({"early_stop": {"collapsed": 0.1, "halving": {}}}, "cannot be combined"),
        ({"early_stop": {"halving": {"at": [0.5, 0.25]}}}, "in increasing order"),
        (
            {
                "trainer": {
                    "architecture": "mlp",
                    "steps": 100,
                    "objective": {"name": "beta_vae", "anneal_steps": 30},
                }
            },
            "beta_vae changes until step 30 of 100",
        ),
    ],
)
def test_what_it_cannot_be_combined_with_is_refused(keys, problem):
    with pytest.raises(FieldError, match=problem) as refused:
        a_spec(**{"early_stop": {"halving": {"at": 0.25}}, **keys})
    assert "early_stop" in str(refused.value)
