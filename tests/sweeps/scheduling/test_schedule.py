"""A race over seeds: the same runs in any order of ending, more where they tell most; packs."""

import itertools
import math
import random
from collections import Counter

import pytest

from evaluation.analysis.table import RunRow
from sweeps.run_store import Store
from sweeps.scheduling import race as rules
from sweeps.scheduling import rounds
from sweeps.scheduling.packs import Packs
from sweeps.scheduling.schedule import Schedule, Work
from sweeps.scheduling.searcher import WAIT, Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import as_mapping, spec_of
from sweeps.trials.trial import Trial
from sweeps.trials.trial_queue import Block, TrialQueue
from sweeps.trials.work_order import config_of, job_of
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up
from trainer.config.schema import FieldError

RACE = {"min": 2, "max": 8}
SPACE = {"latents": [5, 10], "beta": [0.25, 1, 4, 16, 64]}


def spec(**keys):
    return a_spec(**{"seeds": RACE, "parameters": SPACE, **keys})


def place(parameters) -> tuple[float, int]:
    return parameters["beta"] * parameters["latents"] / 1024, parameters["latents"]


def mean(parameters) -> float:
    """Best at beta 4 and ten latents."""
    return 0.9 - 0.1 * abs(math.log(parameters["beta"] / 4)) - 0.02 * (parameters["latents"] < 10)


def rows_of(work: Work) -> list[RunRow]:
    norm, latents = place(work.setting.parameters)
    return [
        RunRow(
            run=f"{work.setting.number}-{seed}",
            state="finished",
            beta=float(work.setting.parameters["beta"]),
            beta_norm=norm,
            latents=latents,
            seed=seed,
            scores=(
                mean(work.setting.parameters)
                + 0.03 * random.Random(100 * work.setting.number + seed).gauss(0, 1),
            ),
            setting=work.setting.number,
            chance=0.25,
        )
        for seed in work.seeds
    ]


def race(of, at_once: int = 1, order: int = 0, batches=(), lost=()) -> tuple[list, Schedule]:
    """Everything that a schedule hands out, and it, with up to `at_once` at work."""
    schedule = Schedule(of, Searcher(of), batches, place)
    at_work, done, draw = [], [], random.Random(order)
    while True:
        work = schedule.ask() if len(at_work) < at_once else WAIT
        if isinstance(work, Work):
            at_work.append(work)
            done.append((work.setting.number, work.seeds))
        elif at_work:
            ended = at_work.pop(draw.randrange(len(at_work)))
            rows = [row for row in rows_of(ended) if row.run not in lost]
            schedule.tell(ended, rows)
        else:
            assert work is None, "it waits while nothing is at work"
            return done, schedule


def test_every_setting_gets_its_first_seeds_before_any_round_and_good_ones_get_more():
    done, schedule = race(spec())
    assert done[:10] == [(number, (0, 1)) for number in range(10)]
    seeds = Counter()
    for number, each in done:
        assert each == tuple(range(seeds[number], seeds[number] + len(each)))  # one by one
        seeds[number] += len(each)
    assert max(seeds.values()) <= 8 and sum(seeds.values()) < 60
    betas = [schedule._settings[number].parameters["beta"] for number in seeds if seeds[number] > 2]
    assert set(betas) <= {1, 4, 16}
    assert schedule.probability >= 0.95


@pytest.mark.parametrize("method", ["grid", "surface"])
def test_the_runs_do_not_depend_on_how_many_run_at_once_and_which_ends_first(method):
    of = spec(method=method)
    one_by_one = race(of)[0]
    for order in range(2):
        assert race(of, at_once=5, order=order)[0] == one_by_one


def test_recorded_rounds_are_repeated_exactly():
    done, schedule = race(spec())
    again, resumed = race(spec(), batches=schedule.batches[:-1])
    assert again == done and resumed.batches == schedule.batches


def test_a_race_ends_when_enough_rounds_in_a_row_are_certain(monkeypatch):
    said: list[bool] = []
    decide = rules.decide

    def watched(rule, *more):
        found = decide(rule, *more)
        said.append(rule.sure(found.probability))
        return found

    monkeypatch.setattr(rules, "decide", watched)
    race(spec(seeds={"min": 2, "max": 40}))
    lengths = [len(list(run)) for certain, run in itertools.groupby(said) if certain]
    assert lengths[-1] == rules.CONFIRMING == max(lengths) and said[-1]


@pytest.mark.parametrize("kept", [-2, -1, None])
def test_a_resumed_race_ends_where_it_would_have_ended(kept):
    done, schedule = race(spec())
    again, resumed = race(spec(), batches=schedule.batches[:kept])
    assert again == done and resumed.over and resumed.probability == schedule.probability


def test_a_surface_begins_at_the_points_of_a_range_without_repeats():
    betas = {"min": 0.25, "max": 16, "points": 4, "distribution": "log_uniform"}
    of = spec(method="surface", parameters={"latents": [5, 10], "beta": betas})
    searcher = Searcher(of)
    tried = [searcher.ask().parameters for _ in range(8)]
    assert searcher.ask() is None
    assert {t["beta"] for t in tried} == {0.25, 1.0, 4.0, 16.0}
    assert len({tuple(t.values()) for t in tried}) == 8


