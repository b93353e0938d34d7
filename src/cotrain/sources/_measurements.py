from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain.exceptions import DataError
from cotrain.files import whole_file, write_csv, write_parquet

COLUMNS = ("file", "row", "example", "smiles", "task", "value")


@dataclass(frozen=True, eq=False)
class Measurements:
    """What a source measured, one row a value, with where each value stands.

    Attributes
    ----------
    table : DataFrame with columns file, row, example, smiles, task, value
        `row` counts the file's rows as a spreadsheet does: the header is row 1. `smiles` is
        missing where the source has its own features. Tasks rank by their first row.
    summary : DataFrame with columns step, examples, tasks, measurements
        How much was read, and how much each step of the reading left.
    features : csr_array of float32 (n_examples, D), or None
        The source's own features, one row for each distinct example, examples in sorted order.
    truth : DataFrame or None
        What is known of a made source; see `make_synthetic`.

    Raises
    ------
    DataError
        If there are no measurements, or the features do not fit the examples.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    features: csr_array | None = None
    truth: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if tuple(self.table.columns) != COLUMNS:
            raise DataError(f"measurements need the columns {COLUMNS}, got {[*self.table.columns]}")
        if self.table.empty:
            raise DataError("the source holds no measurement; check `fetch` in params.yaml")
        if not np.isfinite(self.table["value"]).all():
            raise DataError("measured values must be finite; unknown values are not listed")
        n_examples = self.table["example"].nunique()
        if self.features is not None and self.features.shape[0] != n_examples:
            raise DataError(
                f"features need {n_examples} rows, one an example, got {self.features.shape[0]}"
            )

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks in the source's order."""
        return tuple(self.table["task"].unique())

    def save(self, folder: Path) -> None:
        """Write the measurements to `folder`; the same measurements give the same bytes."""
        write_parquet(folder / "measurements.parquet", self.table)
        write_csv(folder / "summary.csv", self.summary)
        # What another source left behind would be taken for this one's.
        (folder / "features.npz").unlink(missing_ok=True)
        (folder / "truth.csv").unlink(missing_ok=True)
        if self.features is not None:
            _save_features(folder / "features.npz", self.features)
        if self.truth is not None:
            write_csv(folder / "truth.csv", self.truth)

    @classmethod
    def load(cls, folder: Path) -> "Measurements":
        """Read measurements that `save` wrote.

        Raises
        ------
        DataError
            If a file is missing or is not what `save` wrote.
        """
        features, truth = folder / "features.npz", folder / "truth.csv"
        try:
            return cls(
                table=pd.read_parquet(folder / "measurements.parquet"),
                summary=pd.read_csv(folder / "summary.csv"),
                features=_load_features(features) if features.exists() else None,
                truth=pd.read_csv(truth) if truth.exists() else None,
            )
        except FileNotFoundError as error:
            raise DataError(f"{folder}: no measurements; run `cotrain fetch` first") from error
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DataError(
                f"{folder}: not measurements ({error}); run `cotrain fetch` to write them anew"
            ) from error


def summary_row(step: str, table: pd.DataFrame) -> dict[str, str | int]:
    """One row of a summary: the distinct examples and tasks, and the measurements, of `table`."""
    return {
        "step": step,
        "examples": table["example"].nunique(),
        "tasks": table["task"].nunique(),
        "measurements": len(table),
    }


def _save_features(path: Path, features: csr_array) -> None:
    with whole_file(path) as part, part.open("wb") as file:
        # Uncompressed, so that the bytes do not depend on the version of zlib.
        np.savez(
            file,
            indptr=features.indptr.astype(np.int64),
            indices=features.indices.astype(np.int32),
            data=features.data,
            n_features=np.int64(features.shape[1]),
        )


def _load_features(path: Path) -> csr_array:
    with np.load(path, allow_pickle=False) as part:
        indptr = part["indptr"]
        shape = (indptr.size - 1, int(part["n_features"]))
        return csr_array((part["data"], part["indices"], indptr), shape=shape)
