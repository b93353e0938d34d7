from ._chemprop import Chemprop, ChempropSettings
from ._cost import pass_operations
from ._learner import Network
from ._module import ModuleNetwork, ModuleSettings
from ._settings import NetworkSettings
from ._trunk import TrunkNetwork, TrunkSettings
from ._weights import Layer, TrainedNetwork

__all__ = [
    "Chemprop",
    "ChempropSettings",
    "Layer",
    "ModuleNetwork",
    "ModuleSettings",
    "Network",
    "NetworkSettings",
    "TrainedNetwork",
    "TrunkNetwork",
    "TrunkSettings",
    "pass_operations",
]
