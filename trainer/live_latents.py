"""When a latent counts as live; for training and evaluation alike, without importing torch."""

LIVE = 0.01  # nats of KL; Duan et al. 2020 leave out latents with less
