"""Molecules as graphs, and the D-MPNN on them: chemprop's own parts."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from chemprop.data import BatchMolGraph, MolGraph
from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer
from chemprop.nn import BondMessagePassing
from chemprop.nn.agg import AggregationRegistry
from rdkit import Chem
from torch import nn

from cotrain.training.network._chemprop import ChempropSettings

# Molecules whose graphs are kept, of some 10 kB each: made once, not in each epoch and fit.
_KEPT = 50_000
_featurizer = SimpleMoleculeMolGraphFeaturizer()


class MoleculeNetwork(nn.Module):
    """From graphs of n molecules to (n, hidden)."""

    def __init__(self, settings: ChempropSettings) -> None:
        super().__init__()
        size, dropout = settings.hidden, settings.dropout
        self.messages = BondMessagePassing(
            *_featurizer.shape, d_h=size, depth=settings.depth, dropout=dropout
        )
        self.gather = AggregationRegistry[settings.aggregation]()
        self.top = nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Dropout(dropout))

    def forward(self, graphs: BatchMolGraph) -> torch.Tensor:
        return self.top(self.gather(self.messages(graphs), graphs.batch))


def graphs_of(smiles: Sequence[str], like: torch.Tensor) -> BatchMolGraph:
    """Graphs of molecules side by side, of the type and on the device of `like`."""
    graphs = BatchMolGraph([_graph(one) for one in smiles])
    graphs.to(like.device)
    graphs.V, graphs.E = graphs.V.to(like), graphs.E.to(like)
    return graphs


@lru_cache(maxsize=_KEPT)
def _graph(smiles: str) -> MolGraph:
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise ValueError(f"{smiles!r} is no molecule that RDKit can read")
    graph = _featurizer(molecule)
    return graph._replace(E=graph.E.astype(np.float32))
