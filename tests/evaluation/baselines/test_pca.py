"""Principal components from moments equal scikit-learn's from the pixels themselves."""

import numpy as np
import torch
from sklearn.decomposition import PCA

from evaluation.baselines import BASELINES
from tests.evaluation.baselines.sprites import few_sprites


def test_equal_to_scikit_learns():
    data = few_sprites()
    images = torch.from_numpy(data.images(np.arange(len(data)))).float()
    pixels = images.flatten(1).double().numpy()
    theirs = PCA(n_components=10, whiten=True, svd_solver="full").fit(pixels)
    fitted = BASELINES["pca"](data, [0])
    (model,) = fitted.models
    codes = model.represent(images).double().numpy()
    # signs are free, and x and y being alike, so is the rotation among components of equal variance
    gram = theirs.transform(pixels)
    np.testing.assert_allclose(codes @ codes.T, gram @ gram.T, atol=2e-3)
    np.testing.assert_allclose(np.cov(codes, rowvar=False), np.eye(10), atol=1e-4)
    assert abs(fitted.details["explained"] - theirs.explained_variance_ratio_.sum()) < 1e-6
