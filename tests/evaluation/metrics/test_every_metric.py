"""What holds for every metric: packs, seeds, weak labels, broken models and clear refusals."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from evaluation.metrics import METRICS
from evaluation.metrics.support.labels import MissingLabels
from tests.evaluation.metrics.toys import SMALL, Encoder, Toy, noisy, pack, rotated, standard
from trainer.config.schema import FieldError

PERFECT = standard(SMALL)
CODES = [noisy(PERFECT, 0.2, 2), noisy(rotated(PERFECT, 3, 4), 0.4, 2), noisy(PERFECT, 0.9, 2)]
QUICK: dict[str, dict[str, Any]] = {
    "factorvae": {"train": 400, "test": 200, "variance_estimate": 1000},
    "mig": {"points": 800},
    "sap": {"train": 600, "test": 300},
    "dci": {"train": 600, "test": 300},
    "modularity": {"train": 600, "test": 300},
    "irs": {"points": 800},
    "unsupervised": {"points": 800},
    "udr": {"points": 800},
    "indicators": {"points": 800},
}
LABELLED = ["factorvae", "mig", "sap", "dci", "modularity", "irs"]
UNLABELLED = ["unsupervised", "udr", "indicators"]
ONE_BY_ONE = [name for name in QUICK if name != "udr"]  # udr is about a pack, not about a model


def posterior_of(encoder: Encoder) -> Any:
    def posterior(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu = encoder(x)
        return mu, torch.full_like(mu, -3.0)

    return posterior


def metric(name: str, encoder: Encoder, data: Any, seed: int = 0, **options: Any) -> Any:
    extra = {"posterior": posterior_of(encoder)} if name in ("mig", "indicators", "udr") else {}
    return METRICS[name](encoder, data, seed, **QUICK[name] | extra | options)


def figures(result: Any) -> dict[str, Any]:
    return dataclasses.asdict(result)


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_pack_gives_what_its_models_give_on_their_own(name: str) -> None:
    data = Toy(SMALL)
    together = figures(metric(name, pack(*CODES), data))
    for k, code in enumerate(CODES):
        for key, alone in figures(metric(name, code, data)).items():
            both = together[key]
            if isinstance(both, np.ndarray):
                np.testing.assert_allclose(both[k], alone, rtol=1e-6, atol=1e-6, err_msg=key)
            else:
                assert both == alone, key


@pytest.mark.parametrize("name", QUICK)
def test_the_seed_decides_everything(name: str) -> None:
    data, code = Toy(SMALL), pack(*CODES)
    first, again, other = (metric(name, code, data, seed).score for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("name", QUICK)
def test_only_the_model_that_is_not_finite_fails(name: str) -> None:
    data = Toy(SMALL)

    def broken(x: torch.Tensor) -> torch.Tensor:
        return torch.full_like(CODES[0](x), torch.nan)

    sound = metric(name, pack(*CODES), data).score
    score = metric(name, pack(*CODES, broken), data).score
    np.testing.assert_allclose(score[:3], sound, rtol=1e-9)
    assert np.isnan(score[3])


@pytest.mark.parametrize("name", LABELLED)
def test_weak_labels_are_enough(name: str) -> None:
    """A sixth of the images labelled, and of these a half without the last factor."""
    data = Toy(SMALL)
    labels = data.true_classes(np.arange(len(data)))
    hidden = np.random.default_rng(1).random(len(data))
    labels[hidden > 1 / 6] = -1
    labels[hidden > 1 / 12, -1] = -1
    weak = Toy(SMALL, labels)
    full, few = (metric(name, pack(*CODES), d).score for d in (data, weak))
    np.testing.assert_allclose(few, full, atol=0.12)


@pytest.mark.parametrize("name", LABELLED)
def test_missing_labels_are_reported(name: str) -> None:
    bare = Toy(SMALL)
    bare.factors = {}
    with pytest.raises(MissingLabels, match="no factor labels"):
        metric(name, CODES[0], bare)
    lonely = Toy(SMALL, np.full((len(bare), 5), -1))
    lonely.labels[:2] = lonely.true_classes([0, len(bare) - 1])  # two images that share nothing
    with pytest.raises(MissingLabels, match="label"):
        metric(name, CODES[0], lonely)


@pytest.mark.parametrize("name", UNLABELLED)
def test_no_label_is_read(name: str) -> None:
    class Unlabelled(Toy):
        def classes(self, indices: Any) -> Any:
            raise AssertionError("a label was read")

    data = Unlabelled(SMALL)
    data.factors = {}
    assert np.isfinite(metric(name, pack(*CODES), data).score).all()


@pytest.mark.parametrize("name", QUICK)
def test_numbers_that_make_no_sense_are_refused(name: str) -> None:
    option = "points" if "points" in QUICK[name] else "train"
    with pytest.raises(FieldError, match=option):
        metric(name, pack(*CODES), Toy(SMALL), **{option: 0})


@pytest.mark.parametrize("name", LABELLED)
def test_factors_can_be_chosen(name: str) -> None:
    result = metric(name, CODES[0], Toy(SMALL), factors=["posX", "scale"])
    assert result.factors == ("posX", "scale")
    with pytest.raises(MissingLabels, match="posY"):
        metric(name, CODES[0], Toy(SMALL), factors=["posYY"])
