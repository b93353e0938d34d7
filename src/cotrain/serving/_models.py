"""The models of a grouping, and the folder that they are kept in."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.special import expit

from cotrain.exceptions import CotrainError, DataError
from cotrain.features import canonical_smiles, ecfp
from cotrain.serving._card import card
from cotrain.serving._manifest import MANIFEST, Manifest
from cotrain.serving._similarity import nearest_similarity
from cotrain.serving._weights import (
    pack_fingerprints,
    pack_weights,
    unpack_fingerprints,
    unpack_weights,
)
from cotrain.training.network import TrainedNetwork

MOLECULES = "molecules.safetensors"


@dataclass(frozen=True, eq=False)
class TrainedModels:
    """One network a group, which task each serves, and what they were trained on.

    Attributes
    ----------
    manifest : Manifest
    weights : tuple of TrainedNetwork
        The networks, in the manifest's order.
    molecules : csr_array (N, D) or None
        Fingerprints of the molecules trained on; None if the source brought its own features.
    """

    manifest: Manifest
    weights: tuple[TrainedNetwork, ...]
    molecules: csr_array | None

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks."""
        return tuple(task.name for task in self.manifest.tasks)

    def predict(self, features: csr_array) -> np.ndarray:
        """Return probabilities of binary tasks and values of real-valued ones, (n_rows, n_tasks).

        Raises
        ------
        ValueError
            If the features are not as many as the models know.
        """
        if features.shape[1] != self.manifest.n_features:
            raise ValueError(
                f"features must have {self.manifest.n_features} columns, got {features.shape[1]}"
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
        """Return one row a molecule: problem, similarity, and a column a task.

        `problem` says why a row has no predictions, and is empty where it has; `similarity` is
        the largest Tanimoto similarity to a molecule that was trained on.

        Raises
        ------
        DataError
            If the models were trained on other features than fingerprints.
        """
        fingerprint = self.manifest.fingerprint
        if fingerprint is None or self.molecules is None:
            raise DataError(
                "these models know features of the source's own, not molecules; "
                "use TrainedModels.predict on such features"
            )
        names = canonical_smiles(smiles)
        known = np.array([name is not None for name in names], dtype=bool)
        features = ecfp(
            [name for name in names if name is not None], fingerprint.radius, fingerprint.bits
        )
        problem = np.where(known, "", "SMILES cannot be parsed").astype(object)
        problem[[not text for text in smiles]] = "no SMILES"
        table = pd.DataFrame({"problem": problem, "similarity": np.nan})
        table.loc[known, "similarity"] = nearest_similarity(features, self.molecules)
        values = np.full((len(names), len(self.tasks)), np.nan)
        values[known] = self.predict(features)
        return table.join(pd.DataFrame(values, columns=self.tasks))

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
        if self.molecules is not None:
            contents[MOLECULES] = pack_fingerprints(self.molecules)
        sums = {name: _sha256(data) for name, data in contents.items()}
        manifest = self.manifest.model_copy(update={"files": sums})
        contents[MANIFEST] = manifest.model_dump_json(indent=2).encode() + b"\n"
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
        molecules = None
        if manifest.fingerprint is not None:
            path = folder / MOLECULES
            molecules = unpack_fingerprints(path, _read(path, manifest), manifest.n_features)
        return cls(manifest, tuple(weights), molecules)


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