def test_a_surface_tries_a_part_of_the_space_and_finds_its_best():
    betas = [float(f"{0.1 * 1.6**k:.3g}") for k in range(16)]
    of = spec(method="surface", parameters={"latents": [5, 10, 20], "beta": betas})
    done, schedule = race(of)
    assert len({number for number, _ in done}) < 36  # of 48
    expected = {n: mean(s.parameters) for n, s in schedule._settings.items()}
    assert max(expected.values()) > 0.87


def test_a_lost_run_is_passed_over_and_its_setting_may_get_others():
    done, _ = race(spec(), lost={"2-0", "7-1"})
    seeds = [seed for number, each in done for seed in each if number == 7]
    assert len(seeds) == len(set(seeds))


def test_all_seeds_of_all_settings_are_the_most_there_can_be():
    of = spec(stop={"within": 1e-9, "confidence": 0.999}, parameters={**SPACE, "beta": [2, 4, 8]})
    done, _ = race(of)
    assert sum(len(seeds) for _, seeds in done) <= of.most_runs == 48


def test_the_queue_keeps_the_rounds_and_a_new_session_repeats_no_training(tmp_path):
    store, of, data = Store(tmp_path / "store"), spec(), a_dataset()

    def work(most: int) -> list[str]:
        queue, trained = TrialQueue.resume(Sweep(of, store, data)), []
        queue.replay()
        while len(trained) < most and isinstance(block := queue.next(), Block):
            for run in block.runs:
                trained.append(run.id)
                noise = random.Random(run.id).gauss(0, 0.03)
                score = mean({"beta": run.config.beta, "latents": run.config.latents}) + noise
                write_made_up(store, of, data, run, score)
            assert queue.ended(block)
        return trained

    first = work(26)
    assert len(rounds.recorded(store, of)) >= 1
    second = work(1000)
    assert second and not set(first) & set(second)
    assert work(1000) == []
    decided = rounds.decided(store, of)
    assert decided.runs == len(first) + len(second)
    snapshot = Sweep(of, store, data).snapshot()
    assert len(snapshot.rows) == decided.runs and snapshot.remarks == ()
    assert snapshot.answer.best.beta == 4


def test_packs_larger_than_a_setting_are_filled_with_others_that_train_together(tmp_path):
    store, data = Store(tmp_path / "store"), a_dataset()
    of = a_spec(pack=5)  # two latent sizes of three betas, two seeds each
    queue, sizes = TrialQueue.resume(Sweep(of, store, data)), []
    while isinstance(block := queue.next(), Block):
        assert len({run.config.latents for run in block.runs}) == 1
        sizes.append((len(block.runs), len(block.all_settings)))
        for run in block.runs:
            write_made_up(store, of, data, run, 0.9)
        assert queue.ended(block)
    assert sizes == [(5, 3), (5, 3), (1, 1), (1, 1)]
    assert len(Sweep(of, store, data).snapshot().rows) == 12
    assert not Packs.of(of, compares_seeds=True)._mixed


def test_mistakes_in_a_race_are_reported():
    for keys, said in (
        ({"seeds": {"min": 3, "max": 2}}, "seeds.max: expected 3 or more"),
        ({"method": "surface", "seeds": 5}, "use seeds: {min: 2, max: 10}"),
        ({"seeds": 5, "stop": {"confidence": 0.9}}, "stop: needs a race"),
        ({"stop": {"confidence": 1.0}}, "stop.confidence"),
        ({"method": "surface", "parameters": {"beta": [1, 2], "steps": [5, 6]}}, "latents alone"),
        ({"method": "surface", "parameters": {"beta": [0, 1, 2]}}, "leave 0 out"),
    ):
        with pytest.raises(FieldError, match=said.replace("{", r"\{")):
            spec(**keys)


def test_a_race_is_read_back_and_keeps_the_search_of_a_grid():
    of = spec(stop={"within": 0.02})
    assert spec_of(as_mapping(of)) == of
    assert of.search_id == spec(seeds=5).search_id
    assert of.race_id != spec().race_id


def test_a_pack_of_several_settings_is_trained_and_scored_for_real(tmp_path):
    quick = {"higgins": {"train": 50, "test": 50, "pairs": 2}}
    space = {"latents": 3, "beta": [0.5, 8]}
    of = spec(parameters=space, seeds={"min": 1, "max": 3}, pack=2, evaluation=quick)
    store, data = Store(tmp_path / "store"), a_dataset()
    sweep = Sweep(of, store, data)
    queue = TrialQueue.resume(sweep)
    block = queue.next()
    assert isinstance(block, Block) and len(block.all_settings) == 2
    trial = Trial(config_of(block, job_of(of, store, sweep.metrics.evaluation)))
    while not trial.step().get("done"):
        pass
    assert queue.ended(block)
    assert [row.setting for row in sweep.snapshot().rows] == [0, 1]


def test_a_budget_of_runs_is_never_exceeded_and_the_sweep_continues_when_it_is_raised():
    whole = [seed for work in race(spec())[0] for seed in work[1]]
    for runs in (2, 21, 25):
        done, schedule = race(spec(budget={"runs": runs}))
        assert sum(len(seeds) for _, seeds in done) == runs < len(whole)
        again, _ = race(spec(budget={"runs": 30}), batches=schedule.batches)
        assert again[: len(done)] == done
    grid = a_spec(seeds=2, budget={"runs": 5})
    assert race(grid)[0] == [(0, (0, 1)), (1, (0, 1))]
    assert (grid.most_runs, grid.search_id) == (4, a_spec().search_id)
    with pytest.raises(FieldError, match="expected 5 or more"):
        a_spec(seeds=5, budget={"runs": 4})
