"""The table of Fig. 5: the better half of the scores, beside the paper's figures."""

import pytest

from evaluation.baselines import BASELINES
from evaluation.baselines.table import FIGURE_5, table, text


def test_every_baseline_has_a_row():
    assert BASELINES.keys() <= FIGURE_5.keys()


def test_keeps_the_better_half_in_percent():
    line = next(line for line in table({"pca": [0.1, 0.9, 0.8, 0.2]}) if line.name == "pca")
    assert line.score == pytest.approx(85)
    assert line.spread == pytest.approx(50**0.5)
    assert line.difference == pytest.approx(0.1)


def test_text():
    shown = text(table({"ground_truth": [1.0, 1.0], "ica": [0.32, 0.32, 0.3, 0.2]})).splitlines()
    assert shown == [
        "                     here, %       paper, %  difference",
        "Ground truth   100.00         100.00              +0.00",
        "Raw pixels                 –   45.75 ±  0.8           –",
        "PCA                        –   84.90 ±  0.4           –",
        "ICA             32.00 ±  0.0   42.03 ± 10.6      −10.03",
        "DC-IGN                     –   99.30 ±  0.1           –",
        "InfoGAN                    –   73.50 ±  0.9           –",
        "VAE untrained              –   44.14 ±  2.5           –",
        "VAE (β = 1)                –   61.58 ±  0.5           –",
        "β-VAE (β = 4)              –   99.23 ±  0.1           –",
    ]


def test_other_data_have_no_column_from_the_paper_and_no_row_without_a_score():
    shown = text(table({"pca": [0.8] * 4, "vae": [0.839] * 4}, comparable=False)).splitlines()
    assert [line.split() for line in shown] == [
        ["here,", "%"],
        ["PCA", "80.00", "±", "0.0"],
        ["VAE", "(β", "=", "1)", "83.90", "±", "0.0"],
    ]
    assert "61.58" not in "".join(shown)
    (line,) = table({"vae": [0.839]}, comparable=False)
    assert line.difference is None


def test_a_note_is_in_its_row():
    lines = table({"ica": [0.4, 0.4]}, notes={"ica": "chosen to match"})
    (row,) = [line for line in text(lines).splitlines() if line.startswith("ICA")]
    assert row.endswith("−2.03  chosen to match")


def test_refuses_a_row_that_the_paper_lacks():
    with pytest.raises(KeyError, match="tsne"):
        table({"tsne": [0.5]})
