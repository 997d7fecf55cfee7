"""The user's own code, from a file or an installed package: trained, named by ids, and trusted."""

import json
import textwrap
from pathlib import Path

import pytest
import torch

from tests.trainer.runs import config, folders, history, model
from tests.trainer.shapes import Shapes
from trainer import extensions
from trainer.__main__ import main
from trainer.architectures import ARCHITECTURES
from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, build
from trainer.data import DATASETS
from trainer.errors import UserError
from trainer.extensions import find, trust_files, with_sources
from trainer.models import load_model
from trainer.registries import with_own_code
from trainer.run_folder import run_id
from trainer.training.compatibility import check_compatible
from trainer.training.loop import train

NETS = '''
import math
from torch import nn

class Small(nn.Module):
    """Group normalisation and a buffer, so that more than linear layers is tried."""

    def __init__(self, shape, latents):
        super().__init__()
        pixels = math.prod(shape)
        self.encoder = nn.Sequential(
            nn.Conv2d(shape[0], 4, 4, 2, 1), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(),
            nn.Linear(pixels // shape[0], 2 * latents),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latents, 32), nn.Tanh(), nn.Linear(32, pixels), nn.Unflatten(1, shape)
        )

def pair(shape, latents):
    small = Small(shape, latents)
    return small.encoder, small.decoder

def averaging(shape, latents):
    encoder, decoder = pair(shape, latents)
    return nn.Sequential(nn.BatchNorm2d(shape[0]), encoder), decoder

def dropping(shape, latents):
    encoder, decoder = pair(shape, latents)
    return nn.Sequential(nn.Dropout(0.1), encoder), decoder

def narrow(shape, latents):
    encoder, decoder = pair(shape, latents - 1)
    return encoder, decoder

def one(shape):
    return pair(shape, 2)

nothing = 3
'''
OBJECTIVE = """
from dataclasses import dataclass
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Objective
from trainer.distributions.gaussian import kl_from_standard_normal

@dataclass(frozen=True)
class Options:
    power: float = 1.0

def terms(batch, options):
    terms = lower_bound(batch.log_px, kl_from_standard_normal(batch.mu, batch.logvar))
    return {"loss": batch.beta * terms["kl"] ** options.power - terms["reconstruction"], **terms}

POWERED = Objective(terms, Options)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with code of the user's, who has a cache of their own and trusts nothing yet."""
    (tmp_path / "my_nets.py").write_text(NETS)
    (tmp_path / "mine.py").write_text(OBJECTIVE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(extensions, "_trusted", set())
    return tmp_path


def named(**changes: object) -> RunConfig:
    """A run whose user has just named its code."""
    one = config(**changes)
    trust_files(one.as_mapping())
    return with_sources(one)


@pytest.mark.parametrize("name", ["Small", "pair"])
def test_plain_modules_train_the_same_on_their_own_and_in_a_pack(here: Path, name: str) -> None:
    runs = [named(architecture=f"my_nets.py:{name}", steps=6, seed=seed) for seed in (0, 1, 2)]
    packed, alone = folders(here / "pack", 3), here / "alone"
    train(runs, Shapes(), packed, device="cpu")
    train(runs[1:2], Shapes(), [alone], device="cpu")
    torch.testing.assert_close(history(packed[1])["loss"], history(alone)["loss"])
    for key, array in model(alone).items():
        torch.testing.assert_close(model(packed[1])[key], array, msg=key)
    first, second = (model(folder)["decoder.0.models.0.weight"] for folder in packed[:2])
    assert not torch.equal(first, second)
    assert history(alone)["loss"][-1] < history(alone)["loss"][0]


def test_a_run_is_identified_by_its_code_and_not_by_the_place_of_the_file(here: Path) -> None:
    data, run = Shapes(), named(architecture="my_nets.py:Small")
    (here / "other").mkdir()
    (here / "other" / "my_nets.py").write_text(NETS)
    assert run_id(named(architecture="other/my_nets.py:Small"), data) == run_id(run, data)
    (here / "other" / "my_nets.py").write_text(NETS + "# changed\n")
    assert run_id(named(architecture="other/my_nets.py:Small"), data) != run_id(run, data)
    assert "sources" not in config().as_mapping()  # ids of all other runs are as before
    with pytest.raises(FieldError, match="two different files are called"):
        named(architecture="my_nets.py:Small", objective="other/my_nets.py:POWERED")


def test_a_users_own_objective(here: Path) -> None:
    run = named(objective="mine.py:POWERED", objective_options={"power": 2.0}, steps=4)
    train([run], Shapes(), [here / "run"], device="cpu")
    assert load_model(here / "run").latents == run.latents
    with pytest.raises(FieldError, match=r"objective_options\.powr: unknown key; did you mean 'p"):
        named_wrong = named(objective="mine.py:POWERED", objective_options={"powr": 2.0})
        check_compatible(named_wrong, Shapes())


def test_code_that_is_only_read_back_is_not_run(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train([named(architecture="my_nets.py:Small", steps=2)], Shapes(), [here / "run"], device="cpu")
    (here / "my_nets.py").unlink()  # the run folder is whole without it
    monkeypatch.setattr(extensions, "_trusted", set())  # another process of the same user
    assert load_model(here / "run").decode(torch.zeros(1, 3)).shape == (1, 1, 12, 12)
    monkeypatch.setenv("SWEEP_CACHE", str(here / "of somebody else"))
    with pytest.raises(UserError, match=r"run/config\.json: architecture: .* SWEEP_TRUST_CODE=1"):
        load_model(here / "run")
    monkeypatch.setenv("SWEEP_TRUST_CODE", "1")
    load_model(here / "run")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.py:Small", r"none\.py cannot be read \(No such file"),
        ("my_nets.py:Smal", r"my_nets\.py has no 'Smal'; it has .*Small"),
        ("broken.py:Small", r"broken\.py:2: SyntaxError"),
        ("raises.py:Small", r"raises\.py:2: ValueError: no"),
        ("my_nets.py:nothing", r"is not a function or class"),
        ("my_nets.py:one", r"is called with \(shape, latents\), but takes \(shape\)"),
        (
            "my_nets.py:narrow",
            r"encoder of my_nets\.py:narrow maps .* to \(2, 4\), not to \(2, 6\)",
        ),
        ("my_nets.py:averaging", r"BatchNorm2d keeps running averages"),
        ("my_nets.py:dropping", r"Dropout draws random numbers"),
    ],
)
def test_mistakes_in_it_are_one_line(here: Path, name: str, message: str) -> None:
    (here / "broken.py").write_text("x = 1\nclass Small(:\n")
    (here / "raises.py").write_text("x = 1\nraise ValueError('no')\n")
    with pytest.raises(FieldError, match=f"^architecture: .*{message}") as caught:
        check_compatible(named(architecture=name), Shapes())
    assert "\n" not in str(caught.value)


def test_infogan_needs_packed_layers(here: Path) -> None:
    with pytest.raises(UserError, match="use an architecture of packed layers"):
        check_compatible(named(architecture="my_nets.py:Small", objective="infogan"), Shapes())


def test_an_installed_package_adds_names(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = here / "site" / "small_nets-1.0.dist-info"
    about.mkdir(parents=True)
    (here / "site" / "small_nets_of_a_package.py").write_text(NETS)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: small-nets\nVersion: 1.0\n")
    entry_points = """
        [beta_sweep.architectures]
        small = small_nets_of_a_package:Small
        gone = small_nets_of_a_package:Gone
        fc1200 = small_nets_of_a_package:Small
    """
    (about / "entry_points.txt").write_text(textwrap.dedent(entry_points))
    monkeypatch.syspath_prepend(str(here / "site"))
    ARCHITECTURES.__dict__.pop("installed", None)
    try:
        assert list(ARCHITECTURES)[-2:] == ["small", "gone"]
        assert ARCHITECTURES["fc1200"].__module__ == "trainer.architectures.fc1200"
        run = with_own_code(config(architecture="small"))
        assert run.sources == {"small_nets_of_a_package": NETS}
        check_compatible(build(RunConfig, run.as_mapping()), Shapes())
        with pytest.raises(
            FieldError, match=r"^architecture: cannot load 'gone' from an installed package"
        ):
            find(ARCHITECTURES, config(architecture="gone"), "architecture")
        monkeypatch.setitem(DATASETS.places, "rectangles", "tests.trainer.shapes:Shapes")
        (here / "pack.yaml").write_text(
            "{dataset: rectangles, architecture: small, latents: 2, batch_size: 8, steps: 1,"
            " optimizer: {name: adam, lr: 0.001}}"
        )
        assert main([str(here / "pack.yaml"), "--out", str(here / "runs"), "--device", "cpu"]) == 0
        (record,) = here.glob("runs/*/config.json")
        assert json.loads(record.read_text())["sources"] == run.sources
    finally:
        ARCHITECTURES.__dict__.pop("installed", None)
