"""Trains packs of VAEs, without needing a sweep: `python -m trainer CONFIG.yaml --out DIR`.

Names are imported at their first use, so that `import trainer.config` does not pay for torch.
"""

import importlib
from typing import Any

_HOMES = {
    "RunConfig": "trainer.config.run",
    "UserError": "trainer.errors",
    "OBJECTIVES": "trainer.objectives",
    "LIKELIHOODS": "trainer.likelihoods",
    "ARCHITECTURES": "trainer.architectures",
    "Model": "trainer.models",
    "load_model": "trainer.models",
    "load_pack": "trainer.models",
    "Series": "trainer.training.packing",
    "Training": "trainer.training.loop",
    "train": "trainer.training.loop",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'trainer' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
