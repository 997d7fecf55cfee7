"""The data set `dsprites`: order, parts, sizes, fingerprints and the whole set."""

import pickle
import shutil

import numpy as np
import pytest
from sklearn.decomposition import PCA

from tests.trainer.data import literal
from trainer.config.schema import FieldError
from trainer.data import load
from trainer.errors import UserError

PART = {"shape": [0, 2], "scale": 2, "orientation": 3, "posX": 4, "posY": [31, 0, 7]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The full set, rendered once for this file and deleted after it."""
    folder = tmp_path_factory.mktemp("whole")
    data = load("dsprites")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(folder))
        data.stored()
    yield data
    shutil.rmtree(folder)


def test_is_described_before_a_pixel_is_made(cache_folder):
    data = load("dsprites")
    assert len(data) == 737_280
    assert dict(data.factors) == {
        "shape": 3,
        "scale": 6,
        "orientation": 40,
        "posX": 32,
        "posY": 32,
    }
    assert (data.shape, data.levels, data.source) == ((1, 64, 64), 1, "rendered")
    assert data.classes([0, 471_900, 737_279]).tolist() == [
        [0, 0, 0, 0, 0],
        [1, 5, 20, 26, 28],
        [2, 5, 39, 31, 31],
    ]
    assert not cache_folder.exists()


def test_whole_set_equals_the_literal_renderer(whole):
    indices = np.random.default_rng(0).choice(len(whole), 400, replace=False)
    images = whole.images(indices)
    assert images.dtype == np.uint8 and images.shape == (400, 1, 64, 64)
    for index, image in zip(indices, images, strict=True):
        assert np.array_equal(image[0], literal.image(*literal.classes(int(index)))), index
        assert tuple(whole.classes([index])[0]) == literal.classes(int(index))


def test_whole_set_is_stored_as_bits(whole):
    stored = whole.stored()
    assert stored.shape == (737_280, 512) and isinstance(stored, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        stored[0, 0] = 1
    bits = np.unpackbits(stored[471_900]).reshape(1, 64, 64)
    assert np.array_equal(bits, whole.images([471_900])[0])


def test_ten_principal_components_explain_what_the_paper_says(whole):
    # Higgins et al. 2017, A.3: 60.8 %; a sample of 12,000 is good for ± 0.3 %
    indices = np.random.default_rng(1).choice(len(whole), 12_000, replace=False)
    pixels = whole.images(indices).reshape(len(indices), -1).astype(np.float32)
    pca = PCA(n_components=10, svd_solver="randomized", random_state=0).fit(pixels)
    assert 100 * pca.explained_variance_ratio_.sum() == pytest.approx(60.8, abs=0.4)


def test_a_part_holds_the_images_of_its_classes(whole):
    part = load("dsprites", factors=PART)
    assert dict(part.factors) == {"shape": 2, "scale": 2, "orientation": 3, "posX": 4, "posY": 3}
    chosen = [[0, 2], [1, 4], [0, 13, 26], [4, 12, 20, 28], [0, 7, 31]]
    everything = np.arange(len(part))
    originals = np.stack(
        [np.array(c)[part.classes(everything)[:, f]] for f, c in enumerate(chosen)], axis=1
    )
    indices = np.ravel_multi_index(tuple(originals.T), (3, 6, 40, 32, 32))
    assert np.array_equal(part.images(everything), whole.images(indices))


@pytest.mark.parametrize("count", [1, 2, 3, 8, 39, 40])
def test_evenly_chosen_orientations_are_different_images(count):
    data = load("dsprites", factors={"orientation": count})
    chosen = data.chosen["orientation"]
    assert len(set(chosen)) == count
    assert (0 in chosen and 39 in chosen) == (count == 40)


@pytest.mark.parametrize("count", range(1, 33))
def test_evenly_chosen_positions_are_even(count):
    chosen = load("dsprites", factors={"posX": count}).chosen["posX"]
    gaps = np.diff(chosen)
    assert len(chosen) == count and set(chosen) <= set(range(32))
    assert count == 1 or gaps.max() - gaps.min() <= 1


def test_another_size_shows_the_same_picture():
    factors = {"scale": 2, "orientation": 4, "posX": 3, "posY": 3}
    small = load("dsprites", size=64, factors=factors)
    large = load("dsprites", size=192, factors=factors)
    everything = np.arange(len(small))
    assert large.shape == (1, 192, 192)
    # every third pixel of the large image has its centre where the small image has one
    assert np.array_equal(large.images(everything)[..., 1::3, 1::3], small.images(everything))


def test_fingerprint_follows_the_pixels_and_nothing_else():
    same = load("dsprites", factors={"shape": [2, 0], "posX": 32})
    assert same.fingerprint == load("dsprites", factors={"shape": [0, 2]}).fingerprint
    prints = [
        load("dsprites", **options).fingerprint
        for options in ({}, {"size": 32}, {"factors": {"shape": [0]}}, {"factors": {"shape": [1]}})
    ]
    assert len(set(prints)) == 4


def test_the_whole_set_has_the_fingerprint_results_were_stored_under():
    # a change here makes every stored run train again
    assert load("dsprites").fingerprint == "3c9f3ac790aecd70aa53"


def test_pickles_without_its_pixels():
    data = load("dsprites", factors=PART)
    data.stored()
    content = pickle.dumps(data)
    assert len(content) < 2000
    assert np.array_equal(pickle.loads(content).images([5]), data.images([5]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 60}, "size: expected a multiple of 8 from 16 to 512, got 60"),
        ({"size": "64"}, "size: expected an integer, got '64'"),
        ({"factors": {"shap": 1}}, "factors.shap: unknown factor; did you mean 'shape'?"),
        ({"factors": {"scale": 7}}, "factors.scale: expected 1 to 6 classes, got 7"),
        ({"factors": {"scale": 0}}, "factors.scale: expected 1 to 6 classes, got 0"),
        ({"factors": {"scale": []}}, "factors.scale: expected different classes from 0 to 5"),
        ({"factors": {"scale": [1, 1]}}, "factors.scale: expected different classes from 0 to 5"),
        ({"factors": {"scale": [6]}}, "factors.scale: expected different classes from 0 to 5"),
        ({"factors": {"scale": [1.5]}}, r"factors.scale\[0\]: expected an integer"),
        ({"size": 32, "path": "x.npz"}, "size: images read from `path` are 64 pixels wide"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(FieldError, match=message.replace("(", r"\(").replace("?", r"\?")):
        load("dsprites", **options)


@pytest.mark.parametrize("indices", [[-1], [737_280], [0.5], [True], [[0]], 3])
def test_invalid_indices(indices):
    data = load("dsprites")
    with pytest.raises((IndexError, TypeError)):
        data.classes(indices)


def test_no_indices_give_no_images():
    data = load("dsprites", factors=PART)
    assert data.images([]).shape == (0, 1, 64, 64)
    assert data.classes([]).shape == (0, 5)


def test_a_device_is_no_file_of_it():
    with pytest.raises(UserError, match="/dev/zero: is not a file"):
        load("dsprites", path="/dev/zero")


def test_noise_is_gaussian_about_two_grays_and_part_of_the_pixels_identity(cache_folder):
    plain, noisy = (
        load("dsprites", size=16, factors=PART, **more) for more in ({}, {"noise": 0.1})
    )
    assert (noisy.levels, noisy.stored().shape) == (255, (len(plain), 256))
    assert (
        noisy.fingerprint
        != plain.fingerprint
        == load("dsprites", size=16, factors=PART).fingerprint
    )
    every = range(len(plain))
    drawn = plain.images(every).astype(bool)
    for here, gray in ((drawn, 0.75), (~drawn, 0.25)):
        values = noisy.images(every)[here] / 255
        assert values.mean() == pytest.approx(gray, abs=0.01)
        assert values.std() == pytest.approx(0.1, rel=0.05)
    with pytest.raises(FieldError, match=r"from 0 to 0\.2"):
        load("dsprites", noise=0.5)
