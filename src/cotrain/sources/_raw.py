"""What a source is, and the raw table: what it read, before anything is chosen or merged."""

import difflib
import io
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from cotrain import files
from cotrain.exceptions import DataError
from cotrain.registry import SOURCES, Noun
from cotrain.settings import Choice
from cotrain.words import listing

_TODO = "run `cotrain fetch`"
RECORDS = ("file", "row", "example")
VALUES = ("record", "task", "value", "relation")
RELATIONS = ("", "<", ">")
_TABLES = ("records", "inputs", "values")


@dataclass(frozen=True, eq=False)
class RawTable:
    """R records with the columns that the user's file has, and what was measured of them.

    The user's names stand in `inputs` and in `values["task"]` alone, so that they meet no name
    of ours.

    Attributes
    ----------
    records : DataFrame (R,) with columns file, row, example
        Where each record stands, and its name. `row` counts the file's rows as a spreadsheet
        does: the header is row 1.
    inputs : DataFrame (R,)
        The columns that features and splits are made of, under the user's names.
    values : DataFrame with columns record, task, value, relation
        A row a value. `record` counts from 0; `relation` is "<" or ">" where the value is a
        bound of what could not be measured, else "". Tasks rank by their first row.
    summary : DataFrame with columns step, examples, tasks, measurements
        How much was read, and how much each step of the reading left.
    features : csr_array or ndarray of float32 (R, ...), or None
        The source's own features.
    truth : DataFrame or None
        What is known of a made source; see `Synthetic`.
    folder : Path
        Where relative paths in the settings start; not saved.

    Raises
    ------
    DataError
        If the parts do not fit together, or a value is not finite.
    """

    records: pd.DataFrame
    inputs: pd.DataFrame
    values: pd.DataFrame
    summary: pd.DataFrame
    features: csr_array | np.ndarray | None = None
    truth: pd.DataFrame | None = None
    folder: Path = Path()

    def __post_init__(self) -> None:
        for name, columns in (("records", RECORDS), ("values", VALUES)):
            if (found := tuple(getattr(self, name))) != columns:
                raise DataError(f"`{name}` needs the columns {columns}, got {[*found]}")
        n_records = len(self.records)
        for name, part in (("inputs", self.inputs), ("features", self.features)):
            if part is not None and part.shape[0] != n_records:
                raise DataError(
                    f"`{name}` needs {n_records} rows, one a record, got {part.shape[0]}"
                )
        if not np.isfinite(self.values["value"]).all():
            raise DataError("measured values must be finite; unknown values are not listed")
        if not self.values["record"].between(0, n_records - 1).all():
            raise DataError(f"`values` names a record beyond the {n_records} that there are")
        if not self.values["relation"].isin(RELATIONS).all():
            raise DataError(f"`relation` must be one of {RELATIONS}")

    @classmethod
    def of_inputs(
        cls, inputs: pd.DataFrame, file: str, folder: Path = Path(), names: pd.Series | None = None
    ) -> "RawTable":
        """Columns of examples without measurements; their index counts the file's rows."""
        records = pd.DataFrame({"file": file, "row": np.asarray(inputs.index, dtype=np.int64)})
        records["example"] = (
            "row " + records["row"].astype(str) if names is None else names.to_numpy()
        )
        values = pd.DataFrame(columns=[*VALUES]).astype({"record": np.int64, "value": np.float64})
        return cls(records, inputs.reset_index(drop=True), values, pd.DataFrame(), folder=folder)

    @classmethod
    def of_values(cls, read: pd.DataFrame, steps: Mapping[str, pd.DataFrame]) -> "RawTable":
        """Molecules by the column smiles, a record a value; `steps` are the rows of the summary.

        All have the columns file, row, example, task and value.
        """
        values = read[["task", "value"]].assign(relation="")
        values.insert(0, "record", range(len(read)))
        summary = [
            summary_row(step, found["example"], found["task"]) for step, found in steps.items()
        ]
        return cls(read[[*RECORDS]], read[["smiles"]], values, pd.DataFrame(summary))

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks in the source's order."""
        return tuple(self.values["task"].unique())

    @property
    def names(self) -> np.ndarray:
        """The name of each record's example, an ndarray of object, (R,)."""
        return self.records["example"].to_numpy(dtype=object)

    def column(self, name: str, key: str) -> pd.Series:
        """The user's column `name`, which the setting `key` asks for, (R,).

        Raises
        ------
        DataError
            If there is no such column.
        """
        return column_of(self.inputs, name, key, "the source")

    def take(self, records: Sequence[int] | np.ndarray) -> "RawTable":
        """Some of the records, without what was measured of them."""
        rows = np.asarray(records)
        return RawTable(
            self.records.iloc[rows].reset_index(drop=True),
            self.inputs.iloc[rows].reset_index(drop=True),
            self.values.iloc[:0],
            self.summary,
            None if self.features is None else self.features[rows],
            folder=self.folder,
        )

    def save(self, folder: Path) -> None:
        """Write the table to `folder`; the same table gives the same bytes.

        DataError if nothing was measured.
        """
        if self.values.empty:
            raise DataError("the source holds no measurement; check `fetch` in params.yaml")
        for name in _TABLES:
            files.write_parquet(folder / f"{name}.parquet", getattr(self, name), f"table of {name}")
        files.write_csv(folder / "summary.csv", self.summary)
        # What another source left behind would be taken for this one's.
        (folder / "features.npz").unlink(missing_ok=True)
        (folder / "truth.csv").unlink(missing_ok=True)
        if self.features is not None:
            if isinstance(self.features, np.ndarray):
                arrays = {"dense": self.features}
            else:
                arrays = files.pack_sparse("", self.features)
                arrays["n_features"] = np.array(self.features.shape[1])
            files.save_arrays(folder / "features.npz", "table of features", arrays)
        if self.truth is not None:
            files.write_csv(folder / "truth.csv", self.truth)
        files.write_sums(folder)

    @classmethod
    def load(cls, folder: Path, base: Path = Path()) -> "RawTable":
        """Read a table that `save` wrote; relative paths in the settings start at `base`.

        DataError if a file is missing or is not what `save` wrote.
        """
        features, truth = folder / "features.npz", folder / "truth.csv"
        records, inputs, values = (
            files.read_parquet(folder / f"{name}.parquet", f"table of {name}", _TODO)
            for name in _TABLES
        )
        if inputs.columns.empty:  # the file does not say how many rows have no columns
            inputs = pd.DataFrame(index=records.index)
        with files.reading(folder, "folder of measurements", _TODO):
            return cls(
                records,
                inputs,
                values,
                summary=_read_csv(folder / "summary.csv"),
                features=_load_features(features) if features.exists() else None,
                truth=_read_csv(truth) if truth.exists() else None,
                folder=base,
            )


