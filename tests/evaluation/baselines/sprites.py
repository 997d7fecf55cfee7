"""A few small sprites, with every factor, for tests of the baselines."""

from trainer.data import load
from trainer.data.dataset import Dataset


def few_sprites(**options: object) -> Dataset:
    factors = {"scale": 2, "orientation": 3, "posX": 6, "posY": 6}
    return load("dsprites", size=16, factors=factors, **options)
