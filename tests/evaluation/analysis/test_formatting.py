from evaluation.analysis.formatting import duration


def test_durations_have_one_unit_and_are_at_least_a_second():
    times = [duration(seconds) for seconds in (0.2, 41, 89.6, 200, 7500)]
    assert times == ["1 s", "41 s", "90 s", "3 min", "2.1 h"]
