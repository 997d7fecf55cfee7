"""A model that does not suit the data is named before anything is started."""

from typing import Any

import pytest

from sweeps.plan import load_data
from sweeps.sweepfile import spec_of
from sweeps.sweepfile.compatibility import check_models
from trainer.errors import UserError

SMALL = {"name": "dsprites", "size": 16, "factors": {"posX": 4, "posY": 4}}


def check(dataset: dict[str, Any], trainer: dict[str, Any], **parameters: Any) -> None:
    searched = {"beta": {"value": 1}, "latents": {"values": [10, 20]}, **parameters}
    values = {"name": "s", "dataset": dataset, "parameters": searched, "trainer": trainer}
    spec = spec_of(values)
    check_models(spec, load_data(spec))


@pytest.mark.parametrize("name", ["infogan", "dc_ign"])
def test_what_suits_passes(name: str) -> None:
    check(SMALL, {"objective": name, "architecture": name})


@pytest.mark.parametrize(
    ("trainer", "parameters", "message"),
    [
        ({"architecture": "conv"}, {}, r"^trainer\.architecture: .*these are 16x16"),
        (
            {},
            {"architecture": {"values": ["mlp", "burgess"]}},
            r"^parameters\.architecture: .*'burgess' takes 64x64 or 32x32",
        ),
        (
            {"objective": {"name": "dc_ign", "factors": {"shape": 11}}},
            {},
            r"^trainer\.objective\.factors: .* needs 11 latents, but latents is 10",
        ),
        (
            {"objective": "dc_ign"},
            {"latents": {"min": 3, "max": 9, "distribution": "int_uniform"}},
            r"^trainer\.objective\.factors: .* needs 5 latents, but latents is 3",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(
    trainer: dict[str, Any], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        check(SMALL, trainer, **parameters)


def test_an_objective_without_its_labels_is_named() -> None:
    both = {"values": ["beta_vae", "dc_ign"]}
    with pytest.raises(UserError, match=r"^parameters\.objective: .* learns from labels"):
        check(SMALL | {"labels": "none"}, {}, objective=both)
