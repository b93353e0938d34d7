from cotrain.settings import ModelSettings
from cotrain.training._protocol import Engine


def make_engine(model: ModelSettings) -> Engine:
    """The engine that `model.engine` names; its heavy imports happen here."""
    if model.engine == "compiled":
        from cotrain.training._compiled import CompiledEngine

        return CompiledEngine()
    from cotrain.training._torch import TorchEngine

    return TorchEngine()
