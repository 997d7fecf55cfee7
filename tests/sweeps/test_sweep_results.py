"""What the store knows of a sweep: status and the best setting, from results with known scores."""

import json

import pytest

from evaluation.identity import evaluation_id
from evaluation.result_file import write_result
from sweeps import api, sweep_results
from sweeps.plan import Setting, load_data, runs_of
from sweeps.run_store import Store
from sweeps.sweepfile import spec_of
from trainer.errors import UserError

SPEC = spec_of(
    {
        "name": "known",
        "dataset": {"name": "dsprites", "size": 32},
        "method": "grid",
        "parameters": {"latents": {"values": [2, 5]}, "beta": {"values": [1, 4, 16]}},
        "seeds": 2,
    }
)
DATA = load_data(SPEC)
# mean over the better half of both seeds' three scores: the paper's score of a setting
SCORES = {(2, 1): 0.4, (2, 4): 0.5, (2, 16): 0.45, (5, 1): 0.6, (5, 4): 0.9, (5, 16): 0.7}


def finish(store, run, score):
    """Writes the result of a run, as the evaluation does; a score of None is a failed run."""
    measured = {"score": score, "scores": [score] * 3, "chance": 0.25}
    evaluation = {"measures": {"higgins": measured}, "reconstruction": -20.0, "kl": 9.0}
    evaluation["kl_per_latent"] = [1.0] * run.config.latents
    folder = store.run_folder(run.id)
    folder.mkdir(parents=True)
    config = {"beta": run.config.beta, "latents": run.config.latents, "seed": run.config.seed}
    result = {
        "format": 1,
        "run": run.id,
        "config": config,
        "data": {"shape": list(DATA.shape)},
        "state": "failed" if score is None else "finished",
        "reason": "loss is not finite at step 3" if score is None else None,
        "training": {"steps": 10_000, "seconds": 60.0, "device": "cpu"},
        "evaluations": {} if score is None else {evaluation_id(SPEC.evaluation, DATA): evaluation},
        "files": {},
    }
    write_result(folder, result)


def fill(store, points, seeds=(0, 1), failed=()):
    for number, (latents, beta) in enumerate(SCORES):
        setting = Setting(number, {"latents": latents, "beta": beta})
        runs = runs_of(SPEC, DATA, setting.parameters)
        store.record_setting(SPEC, setting, runs)
        for run in runs:
            if (latents, beta) in points and run.config.seed in seeds:
                lost = (latents, beta, run.config.seed) in failed
                finish(store, run, None if lost else SCORES[latents, beta])


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_status_counts_every_run_once(store):
    assert sweep_results.status(SPEC, store).pending == 12
    fill(store, [(2, 1), (5, 4)], failed=[(5, 4, 1)])
    now = sweep_results.status(SPEC, store)
    assert (now.finished, now.failed, now.pending, now.total) == (3, 1, 8, 12)
    assert (now.settings, now.settings_total, now.running) == (2, 6, None)
    with store.lock("known"):
        assert "process" in sweep_results.status(SPEC, store).running


def test_best_overall_and_per_latents(store):
    fill(store, SCORES)
    answer = api.best(SPEC, store)
    assert (answer.beta, answer.latents, answer.seeds, answer.failed) == (4.0, 5, 2, 0)
    assert answer.score == pytest.approx(0.9)
    assert answer.beta_norm == pytest.approx(4 * 5 / 1024)
    assert answer.spread == pytest.approx(0.0)
    assert {m: s.beta for m, s in answer.per_latents.items()} == {2: 4.0, 5: 4.0}


def test_runs_uninformative_about_beta_leave_a_best_without_error_bar(store):
    fill(store, SCORES, failed=[(m, beta, seed) for m, beta in SCORES for seed in (0, 1)])
    best = api.best(SPEC, store)
    assert (best.interval, best.probability_best, best.tied) == (None, None, ())
    assert best.verdict == "cannot tell" and "No run" in best.reasons[0]


