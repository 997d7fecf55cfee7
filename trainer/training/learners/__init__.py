"""How a pack is trained, by the name in its objective. To add one, add a file and a line here."""

from typing import TYPE_CHECKING

from trainer.registry import Registry

if TYPE_CHECKING:
    from trainer.training.learners.learner import Learning

LEARNERS: "Registry[Learning]" = Registry(
    {
        "vae": "trainer.training.learners.vae:VAE",
        "clamped_vae": "trainer.training.learners.clamped_vae:CLAMPED_VAE",
        "infogan": "trainer.training.learners.infogan:INFOGAN",
    }
)
