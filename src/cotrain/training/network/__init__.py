"""The network: hidden layers shared by all members, compiled or by PyTorch."""

from cotrain.training.network._cost import pass_operations
from cotrain.training.network._learner import Network
from cotrain.training.network._module import ModuleNetwork, ModuleSettings
from cotrain.training.network._settings import NetworkSettings
from cotrain.training.network._weights import Layer, TrainedNetwork

__all__ = [
    "Layer",
    "ModuleNetwork",
    "ModuleSettings",
    "Network",
    "NetworkSettings",
    "TrainedNetwork",
    "pass_operations",
]
