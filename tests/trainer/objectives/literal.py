"""The papers' formulas, one model, image, pixel and latent at a time in Python's floats."""

import math
from collections.abc import Sequence

import numpy as np

from trainer.objectives.objective import Batch


def log_px(b: Batch, model: int) -> float:
    """E_q[log p(x|z)] of Bernoulli pixels, mean over images."""
    total = 0.0
    for image in range(b.x.shape[1]):
        pixels = b.x[model, image].flatten().tolist()
        logits = b.decoded[model, image].flatten().tolist()
        for x, logit in zip(pixels, logits, strict=True):
            p = 1 / (1 + math.exp(-logit))
            total += x * math.log(p) + (1 - x) * math.log(1 - p)
    return total / b.x.shape[1]


def kl(b: Batch, model: int) -> float:
    """KL(q(z|x) || N(0, I)), mean over images."""
    total = 0.0
    for mu, logvar in zip(*posteriors(b, model), strict=True):
        for m, v in zip(mu, logvar, strict=True):
            sigma = math.exp(v / 2)
            total += (m**2 + sigma**2 - 1) / 2 - math.log(sigma)
    return total / b.mu.shape[1]


def log_normal(z: float, mu: float, logvar: float) -> float:
    variance = math.exp(logvar)
    return -((z - mu) ** 2) / (2 * variance) - math.log(math.sqrt(2 * math.pi * variance))


def posteriors(b: Batch, model: int) -> tuple[list[list[float]], list[list[float]]]:
    return b.mu[model].tolist(), b.logvar[model].tolist()


def parts(b: Batch, model: int, sampling: str) -> tuple[float, float, float]:
    """MI, TC and DW of Chen et al. 2018 with the prior N(0, I), by loops over pairs of images."""
    z, (mu, logvar) = b.z[model].tolist(), posteriors(b, model)
    n, latents = len(z), range(len(z[0]))
    information = correlation = dimensions = 0.0
    for i in range(n):
        joint, marginals = 0.0, [0.0 for _ in latents]
        for j in range(n):
            weight = sampling_weight(i, j, n, b.images, sampling)
            densities = [math.exp(log_normal(z[i][d], mu[j][d], logvar[j][d])) for d in latents]
            joint += weight * math.prod(densities)
            for d in latents:
                marginals[d] += weight * densities[d]
        posterior = sum(log_normal(z[i][d], mu[i][d], logvar[i][d]) for d in latents)
        prior = sum(log_normal(z[i][d], 0, 0) for d in latents)
        product = sum(math.log(q) for q in marginals)
        information += (posterior - math.log(joint)) / n
        correlation += (math.log(joint) - product) / n
        dimensions += (product - prior) / n
    return information, correlation, dimensions


def sampling_weight(i: int, j: int, n: int, images: int, sampling: str) -> float:
    """Of the posterior of image j in the estimate of q at code i (Chen et al. 2018, App. C)."""
    if sampling == "weighted":
        return 1 / (images * n)
    if i == j:
        return 1 / images
    others = n - 1
    if j == (i + 1) % n:
        return (images - others) / (images * others)
    return 1 / others


def lp_nested_log_density(
    z: Sequence[float], sizes: Sequence[int], p0: float, p1: Sequence[float], scale: float
) -> float:
    """Stühmer et al. 2019, Eq. 7 with Eqs. 8, 9 and 11, as they stand there."""
    n, start, norms = len(z), 0, []
    for size, p in zip(sizes, p1, strict=True):
        norms.append(sum(abs(value) ** p for value in z[start : start + size]) ** (1 / p))
        start += size
    f = sum(norm**p0 for norm in norms) ** (1 / p0)
    surface = 2.0**n
    surface *= math.prod(math.gamma(size / p0) for size in sizes)
    surface /= p0 ** (len(sizes) - 1) * math.gamma(n / p0)
    for size, p in zip(sizes, p1, strict=True):
        surface *= math.gamma(1 / p) ** size / (p ** (size - 1) * math.gamma(size / p))
    radial = (
        p0 * f ** (n - 1) / (math.gamma(n / p0) * scale ** (n / p0)) * math.exp(-(f**p0) / scale)
    )
    return math.log(radial / (f ** (n - 1) * surface))


def covariance(values: list[list[float]]) -> np.ndarray:
    """Of the rows of a table, divided by their number."""
    n, latents = len(values), range(len(values[0]))
    means = [sum(row[d] for row in values) / n for d in latents]
    return np.array(
        [
            [sum((r[i] - means[i]) * (r[j] - means[j]) for r in values) / n for j in latents]
            for i in latents
        ]
    )


def inactive_spread(b: Batch, model: int) -> float:
    """Half the squared distance from their average of the latents that are not active."""
    z, n, total = b.z[model].tolist(), b.z.shape[1], 0.0
    assert b.active is not None
    for latent, active in enumerate(b.active[model].tolist()):
        average = sum(code[latent] for code in z) / n
        if not active:
            total += sum((code[latent] - average) ** 2 / 2 for code in z) / n
    return total