def test_a_setting_lacking_a_seed_is_shown_as_such(store):
    fill(store, [(2, 4), (5, 4)])
    runs = runs_of(SPEC, DATA, {"latents": 5, "beta": 4})
    (store.run_folder(runs[1].id) / "result.json").unlink()
    best = api.best(SPEC, store)
    assert (best.per_latents[5].seeds, best.per_latents[2].seeds) == (1, 2)
    assert best.sentences[0].endswith("1 setting has only some of its seeds.")


def test_a_failed_seed_counts_at_chance(store):
    fill(store, [(2, 4), (5, 4)], failed=[(5, 4, 0)])
    best_of_5 = api.best(SPEC, store).per_latents[5]
    assert (best_of_5.failed, best_of_5.seeds) == (1, 2)
    assert best_of_5.score == pytest.approx(0.9)  # the better half is the other seed
    assert best_of_5.spread == pytest.approx((0.9 - 0.25) / 2**0.5)


def test_results_of_another_evaluation_are_not_used(store):
    fill(store, SCORES)
    other = spec_of({"name": "known", **_mapping(), "evaluation": {"higgins": {"seed": 5}}})
    assert other.search_id == SPEC.search_id
    with pytest.raises(UserError, match="no setting"):
        api.best(other, store)


def test_no_result_says_what_to_do(store):
    with pytest.raises(UserError, match="sweep run"):
        api.best(SPEC, store)
    with pytest.raises(UserError, match="no sweep named"):
        api.best("known", store)


def test_commands_on_a_finished_sweep(store, capsys):
    from sweeps.cli.main import main

    fill(store, SCORES, failed=[(2, 1, 0)])
    store.save_spec(SPEC)
    at = ["known", "--store", str(store.root), "--json"]
    assert main(["best", *at]) == 0
    best = json.loads(capsys.readouterr().out)
    assert set(best) == {"best", "chosen", "matters", "per_latents", "metrics"}
    assert best["best"]["beta"] == 4.0 and best["best"]["latents"] == 5
    sure = {"interval", "probability_best", "tied", "verdict", "reasons"}
    assert {"beta", "beta_norm", "latents", "score", "seeds", *sure} <= set(
        best["per_latents"]["2"]
    )
    assert best["best"]["tied"][0]["setting"] == 4
    low, high = best["best"]["interval"]
    assert low <= best["best"]["beta"] == api.best(SPEC, store).beta <= high
    assert main(["status", *at]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["finished"], status["failed"], status["pending"]) == (11, 1, 0)
    assert main(["plan", *at]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["settings"], plan["runs"], plan["in_store"]) == (6, 12, 12)
    assert (plan["trials"], plan["trials_left"], plan["runs_left"]) == (6, 0, 0)
    for command in ("best", "status", "plan"):
        assert main([command, *at[:-1]]) == 0
        assert "known" in (out := capsys.readouterr().out) or "best β: 4" in out


def test_plan_counts_what_another_sweep_trained(store, capsys):
    from sweeps.cli.main import main

    fill(store, [(2, 1), (5, 16)])
    other = store.root / "other.yaml"
    renamed = {**_mapping(), "name": "other", "seeds": 3, "pack": 1}
    other.write_text(json.dumps(renamed))
    assert main(["plan", str(other), "--store", str(store.root), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["runs"], plan["in_store"], plan["runs_left"]) == (18, 4, 14)
    assert (plan["trials"], plan["trials_left"]) == (18, 14)


def test_plan_counts_runs_that_another_metric_has_scored(store, capsys):
    from sweeps.cli.main import main

    fill(store, SCORES, failed=[(2, 1, 0)])
    other = store.root / "other.yaml"
    other.write_text(json.dumps({**_mapping(), "name": "other", "metric": {"name": "mig"}}))
    at = ["plan", str(other), "--store", str(store.root)]
    assert main([*at, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["in_store"], plan["to_score"], plan["runs_left"]) == (12, 11, 0)
    assert plan["trials_left"] == 6
    assert main(at) == 0
    assert "12 runs, 11 of them to be rescored; left: 6 trials" in " ".join(
        capsys.readouterr().out.split()
    )


def _mapping():
    from sweeps.sweepfile import as_mapping

    mapping = as_mapping(SPEC)
    del mapping["name"], mapping["evaluation"]
    return mapping
