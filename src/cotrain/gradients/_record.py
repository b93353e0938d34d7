"""What one fit recorded of gradient affinities, and its file."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cotrain.exceptions import DataError
from cotrain.files import load_arrays, reading, save_arrays

# What is measured with a clock is no result; files hold results alone.
_NOT_SAVED = ("seconds", "record_seconds")


@dataclass(frozen=True, eq=False)
class AffinityRecord:
    """The affinities that one fit recorded. All matrices are `[recipient, source]`.

    Attributes
    ----------
    tasks : ndarray of int64, (M,)
        The fit's members; the matrices are in their order.
    affinity, cosine : ndarray, (M, M)
        Means over the records, NaN where a pair was never seen together; the diagonal of
        `affinity` is NaN.
    counts, undefined : ndarray of int64, (M, M)
        Records in each mean; records without a defined ratio although both had labels.
    history : ndarray of float32, (n_records, M, M)
        The affinity of each record, NaN where missing.
    steps, epochs : ndarray of int64, (n_records,)
        The training step and epoch of each record, counted from 0.
    flops, record_flops : int
        Operations counted: of the fit without recording, and of recording.
    seconds, record_seconds : float
        The same in seconds of processor time; NaN in a record that was loaded.
    """

    tasks: np.ndarray
    affinity: np.ndarray
    cosine: np.ndarray
    counts: np.ndarray
    undefined: np.ndarray
    history: np.ndarray
    steps: np.ndarray
    epochs: np.ndarray
    flops: int
    record_flops: int
    seconds: float = float("nan")
    record_seconds: float = float("nan")

    def to_frame(self, names: tuple[str, ...]) -> pd.DataFrame:
        """One row an ordered pair of different tasks, named by `names` of all tasks.

        Columns: recipient, source, affinity, cosine, count, undefined.
        """
        recipient, source = np.nonzero(~np.eye(self.tasks.size, dtype=bool))
        named = np.array(names, dtype=object)[self.tasks]
        columns = {
            "affinity": self.affinity,
            "cosine": self.cosine,
            "count": self.counts,
            "undefined": self.undefined,
        }
        values = {name: matrix[recipient, source] for name, matrix in columns.items()}
        return pd.DataFrame({"recipient": named[recipient], "source": named[source], **values})

    def save(self, path: Path) -> None:
        """Write all but the seconds to one `.npz` file; the same record gives the same bytes."""
        arrays = {
            field.name: np.asarray(getattr(self, field.name))
            for field in fields(self)
            if field.name not in _NOT_SAVED
        }
        save_arrays(path, "affinity record", arrays)

    @classmethod
    def load(cls, path: Path) -> "AffinityRecord":
        """Read a record that `save` wrote.

        DataError if the file is missing or is not an affinity record.
        """
        expected = path, "affinity record", "run `cotrain affinity`"
        stored: dict[str, Any] = load_arrays(*expected)
        with reading(*expected):
            for name in ("flops", "record_flops"):
                stored[name] = int(stored[name])
            return cls(**stored)


def load_records(folder: Path) -> list[AffinityRecord]:
    """The records in a folder, one a repeat; none where the learner has no gradients.

    DataError if there is no such folder, or one is not an affinity record.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no affinity records; run `cotrain affinity` first")
    return [AffinityRecord.load(path) for path in sorted(folder.glob("repeat_*.npz"))]
