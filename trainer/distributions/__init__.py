"""Distributions over latents: the posterior q(z|x) and the priors p(z)."""
