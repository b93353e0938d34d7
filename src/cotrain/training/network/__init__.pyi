from ._cost import pass_operations
from ._learner import Network
from ._module import ModuleNetwork, ModuleSettings
from ._settings import NetworkSettings
from ._weights import Layer, TrainedNetwork

__all__ = [
    "Layer",
    "ModuleNetwork",
    "ModuleSettings",
    "Network",
    "NetworkSettings",
    "TrainedNetwork",
    "pass_operations",
]
