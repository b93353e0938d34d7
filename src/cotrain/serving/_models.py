"""The models of a grouping, and the folder that they are kept in."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from cotrain.exceptions import CotrainError, DataError
from cotrain.features import Featurizer, featurizer_of, nearest
from cotrain.serving._card import card
from cotrain.serving._manifest import MANIFEST, Manifest
from cotrain.serving._weights import (
    pack_features,
    pack_weights,
    unpack_features,
    unpack_weights,
)
from cotrain.sources import RawTable
from cotrain.tasks import Features
from cotrain.training.network import TrainedNetwork

KNOWN = "known.safetensors"
_OWN = frozenset({"row", "id", "smiles", "problem", "similarity"})


@dataclass(frozen=True, eq=False)
class TrainedModels:
    """One network a group, which task each serves, and what they were trained on.

    Attributes
    ----------
    manifest : Manifest
    weights : tuple of TrainedNetwork
        The networks, in the manifest's order.
    known : csr_array or ndarray, (N, ...), or None
        Features of the examples trained on; None if nothing makes them of new examples.
    """

    manifest: Manifest
    weights: tuple[TrainedNetwork, ...]
    known: Features | None

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks."""
        return tuple(task.name for task in self.manifest.tasks)

    @property
    def featurizer(self) -> Featurizer:
        """What makes features of new examples.

        Raises
        ------
        DataError
            If nothing does.
        """
        if self.manifest.features is None or self.known is None:
            raise DataError(
                "these models know features of the source's own, which nothing makes anew; "
                "use TrainedModels.predict on such features"
            )
        return featurizer_of(self.manifest.features)

    def predict(self, features: Features) -> np.ndarray:
        """Return probabilities of binary tasks and values of real-valued ones, (n_rows, n_tasks).

        Raises
        ------
        ValueError
            If the features are not as many as the models know.
        """
        if np.prod(features.shape[1:]) != self.manifest.n_features:
            raise ValueError(
                f"features must have {self.manifest.n_features} numbers a row, "
                f"got the shape {features.shape[1:]}"
            )
        predicted = np.empty((features.shape[0], len(self.tasks)))
        for place, weights in enumerate(self.weights):
            output = weights.outputs(features)
            for column, task in enumerate(weights.tasks):
                note = self.manifest.tasks[task]
                if note.model == place:
                    raw = output[:, column]
                    predicted[:, task] = expit(raw) if note.kind == "binary" else raw
        return predicted

    def predict_smiles(self, smiles: Sequence[str]) -> pd.DataFrame:
        """Return one row a molecule; see `predict_raw`.

        Raises
        ------
        DataError
            If the models were trained on other features than those of molecules.
        """
        column = getattr(self.featurizer.settings, "column", None)
        if column is None:
            raise DataError("these models know no molecules; use TrainedModels.predict_raw")
        return self.predict_raw(raw_inputs(pd.DataFrame({column: list(smiles)}), "smiles"))

    def predict_raw(self, raw: RawTable, featurizer: Featurizer | None = None) -> pd.DataFrame:
        """Return one row a record: problem, similarity, and a column a task.

        `problem` says why a row has no predictions, and is empty where it has; `similarity` is
        the largest similarity to an example that was trained on. A task that is called as one of
        these, or as `row` or the like, gets a column with "task: " before its name.

        Raises
        ------
        DataError
            If nothing makes the features that the models know.
        """
        featurizer = featurizer or self.featurizer
        found = featurizer.names(raw)
        known = np.array([name is not None for name in found.names], dtype=bool)
        table = pd.DataFrame({"problem": found.reasons.astype(object), "similarity": np.nan})
        values = np.full((len(table), len(self.tasks)), np.nan)
        if known.any():
            features = featurizer.transform(raw.take(np.flatnonzero(known)))
            table.loc[known, "similarity"] = nearest(featurizer, features, self.known)
            values[known] = self.predict(features)
        return table.join(pd.DataFrame(values, columns=task_columns(self.tasks)))

    def save(self, folder: Path) -> None:
        """Write the models to `folder`, in place of models that were there, whole or not at all.

        The same models give the same bytes.

        Raises
        ------
        CotrainError
            If the folder holds something else, or cannot be written.
        """
        check_place(folder)
        contents = {
            _weights_file(place): pack_weights(weights)
            for place, weights in enumerate(self.weights)
        }
        if self.known is not None:
            contents[KNOWN] = pack_features(self.known)
        sums = {name: _sha256(data) for name, data in contents.items()}
        manifest = self.manifest.model_copy(update={"files": sums})
        contents[MANIFEST] = manifest.to_bytes()
        contents["README.md"] = card(manifest).encode()
        _replace_folder(folder, contents)

    @classmethod
    def load(cls, folder: Path) -> "TrainedModels":
        """Read a folder that `save` wrote. No code of the folder is run.

        Raises
        ------
        DataError
            If a file is missing or is not as it was written.
        """
        manifest = Manifest.load(folder)
        place = {task.name: at for at, task in enumerate(manifest.tasks)}
        weights = []
        for at, model in enumerate(manifest.models):
            path = folder / _weights_file(at)
            tasks = [place[name] for name in model.members]
            data = _read(path, manifest)
            sizes = manifest.n_features, manifest.model.hidden
            is_binary = np.array([manifest.tasks[task].kind == "binary" for task in tasks])
            weights.append(unpack_weights(path, data, tasks, is_binary, *sizes))
        known = None
        if manifest.features is not None:
            path = folder / KNOWN
            known = unpack_features(path, _read(path, manifest), manifest.n_features)
        return cls(manifest, tuple(weights), known)


