"""The networks by name. A new one is a file beside this one and a line here."""

from trainer.architectures.architecture import Architecture
from trainer.architectures.burgess import burgess
from trainer.architectures.conv import conv
from trainer.architectures.dc_ign import dc_ign
from trainer.architectures.fc1200 import fc1200
from trainer.architectures.infogan import infogan
from trainer.architectures.mlp import mlp
from trainer.architectures.troubleshooting import troubleshooting

ARCHITECTURES: dict[str, Architecture] = {
    "fc1200": fc1200,
    "mlp": mlp,
    "conv": conv,
    "burgess": burgess,
    "troubleshooting": troubleshooting,
    "dc_ign": dc_ign,
    "infogan": infogan,
}
