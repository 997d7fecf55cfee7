"""The two terms of the evidence lower bound, which every objective weights differently."""

from torch import Tensor


def lower_bound(log_px: Tensor, kl: Tensor) -> dict[str, Tensor]:
    """Means over the batch of log p(x|z) (K, n) and the KL per latent (K, n, M), all in nats.

    "reconstruction" (K,) and "kl" (K,): their difference is the bound (Kingma & Welling 2014,
    Eq. 3). "kl_per_latent" (K, M) sums to "kl".
    """
    kl_per_latent = kl.mean(1)
    return {
        "reconstruction": log_px.mean(1),
        "kl": kl_per_latent.sum(1),
        "kl_per_latent": kl_per_latent,
    }
