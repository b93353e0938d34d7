"""What makes a trunk, and what it is given of rows; PyTorch is imported when one is made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.sparse import issparse

from cotrain.tasks import Features, Reads

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Blueprint:
    """A trunk on features of any shape.

    Attributes
    ----------
    name : str
        What errors call the trunk, and what models of another are told by.
    make : callable
        From the shape of an example and a seed, which is set already, to a module.
    reads : {"features", "molecules"}
        What rows are; see `TaskTable.inputs`.
    """

    name: str
    make: Callable[[tuple[int, ...], int], "nn.Module"]
    reads: ClassVar[Reads] = "features"

    def example(self, shape: tuple[int, ...]) -> Features:
        """Two rows that a new module is tried on."""
        return np.zeros((2, *shape), dtype=np.float32)

    def batch(self, rows: Features, like: "Tensor") -> Any:
        """What the module takes of rows: by default a tensor (n, *shape)."""
        import torch

        dense = rows.toarray() if issparse(rows) else rows
        return torch.as_tensor(np.ascontiguousarray(dense)).to(like)
