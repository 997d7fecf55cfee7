"""Representations to compare a beta-VAE with, none trained by gradient descent; listed by name.

A baseline is `(data, seeds) -> Fitted`: models for the given seeds, each with the data set that it
is scored on. `evaluation.baselines.score` scores them as in A.4 of Higgins et al. 2017;
`evaluation.baselines.table` compares the scores with those in the paper's Fig. 5.
"""

from evaluation.baselines.fitted import Baseline
from evaluation.baselines.ground_truth import ground_truth
from evaluation.baselines.ica import ica
from evaluation.baselines.pca import pca
from evaluation.baselines.raw_pixels import raw_pixels
from evaluation.baselines.untrained_vae import untrained_vae

BASELINES: dict[str, Baseline] = {
    "ground_truth": ground_truth,
    "raw_pixels": raw_pixels,
    "pca": pca,
    "ica": ica,
    "untrained_vae": untrained_vae,
}
