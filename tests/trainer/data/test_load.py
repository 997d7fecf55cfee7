"""`load`: names, options and what importing it costs."""

import subprocess
import sys

import pytest

from trainer.config.schema import FieldError
from trainer.data import DATASETS, load


def test_an_unknown_name():
    with pytest.raises(FieldError, match="unknown data set 'dsprite'; did you mean 'dsprites'"):
        load("dsprite")


def test_an_unknown_option():
    with pytest.raises(FieldError, match="sise: unknown option of dsprites; did you mean 'size'"):
        load("dsprites", sise=32)
    with pytest.raises(FieldError, match=r"labls: .* did you mean 'labels'"):
        load("dsprites", labls=3)
    with pytest.raises(FieldError, match="name: unknown option of dsprites"):
        load("dsprites", name="dsprites")


def test_a_missing_option():
    for name in ("folder", "mnist"):
        with pytest.raises(FieldError, match=f"path: required option of {name} is missing"):
            load(name)


@pytest.mark.parametrize("name", [n for n in DATASETS if n not in ("dsprites", "folder", "mnist")])
def test_without_a_path_a_published_set_says_which_files_and_where_from(name):
    with pytest.raises(FieldError, match=f"option of {name} is missing; expected .* (get|render)"):
        load(name)


def test_every_data_set_is_loaded_by_its_own_name():
    assert all(cls.name == name for name, cls in DATASETS.items())


def test_importing_it_does_not_import_torch():
    script = "import sys, trainer.data; print('torch' in sys.modules, 'sklearn' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout == "False False\n"
