"""Files that never end, such as pipes and devices, are refused wherever users name files."""

import os

import pytest

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, build
from trainer.data import load
from trainer.errors import UserError
from trainer.extensions import code_of, with_sources


def test_a_pipe_among_images(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png: is not a file"):
        load("folder", path=str(tmp_path))


def test_a_device_that_is_named_like_an_image(tmp_path):
    (tmp_path / "a.png").symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"a\.png: is not a file"):
        load("folder", path=str(tmp_path))


def test_a_pipe_instead_of_code(tmp_path):
    os.mkfifo(tmp_path / "mine.py")
    name = f"{tmp_path}/mine.py:loss"
    with pytest.raises(FieldError, match=r"mine\.py cannot be read \(is not a file\)"):
        with_sources(build(RunConfig, {"dataset": {"name": "dsprites"}, "objective": name}))


def test_code_is_the_same_with_the_line_ends_of_windows(tmp_path):
    (tmp_path / "mine.py").write_bytes(b"x = 1\r\ny = 2\r")
    assert code_of({}, f"{tmp_path}/mine.py:x") == "x = 1\ny = 2\n"
