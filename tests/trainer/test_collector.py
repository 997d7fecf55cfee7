"""How often Python's collector looks for garbage."""

import atexit
import gc

import pytest

from trainer.collector import collect_less


def test_modules_are_looked_through_less_often_and_not_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_exit: list[object] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    before = gc.get_threshold()
    try:
        collect_less()
        assert gc.get_threshold()[0] > 10 * before[0]
    finally:
        gc.set_threshold(*before)
    assert at_exit == [gc.freeze]
