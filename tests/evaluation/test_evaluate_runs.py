"""Trained models in, result.json out: what it says, when it is written, and what is refused."""

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from evaluation import DEFAULT_EVALUATION, evaluate, evaluate_runs, evaluation_id
from evaluation.identity import with_defaults
from evaluation.metrics.support.labels import MissingLabels
from evaluation.result_file import read_result
from tests.evaluation.trained import QUICK, config, sprites, train_in
from trainer.config.run import OptimizerConfig
from trainer.config.schema import FieldError
from trainer.errors import UserError
from trainer.files import sealed, stamp
from trainer.training.loop import Training


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    configs = [config(seed=0), config(seed=1, beta=4.0)]
    return train_in(tmp_path_factory.mktemp("runs"), *configs)


@pytest.fixture
def runs(trained: list[Path], tmp_path: Path) -> list[Path]:
    return [Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in trained]


def test_a_result_holds_everything_about_a_run(runs: list[Path]) -> None:
    data = sprites()
    results = evaluate(runs, data, QUICK, "cpu")
    for folder, result in zip(runs, results, strict=True):
        assert result == read_result(folder)
        assert sealed(result) == json.loads((folder / "result.json").read_text())
        training = json.loads((folder / "training.json").read_text())
        assert result["run"] == folder.name
        assert (result["format"], result["state"], result["reason"]) == (1, "finished", None)
        assert (result["config"], result["data"]) == (training["config"], training["data"])
        assert result["training"]["steps"] == 40
        assert result["training"]["machine"]["cores"] >= 1
        assert datetime.fromisoformat(result["training"]["ended"]).tzinfo is not None
        assert set(result["files"]) == {
            "model.safetensors",
            "history.json",
            "config.json",
            "training.json",
        }
        figures = result["evaluations"][evaluation_id(QUICK, data)]
        score = figures["measures"]["higgins"]
        assert len(score["scores"]) == 3
        assert score["score"] == pytest.approx(np.mean(score["scores"]))
        assert (score["chance"], score["protocol"], score["train"]) == (0.25, "paper", 300)
        assert figures["reconstruction"] < 0 < figures["kl"]
        assert figures["kl"] == pytest.approx(sum(figures["kl_per_latent"]))
    assert results[0]["config"]["beta"] == 1 and results[1]["config"]["beta"] == 4


def test_runs_evaluated_together_or_separately_score_the_same(runs: list[Path]) -> None:
    data, identity = sprites(), evaluation_id(QUICK, sprites())
    together = [r["evaluations"][identity] for r in evaluate(runs, data, QUICK, "cpu")]
    for folder, both in zip(runs, together, strict=True):
        (folder / "result.json").unlink()
        alone = evaluate([folder], data, QUICK, "cpu")[0]["evaluations"][identity]
        assert alone["measures"]["higgins"]["scores"] == pytest.approx(
            both["measures"]["higgins"]["scores"], abs=0.01
        )
        assert alone["reconstruction"] == pytest.approx(both["reconstruction"], rel=1e-5)
        assert alone["kl_per_latent"] == pytest.approx(both["kl_per_latent"], rel=1e-4, abs=1e-5)


def test_runs_that_make_no_pack_are_evaluated_in_several(runs: list[Path], tmp_path: Path) -> None:
    wider = train_in(tmp_path, config(latents=5))
    results = evaluate([runs[0], *wider, runs[1]], sprites(), QUICK, "cpu")
    figures = [next(iter(result["evaluations"].values())) for result in results]
    assert [len(f["kl_per_latent"]) for f in figures] == [3, 5, 3]


