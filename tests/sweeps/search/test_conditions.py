"""Parameters that are there beside some values of others: settings, counts, mistakes, models."""

import re

import pytest

from sweeps.scheduling.searcher import Searcher
from sweeps.search import space
from sweeps.sweepfile import as_mapping, spec_of
from sweeps.sweepfile.spec import SweepSpec
from tests.sweeps.made_up import a_spec
from trainer.config.schema import FieldError

SPACE = {
    "beta": {"values": [1, 4], "when": {"objective": ["beta_vae", "beta_tcvae"]}},
    "latents": 3,
    "objective": ["beta_vae", "beta_tcvae", "infogan"],
    "objective.noise_codes": {"values": [5, 10], "when": {"objective": "infogan"}},
}


def conditional(**keys) -> SweepSpec:
    return a_spec(**{"parameters": SPACE, **keys})


def settings_of(spec: SweepSpec) -> list[dict]:
    searcher, found = Searcher(spec), []
    while (setting := searcher.ask()) is not None:
        found.append(dict(setting.parameters))
        searcher.tell(setting.number, 0.5)
    return found


def test_a_grid_has_each_setting_once_and_options_only_where_they_exist():
    spec = conditional()
    found = settings_of(spec)
    assert len(found) == spec.setting_count == space.size(spec.parameters) == 2 * 2 + 2
    assert len({tuple(sorted(setting.items())) for setting in found}) == 6
    for setting in found:
        of_gan = setting["objective"] == "infogan"  # which has no beta
        assert ("objective.noise_codes" in setting, "beta" in setting) == (of_gan, not of_gan)
        assert space.contains(spec.parameters, setting)
        spec.model(setting)
    assert not space.contains(spec.parameters, found[0] | {"objective.noise_codes": 10})
    assert spec_of(as_mapping(spec)) == spec


@pytest.mark.parametrize("method", ["random", "quasirandom", "bayes"])
def test_other_methods_try_all_of_it_without_repeats(method: str):
    spec = conditional(method=method, settings=50)
    found = settings_of(spec)
    assert len({tuple(sorted(setting.items())) for setting in found}) == len(found) == 6
    assert found == settings_of(spec)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"likelihood": "gaussian"}, "when.likelihood: not a parameter of this sweep"),
        ({"objective": "info_gan"}, "when.objective: objective is never 'info_gan'; it is one of"),
        ({"objective": "beta_vae"}, "unknown key"),
    ],
)
def test_a_condition_that_cannot_be_met_is_one_line(when: dict, said: str):
    option = {"objective.noise_codes": {"values": [5, 10], "when": when}}
    with pytest.raises(FieldError) as error:
        conditional(parameters={**SPACE, **option})
    assert re.search(re.escape(said), str(error.value)), error.value
    assert "\n" not in str(error.value)
