"""The D-MPNN of the package chemprop as the trunk; chemprop is imported when it trains."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from cotrain.settings import Count, within
from cotrain.tasks import Features, Reads, TaskTable
from cotrain.training._learner import Suggests
from cotrain.training.network._settings import Epochs, Units
from cotrain.training.network._trunk import TrunkNetwork, TrunkSettings

if TYPE_CHECKING:
    from torch import Tensor

# Its operations stand for those of a molecule: of 26 atoms, as drugs are.
_CELECOXIB = "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1"


class ChempropSettings(TrunkSettings):
    """Messages along directed bonds, gathered to molecules, and one layer behind; as chemprop has
    them by default, but trained as all networks here are.

    `hidden` is the size of messages and of the layer, `depth` the rounds of messages, `aggregation`
    how atoms become a molecule: a sum over 100 (norm), the mean, or the sum. Rows are molecules,
    canonical SMILES as an ndarray of object (n,).
    """

    reads: ClassVar[Reads] = "molecules"

    kind: Literal["chemprop"] = "chemprop"
    hidden: Units = 300
    depth: Annotated[int, within(1, 100, "more rounds than molecules are long")] = 3
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    aggregation: Literal["norm", "mean", "sum"] = "norm"
    epochs: Epochs = 30
    decay_epochs: list[Count] = Field([20])
    head_bias: Literal["zero", "base_rate"] = "base_rate"

    @property
    def trunk_name(self) -> str:
        return self.kind

    def make(self, _shape: tuple[int, ...], _seed: int) -> Any:
        from cotrain.training.network._torch_chemprop import MoleculeNetwork

        return MoleculeNetwork(self)

    def example(self, _shape: tuple[int, ...]) -> Features:
        return np.array([_CELECOXIB, _CELECOXIB], dtype=object)

    def batch(self, rows: Features, like: "Tensor") -> Any:
        from cotrain.training.network._torch_chemprop import graphs_of

        return graphs_of(rows, like)


class Chemprop(TrunkNetwork):
    """A directed message passing network of molecules (Yang et al., J. Chem. Inf. Model. 2019, 59,
    3370; Heid et al., 2024, 64, 9) shared by all members, a linear head each.

    Raises
    ------
    ModuleNotFoundError
        If chemprop is not installed.
    """

    Settings = ChempropSettings
    speed = 3e10
    settings: ChempropSettings

    def __init__(self, settings: ChempropSettings) -> None:
        super().__init__(settings)
        if find_spec("chemprop") is None:
            raise ModuleNotFoundError("No module named 'chemprop'", name="chemprop")

    def suggest(self, trial: Suggests, table: TaskTable) -> ChempropSettings:
        epochs = trial.suggest_int("epochs", 10, 60, log=True)
        changed: dict[str, Any] = {
            "hidden": 20 * round(trial.suggest_int("hidden", 100, 600, log=True) / 20),
            "depth": trial.suggest_int("depth", 2, 5),
            "dropout": trial.suggest_float("dropout", 0.0, 0.4),
            "learning_rate": trial.suggest_float("learning_rate", 3e-4, 3e-3, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 0.0, 1.0),
            "epochs": epochs,
            "decay_epochs": self.settings.decayed_within(epochs),
        }
        return self.changed(trial, table, changed)
