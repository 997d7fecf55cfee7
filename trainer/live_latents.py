"""When a latent counts as live: the one threshold of tables and figures; imports no torch."""

LIVE = 0.01  # nats of KL; Duan et al. 2020 leave out latents with less