def task_columns(tasks: Sequence[str]) -> list[str]:
    """Return the columns of predictions: the tasks' names, told apart from our own."""
    names: list[str] = []
    for task in tasks:
        name = task
        while name in _OWN or (name != task and name in tasks):
            name = f"task: {name}"
        names.append(name)
    return names


def raw_inputs(inputs: pd.DataFrame, file: str, folder: Path = Path()) -> RawTable:
    """Return columns of new examples as a raw table without measurements; index = row."""
    records = pd.DataFrame({"file": file, "row": np.asarray(inputs.index, dtype=np.int64)})
    records["example"] = "row " + records["row"].astype(str)
    values = pd.DataFrame(columns=["record", "task", "value", "relation"]).astype(
        {"record": np.int64, "value": np.float64}
    )
    return RawTable(records, inputs.reset_index(drop=True), values, pd.DataFrame(), folder=folder)


def check_place(folder: Path) -> None:
    """Raise unless models can be written to `folder`: it is not there, empty, or holds models.

    Raises
    ------
    CotrainError
        If it is a file, or holds anything else.
    """
    if folder.exists() and not folder.is_dir():
        raise CotrainError(f"{folder}: is a file; name another folder")
    if folder.exists() and not (folder / MANIFEST).exists() and any(folder.iterdir()):
        raise CotrainError(f"{folder}: holds other files than models; name another folder")


def _weights_file(place: int) -> str:
    return f"model-{place + 1}.safetensors"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: Path, manifest: Manifest) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"{path}: cannot be read ({reason}); copy the whole folder, or run `cotrain export`"
        ) from error
    if manifest.files.get(path.name) != _sha256(data):
        raise DataError(
            f"{path}: differs from the file that was exported (its SHA-256 is another); "
            "copy the folder anew, or run `cotrain export` again"
        )
    return data


def _replace_folder(folder: Path, contents: dict[str, bytes]) -> None:
    """Put files into a new folder and that in the place of `folder`."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            new, old = part / "new", part / "old"
            new.mkdir()
            for name, data in contents.items():
                (new / name).write_bytes(data)
            if folder.exists():
                folder.replace(old)
            new.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CotrainError(
            f"{folder}: cannot be written ({reason}); free space or name another folder"
        ) from error
