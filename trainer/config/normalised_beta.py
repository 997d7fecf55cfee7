"""Normalised beta, beta_norm = beta * M / N (Higgins et al. 2017, A.5), and back."""


def normalised(beta: float, latents: int, pixels: int) -> float:
    """beta_norm. latents: M. pixels: N, pixels times channels per image."""
    return beta * latents / pixels


def denormalised(beta_norm: float, latents: int, pixels: int) -> float:
    """The beta of a beta_norm; see `normalised`."""
    return beta_norm * pixels / latents
