"""Options of objectives and likelihoods in a sweep file: searched, fixed, and mistaken."""

from typing import Any

import pytest

from sweeps.sweepfile import SweepSpec, spec_of
from sweeps.sweepfile.configure import configure
from trainer.config.run import DatasetConfig
from trainer.config.schema import FieldError
from trainer.objectives import OBJECTIVES


def sweep(trainer: dict[str, Any], **parameters: Any) -> SweepSpec:
    searched = {"beta": {"values": [1, 4]}, "latents": {"values": [10, 20]}, **parameters}
    return spec_of({"name": "s", "dataset": "dsprites", "parameters": searched, "trainer": trainer})


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_is_one_name(name: str) -> None:
    sweep({"objective": name}, beta={"value": 1})


def test_options_are_searched_and_fixed() -> None:
    trainer = {
        "objective": {"name": "isa_vae", "exponents": "learned"},
        "likelihood": {"name": "gaussian_learned", "by": "gradient"},
    }
    spec = sweep(
        trainer,
        **{
            "objective.p1": {"min": 1.5, "max": 2.5},
            "objective.subspaces": {"values": [2, 5]},
            "likelihood.variance": {"min": 0.01, "max": 1, "distribution": "log_uniform"},
        },
    )
    values = {"objective.p1": 1.7, "objective.subspaces": 2, "likelihood.variance": 0.3}
    run = configure(DatasetConfig("dsprites"), spec.trainer, values, 4096)
    assert run.objective_options == {"exponents": "learned", "p1": 1.7, "subspaces": 2}
    assert run.likelihood == "gaussian_learned"
    assert run.likelihood_options == {"by": "gradient", "variance": 0.3}


def test_options_decide_the_identity_of_a_run() -> None:
    def identity(trainer: dict[str, Any]) -> str:
        return configure(DatasetConfig("dsprites"), trainer, {}, 4096).identity("x")

    gaussian = [
        {"likelihood": {"name": "gaussian", "variance": variance}} for variance in (0.1, 0.2)
    ]
    assert identity(gaussian[0]) != identity(gaussian[1])
    sizes = [{"objective": {"name": "isa_vae", "subspaces": s}} for s in ([5, 5], (5, 5), [4, 6])]
    assert identity(sizes[0]) == identity(sizes[1]) != identity(sizes[2])


def test_objectives_are_compared_in_one_sweep() -> None:
    sweep({}, objective={"values": ["beta_vae", "isa_vae", "beta_tcvae", "isa_tcvae"]})


def test_options_go_to_those_of_the_compared_that_have_them() -> None:
    trainer = {"objective": {"exponents": "learned"}, "likelihood": {"by": "gradient"}}
    spec = sweep(
        trainer,
        objective={"values": ["beta_vae", "isa_vae", "isa_tcvae"]},
        likelihood={"values": ["gaussian", "gaussian_learned", "bernoulli"]},
    )
    found = {}
    for objective, likelihood in zip(
        spec.parameters["objective"].values, spec.parameters["likelihood"].values, strict=True
    ):
        values = {"objective": objective, "likelihood": likelihood}
        run = configure(DatasetConfig("dsprites"), spec.trainer, values, 4096)
        found[objective] = dict(run.objective_options)
        found[likelihood] = dict(run.likelihood_options)
    assert found == {
        **{"beta_vae": {}, "isa_vae": {"exponents": "learned"}},
        **{"isa_tcvae": {"exponents": "learned"}},
        **{"gaussian": {}, "gaussian_learned": {"by": "gradient"}, "bernoulli": {}},
    }


def test_an_option_that_none_of_the_compared_has_is_refused() -> None:
    compared = {"values": ["beta_vae", "isa_vae"]}
    with pytest.raises(FieldError, match=r"trainer\.objective\.exponent: .*'exponents'"):
        sweep({"objective": {"exponent": "learned"}}, objective=compared)
    with pytest.raises(FieldError, match=r"parameters\.objective\.values\[1\]"):
        sweep({"objective": {"p1": -1}}, objective=compared)


@pytest.mark.parametrize(
    ("trainer", "parameters", "message"),
    [
        (
            {"objective": "isa_vae"},
            {"objective.pp1": {"min": 1, "max": 2}},
            r"^parameters\.objective\.pp1\.min: unknown key; did you mean 'p1'\?",
        ),
        (
            {"objective": "isa_vae"},
            {"objective.p1": {"min": -1, "max": 2}},
            r"^parameters\.objective\.p1\.min: expected a positive number",
        ),
        (
            {"objective": "isa_vae"},
            {"latents": {"values": [10, 7]}},
            r"^parameters\.latents\.values\[1\]: 7 latents cannot be split into 5 equal subspaces",
        ),
        (
            {},
            {"objective": {"values": ["beta_vae", "vae"]}},
            r"^parameters\.beta\.values\[1\]: objective 'vae' has beta = 1, got 4",
        ),
        (
            {"objective": {"name": "factor_vae", "gama": 3}},
            {},
            r"^trainer\.objective\.gama: unknown key; did you mean 'gamma'\?",
        ),
        (
            {"likelihood": {"name": "gaussian", "varience": 1}},
            {},
            r"^trainer\.likelihood\.varience: unknown key; did you mean 'variance'\?",
        ),
        (
            {"likelihood": "gaussian"},
            {"likelihood.variance": {"values": [0.1, 0]}},
            r"^parameters\.likelihood\.variance\.values\[1\]: expected a positive number",
        ),
        ({"likelihood": "gausian"}, {}, r"^trainer\.likelihood: .*did you mean 'gaussian'\?"),
        (
            {},
            {"likelyhood.variance": {"values": [1, 2]}},
            r"^parameters\.likelyhood\.variance: unknown parameter; did you mean 'likelihood",
        ),
    ],
)
def test_mistakes_are_named_where_they_are(
    trainer: dict[str, Any], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(FieldError, match=message):
        sweep(trainer, **parameters)
