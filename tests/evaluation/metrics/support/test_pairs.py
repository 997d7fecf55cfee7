"""Pairs and their mean differences beside a literal loop, and labels as groups."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.metrics.support.encoding import encode
from evaluation.metrics.support.labels import read_labels
from evaluation.metrics.support.pairs import draw_pairs, mean_differences
from tests.evaluation.metrics.toys import SMALL, Toy, noisy, pack, standard

CODES = (noisy(standard(SMALL), 0.3), noisy(standard(SMALL), 1.0))


def test_mean_differences_are_those_of_a_loop() -> None:
    data, labels = Toy(SMALL), read_labels(Toy(SMALL))
    groups = [labels.groups(name) for name in labels.factors]
    _, first, second = draw_pairs(groups, 40, 7, np.random.default_rng(0))
    codes = encode(pack(*CODES), data, np.concatenate([first, second]))
    fast = mean_differences(codes, first, second)
    for k, code in enumerate(CODES):
        for point in range(40):
            total = torch.zeros(5)
            for i, j in zip(first[point], second[point], strict=True):
                mu = [code(torch.from_numpy(data.images([x])).float() / 255)[0] for x in (i, j)]
                total += (mu[0] - mu[1]).abs()
            torch.testing.assert_close(fast[k, point], total / 7, rtol=1e-5, atol=1e-6)


def test_many_numbers_are_averaged_chunk_by_chunk(monkeypatch) -> None:
    data, labels = Toy(SMALL), read_labels(Toy(SMALL))
    _, i, j = draw_pairs([labels.groups("posX")], 50, 3, np.random.default_rng(0))
    codes = encode(pack(*CODES), data, np.concatenate([i, j]))
    whole = mean_differences(codes, i, j)
    monkeypatch.setattr("evaluation.metrics.support.pairs._CHUNK", 100)
    torch.testing.assert_close(mean_differences(codes, i, j), whole)


@given(seed=st.integers(0, 10_000), share=st.floats(0.02, 1.0))
@settings(max_examples=30, deadline=None)
def test_pairs_share_their_factor_and_are_two_images(seed: int, share: float) -> None:
    data, rng = Toy(SMALL), np.random.default_rng(seed)
    labels = data.true_classes(np.arange(len(data)))
    labels[rng.random(labels.shape) > share] = -1
    known = read_labels(Toy(SMALL, labels))
    groups = [known.groups(name, at_least=2) for name in known.factors]
    y, first, second = draw_pairs(groups, 30, 5, rng)
    for factor, i, j in zip(y, first, second, strict=True):
        assert (labels[i, factor] == labels[j, factor]).all()
        assert (labels[i, factor] >= 0).all()
        assert (i != j).all()


def test_other_factors_vary_freely_and_all_images_come_equally_often() -> None:
    sizes = {"a": 2, "b": 5}
    data = Toy(sizes)
    group = read_labels(data).groups("a")
    _, first, second = draw_pairs([group], 2000, 10, np.random.default_rng(0))
    for drawn in (first, second):
        counts = np.bincount(drawn.ravel(), minlength=10)
        assert np.abs(counts / drawn.size - 0.1).max() < 0.01
    b = data.true_classes(np.stack([first, second]))[..., 1]
    assert (b[0] != b[1]).all()  # with only five images of a class, another image has another b
    table = np.histogram2d(b[0].ravel(), b[1].ravel(), bins=5)[0] / first.size
    assert np.abs(table[~np.eye(5, dtype=bool)] - 0.05).max() < 0.01


def test_the_fixed_factor_is_uniform_over_the_factors() -> None:
    labels = read_labels(Toy(SMALL))
    groups = [labels.groups(name) for name in labels.factors]
    y, _, _ = draw_pairs(groups, 20_000, 1, np.random.default_rng(0))
    assert np.abs(np.bincount(y) / 20_000 - 0.2).max() < 0.012


def test_groups_hold_each_labelled_image_once_by_class() -> None:
    data = Toy({"a": 3, "b": 4})
    labels = data.true_classes(np.arange(12))
    labels[[0, 5], 0] = -1
    labels[6:11, 1] = -1
    known = read_labels(Toy({"a": 3, "b": 4}, labels))
    group = known.groups("a")
    assert [group.members(k).tolist() for k in range(3)] == [[1, 2, 3], [4, 6, 7], [8, 9, 10, 11]]
    large = known.groups("a", at_least=4)
    assert [large.members(k).tolist() for k in range(len(large.sizes))] == [[8, 9, 10, 11]]
    assert known.groups("a", within=np.array([0, 1, 9])).images.tolist() == [1, 9]
    assert known.complete().tolist() == [1, 2, 3, 4, 11]
