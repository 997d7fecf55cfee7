"""How models learn: the step of a VAE and that of InfoGAN."""
