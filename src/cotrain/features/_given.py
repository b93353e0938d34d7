"""Features that somebody else has made: an .npz or Parquet file, or the source's own."""

import math
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, issparse, load_npz

from cotrain.exceptions import DataError
from cotrain.features._featurizer import Featurizer
from cotrain.settings import Choice
from cotrain.sources import RawTable
from cotrain.tasks import Features


class GivenSettings(Choice):
    """Where the features are, and how rows are told apart.

    `path`: null for the source's own. `id`: the column of the examples' names in a Parquet file,
    or the array of them in an .npz; null: rows stand in the order of the source's.
    """

    kind: Literal["given"]
    path: str | None
    array: str | None = None
    id: str | None = None


class Given(Featurizer):
    """Embeddings by example, dense or sparse, as they are."""

    Settings = GivenSettings

    def fit(self, raw: RawTable) -> Self:  # noqa: ARG002
        """Note whether the features are the source's own, so that nothing makes them anew."""
        self.state = {"own": self.settings.path is None}
        return self

    def transform(self, raw: RawTable) -> Features:
        wanted: GivenSettings = self.settings
        if wanted.path is not None:
            path = raw.folder / wanted.path
            array, names = read_features(path, wanted.array, wanted.id)
            return check_finite(array[places_of(raw, path, array.shape[0], names)], wanted.path)
        if raw.features is None:
            raise DataError("the source has no features of its own; set `prepare.features.path`")
        return check_finite(raw.features, "the source's features")

    def notes(self, raw: RawTable, features: Features) -> list[str]:  # noqa: ARG002
        spread = features.max(axis=0) - features.min(axis=0)
        size = math.prod(spread.shape)
        n_alike = size - (spread.count_nonzero() if issparse(spread) else np.count_nonzero(spread))
        return [f"{n_alike} of {size} features hold one value alone"] if n_alike else []


def read_features(
    path: Path, array: str | None, id_name: str | None
) -> tuple[Features, np.ndarray | None]:
    """Return a file's features, (M, ...), and the names of its rows, (M,), if `id_name` says so."""
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            names = None if id_name is None else frame.pop(id_name).astype(str).to_numpy()
            if texts := [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]:
                raise DataError(
                    f"{path}: the column `{texts[0]}` is no feature, for it holds no numbers; if "
                    "it names the rows, set `prepare.features.id`, else take it out"
                )
            return frame.to_numpy(dtype=np.float32), names
        with path.open("rb") as file, np.load(file, allow_pickle=False) as part:
            names = None if id_name is None else part[id_name].astype(str)
            if {"indptr", "indices", "data", "shape"} <= set(part.files) and array is None:
                file.seek(0)
                return csr_array(load_npz(file), dtype=np.float32), names
            others = [name for name in part.files if name != id_name]
            if array is None and len(others) != 1:
                raise DataError(
                    f"{path}: holds the arrays {', '.join(others)}; name one as "
                    "`prepare.features.array`"
                )
            return np.asarray(part[array or others[0]]), names
    except DataError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path}: cannot be read ({reason}); correct the path") from error
    except KeyError as error:
        raise DataError(f"{path}: holds no {error.args[0]}; correct `prepare.features`") from error
    except Exception as error:  # numpy, pyarrow and zlib have families of theirs
        raise DataError(f"{path}: not an .npz or Parquet file of numbers ({error})") from error


def name_column(path: Path, names: pd.Series) -> str | None:
    """Return the column or array of a file that holds most of some names, at least half, if any.

    Not all: a file that lacks some must be told so, not be read in the order of its rows.
    """
    wanted = pd.Index(names.astype(str).unique())
    try:
        if path.suffix == ".parquet":
            found = {str(name): column.to_numpy() for name, column in pd.read_parquet(path).items()}
        else:
            with np.load(path, allow_pickle=False) as part:
                found = {name: part[name] for name in part.files}
    except Exception:  # `prepare` says what is wrong with it
        return None
    shares = {
        name: wanted.isin(values.astype(str)).mean()
        for name, values in found.items()
        if values.ndim == 1
        and (
            values.dtype.kind in "OTU" or (values.dtype.kind in "iu" and pd.Index(values).is_unique)
        )
    }
    best = max(shares, key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] >= 0.5 else None


def places_of(raw: RawTable, path: Path, n_rows: int, names: np.ndarray | None) -> np.ndarray:
    """Return the row of a file for each record: by name, or else by the record's place."""
    if names is None:
        places = raw.records["row"].to_numpy(dtype=np.int64) - 2
        missing = (places < 0) | (places >= n_rows)
        said = [f"row {row}" for row in raw.records["row"][missing]]
    else:
        index = pd.Index(names)
        if index.has_duplicates:
            raise DataError(f"{path}: `{index[index.duplicated()][0]}` stands twice; keep one row")
        places = index.get_indexer(pd.Index(raw.records["example"].astype(str)))
        missing = places < 0
        said = raw.records["example"][missing].tolist()
    if missing.any():
        raise DataError(
            f"{path}: {len(said)} of {len(places)} examples have no features, the first is "
            f"`{said[0]}`; add them, or remove them from the source"
        )
    return np.asarray(places)


def check_finite(features: Features, where: object) -> Features:
    """Return features as float32, all of them finite."""
    data = features if isinstance(features, np.ndarray) else features.data
    if not np.issubdtype(data.dtype, np.number) and data.dtype != bool:
        raise DataError(f"{where}: features must be numbers, got {data.dtype}")
    if not np.isfinite(data).all():
        count = int((~np.isfinite(data)).sum())
        raise DataError(f"{where}: {count} features are not finite; fill or remove them")
    found = features.astype(np.float32)
    if not isinstance(found, np.ndarray):
        found = csr_array(found)
        found.sort_indices()
    return found
