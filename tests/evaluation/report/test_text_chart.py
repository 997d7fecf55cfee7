"""The inverted U as text: markers where settings are, and letters that the terminal has."""

from evaluation.analysis.choose import choose
from evaluation.report.text_chart import inverted_u
from tests.evaluation.analysis.sweeps_of_rows import inverted_u as made_up
from tests.evaluation.analysis.sweeps_of_rows import row


def test_the_best_setting_is_on_top_and_the_legend_names_the_lines():
    text = inverted_u(choose(made_up(seeds=1)), 100)
    lines = text.splitlines()
    assert "■" in lines[0] and lines[0].startswith(" 0.9")
    assert lines[-1].split("   ") and "● M = 5   ■ M = 10   ▲ M = 20" in lines[-1]
    assert max(map(len, lines)) <= 100


def test_plain_terminals_get_ascii():
    text = inverted_u(choose(made_up(latents=(10,), seeds=1)), 60, plain=True)
    assert text.isascii() and text.count("o") == 9 + "normalised beta".count("o")


def test_there_is_no_drawing_without_room_or_a_curve():
    assert inverted_u(choose(made_up()), 40) == ""
    assert inverted_u(choose([row(beta=1.0), row(beta=2.0)]), 100) == ""
    assert inverted_u(choose([row(scores=())]), 100) == ""
