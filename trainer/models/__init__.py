"""Packed models: K VAEs trained, encoded and decoded as one program."""

from trainer.architectures import ARCHITECTURES
from trainer.models.loading import load_pack
from trainer.models.model import Model, load_model
from trainer.models.pack import Pack

__all__ = ["ARCHITECTURES", "Model", "Pack", "load_model", "load_pack"]
