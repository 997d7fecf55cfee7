"""Parameters: their kinds, the points of a grid, and what contradicts itself."""

import math
from itertools import pairwise

import pytest

from sweeps.search.space import Parameter, grid, grid_size, size
from trainer.config.schema import FieldError, build


@pytest.mark.parametrize(
    ("keys", "points"),
    [
        ({"value": 4}, (4,)),
        ({"values": [1, 2.5, "a"]}, (1, 2.5, "a")),
        ({"min": 0, "max": 1, "points": 5}, (0.0, 0.25, 0.5, 0.75, 1.0)),
        (
            {"min": 0.001, "max": 10, "distribution": "log_uniform", "points": 5},
            (0.001, 0.01, 0.1, 1.0, 10.0),
        ),
        ({"min": 2, "max": 10, "distribution": "int_uniform", "points": 3}, (2, 6, 10)),
        ({"min": 1, "max": 8, "distribution": "int_log_uniform", "points": 4}, (1, 2, 4, 8)),
        ({"min": 1, "max": 3, "distribution": "int_uniform", "points": 9}, (1, 2, 3)),
    ],
)
def test_grid_of_one_parameter(keys, points):
    assert build(Parameter, keys).grid() == points


@pytest.mark.parametrize(
    ("keys", "path", "words"),
    [
        ({}, (), "one of"),
        ({"value": 1, "values": [1]}, (), "one of"),
        ({"value": 1, "min": 0, "max": 2}, (), "one of"),
        ({"values": [1], "points": 3}, (), "one of"),
        ({"values": []}, ("values",), "at least one"),
        ({"values": [1, 2, 1]}, ("values", 2), "twice"),
        ({"min": 1}, (), "both min and max"),
        ({"min": 2, "max": 1}, ("min",), "not below"),
        ({"min": 1, "max": 1}, ("min",), "not below"),
        ({"min": 0, "max": 1, "distribution": "log_uniform"}, ("min",), "positive min"),
        ({"min": 0.5, "max": 2, "distribution": "int_uniform"}, ("min",), "an integer"),
        ({"min": 0, "max": 1, "points": 1}, ("points",), "2 to"),
        ({"min": 0, "max": 1, "distribution": "log"}, ("distribution",), "log_uniform"),
        ({"min": "a", "max": 1}, ("min",), "integer or a number"),
        ({"min": True, "max": 1}, ("min",), "number"),
        ({"value": [1]}, ("value",), "got [1]"),
        ({"vales": [1]}, ("vales",), "'values'"),
    ],
)
def test_contradictions(keys, path, words):
    with pytest.raises(FieldError) as caught:
        build(Parameter, keys)
    assert caught.value.path == path
    assert words in caught.value.problem


def test_grid_is_every_combination_last_fastest():
    space = {"a": Parameter(values=(1, 2)), "b": Parameter(values=("x", "y", "z"))}
    points = list(grid(space))
    assert points == [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y", "z")]
    assert grid_size(space) == size(space) == 6


def test_grid_of_a_range_needs_points():
    with pytest.raises(FieldError) as caught:
        grid_size({"a": Parameter(value=1), "b": Parameter(min=0, max=1)})
    assert caught.value.path == ("b",)
    assert "points" in caught.value.problem


def test_size_counts_whole_numbers_and_not_reals():
    whole = Parameter(min=3, max=7, distribution="int_uniform")
    assert size({"a": whole, "b": Parameter(values=(1, 2))}) == 10
    assert size({"a": whole, "b": Parameter(min=0, max=1)}) is None


def test_log_grid_has_equal_ratios():
    points = Parameter(min=0.003, max=7.0, distribution="log_uniform", points=23).grid()
    ratios = [b / a for a, b in pairwise(points)]
    assert math.isclose(min(ratios), max(ratios), rel_tol=1e-8)
    assert points[0] == 0.003 and points[-1] == 7.0
