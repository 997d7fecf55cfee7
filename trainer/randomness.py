"""Random streams by name, not by state: a run resumes exactly without saving any generator."""

import hashlib

import torch


def stream(
    seed: int, purpose: str, counter: int = 0, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A generator that depends only on (seed, purpose, counter) and the kind of device."""
    key = hashlib.sha256(f"{seed}/{purpose}/{counter}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(key[:8]) >> 1)