class Source(Noun):
    """A reader of measurements; its settings are the section `fetch` of params.yaml."""

    @abstractmethod
    def read(self, folder: Path) -> RawTable:
        """Return what was measured.

        Relative paths in the settings start in the study's `folder`, and `.cotrain` inside it keeps
        what was downloaded. DataError if the source cannot be had or is not what it must be.
        """


def fetch(settings: Choice, folder: Path) -> RawTable:
    """Return what the source that `settings.kind` names has measured; see `Source.read`."""
    source: Source = SOURCES.find(settings.kind)(settings)
    return source.read(folder)


def column_of(frame: pd.DataFrame, name: str, key: str, where: object) -> pd.Series:
    """Return the column `name`, which the setting `key` asks for.

    DataError if there is no such column.
    """
    if name in frame.columns:
        return frame[name]
    names = [str(column) for column in frame.columns]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean `{close[0]}`?" if close else f"it has {listing(names, 8) or 'none'}"
    raise DataError(f"{where}: no column `{name}`, which `{key}` names; {hint}")


def summary_row(step: str, examples: pd.Series, tasks: pd.Series) -> dict[str, str | int]:
    """One row of a summary: the distinct examples, and the tasks of the measurements."""
    return {
        "step": step,
        "examples": examples.nunique(),
        "tasks": tasks.nunique(),
        "measurements": len(tasks),
    }


def _load_features(path: Path) -> csr_array | np.ndarray:
    part = files.load_arrays(path, "table of features", _TODO)
    if "dense" in part:
        return part["dense"]
    return files.unpack_sparse("", part, (part["indptr"].size - 1, int(part["n_features"])))


def _read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(files.read_checked(path, _TODO)))
