"""Whether labels can tell a good code from a shuffled one, and how many more would do."""

import re

import numpy as np

from evaluation.label_checks import cannot_tell
from tests.evaluation.metrics.labelled import Labelled, some_labels

SIZES = (3, 4, 4, 6)


def test_few_labels_do_not_suffice_and_more_do() -> None:
    unlabelled = np.full((3000, 4), -1)
    said = cannot_tell(Labelled(np.vstack([some_labels(20, SIZES, 0), unlabelled])), {})
    found = re.search(r"20 labelled images cannot tell .*; about ([\d,]+) more labels would", said)
    assert found and 10 <= int(found.group(1).replace(",", "")) <= 80
    assert cannot_tell(Labelled(np.vstack([some_labels(120, SIZES, 0), unlabelled])), {}) == ""
    assert "every image is labelled" in cannot_tell(Labelled(some_labels(20, SIZES, 0)), {})


def test_no_code_is_scored_where_labels_are_plenty() -> None:
    data = Labelled(some_labels(6000, SIZES, 0))
    data.images = None  # type: ignore[assignment]  # a call would raise TypeError
    assert cannot_tell(data, {}) == ""
