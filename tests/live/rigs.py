"""The real servers that the live tests start: import the rigs from here."""

from tests.live.ozone_rig import OzonePost, OzoneRig, OzoneSeed, seed_ozone
from tests.live.server import Account, Answer, Loopback, RigError
from tests.live.synapse_rig import Received, SynapseMessage, SynapseRig, SynapseSeed, seed_synapse

__all__ = [
    "Account",
    "Answer",
    "Loopback",
    "OzonePost",
    "OzoneRig",
    "OzoneSeed",
    "Received",
    "RigError",
    "SynapseMessage",
    "SynapseRig",
    "SynapseSeed",
    "seed_ozone",
    "seed_synapse",
]