def test_nothing_is_evaluated_twice(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    first = evaluate(runs, sprites(), QUICK, "cpu")
    before = (runs[0] / "result.json").stat().st_mtime_ns
    monkeypatch.setattr(evaluate_runs, "evaluate_pack", None)
    assert evaluate(runs, sprites(), QUICK, "cpu") == first
    assert (runs[0] / "result.json").stat().st_mtime_ns == before


def test_another_evaluation_is_added_to_the_first(runs: list[Path]) -> None:
    data, other = sprites(), {"higgins": {"train": 200, "test": 200, "protocol": "dlib"}}
    first = evaluate(runs[:1], data, QUICK, "cpu")[0]
    both = evaluate(runs[:1], data, other, "cpu")[0]
    assert set(both["evaluations"]) == {evaluation_id(QUICK, data), evaluation_id(other, data)}
    identity = evaluation_id(QUICK, data)
    assert both["evaluations"][identity] == first["evaluations"][identity]


def test_a_failed_run_gets_a_result_without_metrics(tmp_path: Path) -> None:
    folders = train_in(tmp_path, config(optimizer=OptimizerConfig("adam", 1e30)), config())
    results = evaluate(folders, sprites(), QUICK, "cpu")
    assert [result["state"] for result in results] == ["failed", "finished"]
    assert "loss" in results[0]["reason"]
    assert results[0]["evaluations"] == {}
    assert read_result(folders[0]) == results[0]


def test_a_model_that_cannot_be_scored_is_a_failed_run(runs: list[Path]) -> None:
    path = runs[0] / "model.safetensors"
    parameters = load_file(path)
    broken = {name: torch.full_like(value, torch.nan) for name, value in parameters.items()}
    save_file(broken, path)
    record = json.loads((runs[0] / "training.json").read_text())
    record["files"]["model.safetensors"] = stamp(path)
    (runs[0] / "training.json").write_text(json.dumps(sealed(record)))
    results = evaluate(runs, sprites(), QUICK, "cpu")
    assert [result["state"] for result in results] == ["failed", "finished"]
    assert "not finite" in results[0]["reason"]


@pytest.mark.parametrize("name", ["model.safetensors", "training.json"])
def test_torn_runs_are_refused(runs: list[Path], name: str) -> None:
    whole = (runs[0] / name).read_bytes()
    (runs[0] / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=name) as error:
        evaluate(runs, sprites(), QUICK, "cpu")
    assert "\n" not in str(error.value)
    assert not any((folder / "result.json").exists() for folder in runs)


def test_a_torn_result_is_recomputed(runs: list[Path]) -> None:
    first = evaluate(runs, sprites(), QUICK, "cpu")
    path = runs[0] / "result.json"
    path.write_bytes(path.read_bytes()[:-40])
    assert read_result(runs[0]) is None
    again = evaluate(runs, sprites(), QUICK, "cpu")
    assert read_result(runs[0]) == again[0]
    for result in (*again, *first):
        result.pop("scoring")  # how long it took
        result.pop("checksum", None)
    assert again == first


def test_nothing_is_left_when_it_is_killed_halfway(
    runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    evaluate(runs, sprites(), QUICK, "cpu")
    before = (runs[0] / "result.json").read_bytes()
    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluate(runs, sprites(), {"higgins": {"train": 100, "test": 100}}, "cpu")
    assert (runs[0] / "result.json").read_bytes() == before


def test_mistakes_are_one_line(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(MissingLabels, match="no factor labels"):
        evaluate(runs, sprites(labels="none"), QUICK, "cpu")
    with pytest.raises(UserError, match="other images"):
        evaluate(runs, type(sprites())(size=24), QUICK, "cpu")
    with pytest.raises(UserError, match=r"has no training\.json"):
        evaluate([tmp_path / "nowhere"], sprites(), QUICK, "cpu")
    with pytest.raises(FieldError, match="did you mean 'higgins'"):
        evaluate(runs, sprites(), {"higgin": {}}, "cpu")
    with pytest.raises(FieldError, match=r"higgins\.protocl: .*did you mean 'protocol'"):
        evaluate(runs, sprites(), {"higgins": {"protocl": "paper"}}, "cpu")


def test_an_evaluation_is_named_by_all_that_decides_it() -> None:
    data = sprites()
    default = evaluation_id(DEFAULT_EVALUATION, data)
    assert default == evaluation_id({"higgins": {}}, data)
    assert default == evaluation_id(with_defaults(DEFAULT_EVALUATION), data)
    others = [
        evaluation_id({"higgins": {"seed": 1}}, data),
        evaluation_id({"higgins": {"protocol": "dlib"}}, data),
        evaluation_id({"higgins": {}, "mig": {}}, data),
        evaluation_id({"higgins": {}}, sprites(labels=100)),
    ]
    assert len({default, *others}) == 5
    assert evaluation_id({"higgins": {}, "mig": {}}, data) == evaluation_id(
        {"mig": {}, "higgins": {}}, data
    )


def test_few_labels_give_a_score_too(runs: list[Path]) -> None:
    data = sprites(labels=500)
    figures = evaluate(runs, data, QUICK, "cpu")[0]["evaluations"][evaluation_id(QUICK, data)]
    assert figures["measures"]["higgins"]["images"] <= 500


def test_a_config_that_was_edited_is_mended_before_it_is_listed(runs: list[Path]) -> None:
    first = evaluate(runs[:1], sprites(), QUICK, "cpu")
    path = runs[0] / "config.json"
    whole = path.read_bytes()
    for changed in (whole.replace(b'"beta": 1.0', b'"beta": 3.25'), whole[: len(whole) // 2], b""):
        path.write_bytes(changed)
        assert read_result(runs[0]) is None
        assert evaluate(runs[:1], sprites(), QUICK, "cpu") == first
        assert path.read_bytes() == whole


def test_models_in_memory_are_scored_like_those_in_folders(
    trained: list[Path], tmp_path: Path
) -> None:
    data, folders = sprites(), [tmp_path / path.name for path in trained]
    broken = config(seed=2, optimizer=OptimizerConfig("adam", 1e12))
    configs, folders = (
        [config(seed=0), config(seed=1, beta=4.0), broken],
        [*folders, tmp_path / "2"],
    )
    training = Training(configs, data, folders, device="cpu")
    training.advance(60)
    training.finish(weights=False)
    results = evaluate(folders, data, QUICK, pack=training.pack)
    again = [tmp_path / "again" / path.name for path in trained]
    for path, copy in zip(trained, again, strict=True):
        shutil.copytree(path, copy)
    from_files = evaluate(again, data, QUICK, "cpu")
    for one, other, path in zip(results[:2], from_files, folders[:2], strict=True):
        assert one["evaluations"] == other["evaluations"]
        assert not (path / "model.safetensors").exists()
        assert read_result(path) == one
    assert (results[2]["state"], results[2]["evaluations"]) == ("failed", {})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_gives_the_scores_of_a_cpu(trained: list[Path], tmp_path: Path) -> None:
    for device in ("cpu", "cuda"):
        for folder in trained:
            shutil.copytree(folder, tmp_path / device / folder.name)
    on_cpu, on_gpu = (
        evaluate([tmp_path / device / path.name for path in trained], sprites(), QUICK, device)
        for device in ("cpu", "cuda")
    )
    for one, other in zip(on_cpu, on_gpu, strict=True):
        [expected], [found] = one["evaluations"].values(), other["evaluations"].values()
        assert found["reconstruction"] == pytest.approx(expected["reconstruction"], rel=1e-4)
        assert found["kl_per_latent"] == pytest.approx(expected["kl_per_latent"], rel=1e-3)
        scores = [figures["measures"]["higgins"]["score"] for figures in (expected, found)]
        assert scores[0] == pytest.approx(scores[1], abs=0.02)
