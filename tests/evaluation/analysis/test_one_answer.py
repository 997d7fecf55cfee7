"""One answer for everyone: a tested setting, an interval that holds it, and what is unsure."""

from evaluation.analysis.choose import choose
from evaluation.analysis.conclude import answer
from evaluation.analysis.run_health import RunHealth
from evaluation.report.figures import comparison
from tests.evaluation.analysis.sweeps_of_rows import inverted_u, row


def test_the_best_setting_is_the_answers_and_its_score_the_papers() -> None:
    rows = inverted_u()
    found = answer(rows)
    assert found.choice.best is found.best.setting
    scores = {s.rows[0].run: s.score for s in choose(rows).settings}
    assert all(s.score == scores[s.rows[0].run] for s in found.choice.settings)
    assert any(s is found.choice.best for s in found.choice.settings)
    for size, setting in found.choice.per_latents.items():
        low, high = found.per_latents[size].interval
        assert low <= setting.beta <= high
    assert found.choice.per_latents[found.choice.best.latents] is found.choice.best


# a real sweep: (beta, latents): reconstruction, scores of four seeds
CLOSE = {
    (0.125, 10): (-4.2, (0.942, 0.922, 0.86, 0.894)),
    (0.5, 10): (-6.9, (0.988, 0.931, 0.803, 0.825)),
    (1.0, 10): (-9.9, (0.981, 0.933, 0.871, 0.888)),
    (2.0, 10): (-16.0, (0.948, 0.962, 0.962, 0.786)),
    (4.0, 10): (-27.0, (0.955, 0.944, 0.965, 0.952)),
    (8.0, 10): (-54.3, (0.798, 0.762, 0.814, 0.996)),
    (16.0, 10): (-77.6, (0.494, 0.493, 0.495, 0.494)),
    (0.125, 20): (-4.3, (0.921, 0.935, 0.91, 0.954)),
    (0.5, 20): (-7.3, (0.834, 0.982, 0.917, 0.945)),
    (1.0, 20): (-10.3, (0.978, 0.907, 0.9, 0.968)),
}


def test_the_answer_at_its_own_latent_size_is_the_same() -> None:
    found = answer(
        row(beta, size, seed, (score,), reconstruction=reconstruction)
        for (beta, size), (reconstruction, scores) in CLOSE.items()
        for seed, score in enumerate(scores)
    )
    assert found.best.latents == 20
    assert found.per_latents[20].setting is found.best.setting


def test_a_lucky_half_does_not_make_a_setting_the_best() -> None:
    scores = {1.0: 0.5, 2.0: 0.7, 4.0: 0.8, 8.0: 0.7, 16.0: 0.6}
    rows = [
        row(beta, 10, seed, (mean + 0.004 * seed,))
        for beta, mean in scores.items()
        for seed in range(4)
    ]
    rows += [row(32.0, 10, seed, (0.95 if seed < 2 else 0.1,)) for seed in range(4)]
    assert choose(rows).best.beta == 32
    found = answer(rows)
    assert found.choice.best.beta == 4
    (remark,) = [s for s in found.best.sentences if s.startswith("By score alone")]
    assert "β 32, M 10 is ahead, 0.950 against 0.810" in remark


def test_without_an_answer_there_is_still_a_choice() -> None:
    ill = RunHealth(diverged=True)
    found = answer([row(4.0, 10, seed, (), reason="diverged", health=ill) for seed in range(2)])
    assert found.best.standing is None and found.best.beta == found.choice.best.beta == 4
    assert found.best.sentences[0] == "Verdict: cannot tell."
    assert found.best.reasons[0].startswith("No run with beta above 0")
    assert found.best.reasons[1].startswith("2 of 2 runs diverged: lower the learning rate")


def test_the_interval_takes_in_the_setting_to_use() -> None:
    """A coarse grid whose curve peaks half-way between two of its betas."""
    scores = {1.0: 0.3, 4.0: 0.8, 16.0: 0.79, 64.0: 0.3}
    rows = [
        row(beta, 10, seed, (mean + 0.001 * seed,))
        for beta, mean in scores.items()
        for seed in range(6)
    ]
    best = answer(rows).best
    assert best.setting.beta == 4
    assert best.interval[0] <= 4 and best.interval_norm[0] <= 4 * 10 / 4096
    assert best.interval[1] > best.top.beta > 4


def test_comparison_draws_a_bar_and_a_point_for_each_latent_size() -> None:
    flat = [row(b, 10, s, (0.5 + 0.01 * (s % 2),)) for b in (1.0, 4.0, 16.0) for s in range(4)]
    nothing = [row(4.0, 5, 0, ())]
    compared = [("one", inverted_u()), ("two", flat), ("three", nothing)]
    figure = comparison.draw([(name, answer(rows)) for name, rows in compared])
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["one", "two", "three"]
    kinds = [line.get_gid() for line in axes.lines]
    assert kinds.count("best") == 3 and kinds.count("of its size") == 2
    ends = [tuple(line.get_xdata()) for line in axes.lines if line.get_gid() == "interval"]
    sure = answer(inverted_u()).per_latents
    assert ends[:3] == [sure[m].interval for m in (5, 10, 20)] and ends[-1] == ()
    assert [text.get_text().endswith("?") for text in axes.texts][-2:] == [True, True]
