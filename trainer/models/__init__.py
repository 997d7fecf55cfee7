"""Packed models: K VAEs trained, encoded and decoded as one program."""

from trainer.models.architectures import ARCHITECTURES
from trainer.models.loading import load_model, load_pack
from trainer.models.pack import Pack

__all__ = ["ARCHITECTURES", "Pack", "load_model", "load_pack"]
