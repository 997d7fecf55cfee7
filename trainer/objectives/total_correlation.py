"""log q(z) of the aggregate posterior from one minibatch, and the total correlation of its latents.

q(z) = 1/N sum of q(z|x) over all N images. Chen et al. 2018 ("Isolating sources of disentanglement
in VAEs") estimate it from the n images of a batch in two ways:

weighted: minibatch weighted sampling (their App. C.1), which they train with. Biased: too low by
    about log n for well separated codes, which is nearly constant and so does not affect gradients.
stratified: minibatch stratified sampling (their App. C.2). Unbiased in q(z) over batches drawn
    without replacement: the image that z came from has weight 1/N, one other image
    (N - (n - 1)) / (N (n - 1)), the rest 1/(n - 1).
"""

import math
from typing import Literal

import torch
from torch import Tensor

from trainer.distributions.gaussian import log_density
from trainer.errors import UserError

Sampling = Literal["weighted", "stratified"]


def total_correlation(log_joint: Tensor, log_marginals: Tensor) -> Tensor:
    """KL(q(z) || prod_j q(z_j)) in nats, (K,), from log q(z) (K, n) and log q(z_j) (K, n, M)."""
    return (log_joint - log_marginals.sum(2)).mean(1)


def aggregate_posterior(
    z: Tensor, mu: Tensor, logvar: Tensor, images: int, sampling: Sampling
) -> tuple[Tensor, Tensor]:
    """log q(z) (K, n) and log q(z_j) (K, n, M) at each z; all arrays (K, n, M).

    images: N. Raises UserError if `stratified` has no weights: n < 2, or n > N + 1.
    """
    weights = _log_weights(z.shape[1], images, sampling, z)
    log_joint, log_marginals = weights, []
    for code, mean, log_variance in zip(z.unbind(2), mu.unbind(2), logvar.unbind(2), strict=True):
        # (K, n, n): code i under the posterior of image j; summed over the last axis
        pairs = log_density(code.unsqueeze(2), mean.unsqueeze(1), log_variance.unsqueeze(1))
        log_joint = log_joint + pairs
        log_marginals.append((pairs + weights).logsumexp(2))
    return log_joint.logsumexp(2), torch.stack(log_marginals, 2)


def _log_weights(batch: int, images: int, sampling: Sampling, like: Tensor) -> Tensor:
    """Logarithm of the weight of image j in the estimate for code i, (n, n)."""
    if sampling == "weighted":
        return like.new_full((batch, batch), -math.log(images * batch))
    others = batch - 1
    if not 1 <= others <= images:
        raise UserError(
            "stratified sampling needs batches of at least 2 images, and no larger than the data "
            f"set; batch_size is {batch} and the data set has {images} images"
        )
    weights = like.new_full((batch, batch), 1 / others)
    own = torch.eye(batch, dtype=torch.bool, device=like.device)
    weights.masked_fill_(own, 1 / images)
    weights.masked_fill_(own.roll(1, 1), (images - others) / (images * others))
    return weights.log()
