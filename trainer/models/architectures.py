"""The networks by name. A new one is a file beside this one and a line here."""

from trainer.architecture import Architecture
from trainer.models.burgess import burgess
from trainer.models.conv import conv
from trainer.models.dc_ign import dc_ign
from trainer.models.fc1200 import fc1200
from trainer.models.infogan import infogan
from trainer.models.mlp import mlp
from trainer.models.troubleshooting import troubleshooting

ARCHITECTURES: dict[str, Architecture] = {
    "fc1200": fc1200,
    "mlp": mlp,
    "conv": conv,
    "burgess": burgess,
    "troubleshooting": troubleshooting,
    "dc_ign": dc_ign,
    "infogan": infogan,
}
