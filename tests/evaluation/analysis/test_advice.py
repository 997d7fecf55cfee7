"""Verdicts and advice from given evidence, without any sweep."""

import math
from dataclasses import replace

import pytest

from evaluation.analysis.advice import Edge, Evidence, judge

CLEAR = Evidence(
    width=math.log(3),
    tried=math.log(1000),
    betas=9,
    edges=(Edge("lowest", 10, 1.0, 0.002, 0.0), Edge("highest", 10, 1000.0, 2.0, 0.0)),
    tail=0.05,
    flat=0.01,
    reach=math.log(5),
    seeds=4,
    width_at=lambda factor: math.log(3) / math.sqrt(factor),
)


def test_clear_needs_no_reason():
    assert judge(CLEAR) == ("clear", ())


def test_an_edge_says_which_side_and_how_far():
    verdict, (reason,) = judge(
        replace(CLEAR, edges=(CLEAR.edges[0], Edge("highest", 10, 1000.0, 2.0, 0.4)))
    )
    assert verdict == "cannot tell"
    assert "highest one tried, 1e+03 at M = 10 (probability 0.40)" in reason
    assert "factor of 5.0, to beta = 5e+03 (beta_norm 10)" in reason


def test_edges_of_several_latents_add_up():
    edges = tuple(Edge("lowest", m, 1.0, 0.002 * m, 0.03) for m in (5, 10))
    assert judge(replace(CLEAR, edges=edges[:1]))[0] == "clear"
    assert judge(replace(CLEAR, edges=edges))[0] == "cannot tell"


def test_a_wide_interval_asks_for_the_fewest_seeds_that_mend_it():
    verdict, (reason,) = judge(
        replace(CLEAR, width=math.log(20), width_at=lambda factor: math.log(20) / math.sqrt(factor))
    )
    # log 20 / sqrt(1.5) is 2.4, too wide; at twice the seeds it is 2.1, below log 10
    assert verdict == "cannot tell"
    assert "Add 4 seeds a setting to the 4 there are" in reason


@pytest.mark.parametrize(
    ("at_once", "at_last", "advice"),
    [(math.log(20), math.log(20), "add settings inside"), (math.log(20), 0.0, "over 10 times")],
)
def test_where_seeds_do_not_help_it_says_so(at_once: float, at_last: float, advice: str):
    def width_at(factor: float) -> float:
        return at_last if factor == math.inf else at_once

    verdict, (reason,) = judge(replace(CLEAR, width=at_once, width_at=width_at))
    assert verdict == "cannot tell" and advice in reason


def test_half_of_a_narrow_range_is_not_an_answer():
    assert judge(replace(CLEAR, tried=math.log(6)))[0] == "cannot tell"


def test_flat_and_too_few_betas_are_the_only_reasons_given():
    assert "flat" in judge(replace(CLEAR, flat=0.5, width=9.0))[1][0]
    assert judge(replace(CLEAR, betas=1, flat=0.9))[1] == (
        "Only 1 value of beta tried at this latent size: try 5 or more, over a factor of 100.",
    )
