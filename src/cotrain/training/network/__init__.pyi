from ._chemprop import Chemprop as Chemprop, ChempropSettings as ChempropSettings
from ._cost import pass_operations as pass_operations
from ._learner import Network as Network
from ._settings import NetworkSettings as NetworkSettings
from ._trunk import (
    ModuleNetwork as ModuleNetwork,
    ModuleSettings as ModuleSettings,
    TrunkNetwork as TrunkNetwork,
    TrunkSettings as TrunkSettings,
)
from ._weights import Layer as Layer, TrainedNetwork as TrainedNetwork
