"""The networks by name. To add one, add a file next to this one and a line here."""

from typing import TYPE_CHECKING

from trainer.registry import Registry

if TYPE_CHECKING:
    from trainer.architectures.architecture import Architecture

ARCHITECTURES: "Registry[Architecture]" = Registry(
    {
        "fc1200": "trainer.architectures.fc1200:fc1200",
        "mlp": "trainer.architectures.mlp:mlp",
        "conv": "trainer.architectures.conv:conv",
        "burgess": "trainer.architectures.burgess:burgess",
        "troubleshooting": "trainer.architectures.troubleshooting:troubleshooting",
        "dc_ign": "trainer.architectures.dc_ign:dc_ign",
        "infogan": "trainer.architectures.infogan:infogan",
    },
    "beta_sweep.architectures",
)
