"""The models of a portfolio: kept in a folder, and blended to predict."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.special import expit

from cotrain.comparison import model_shares, roles_of
from cotrain.exceptions import DataError
from cotrain.features import Featurizer, featurizer_of, nearest
from cotrain.registry import LEARNERS
from cotrain.serving._card import card
from cotrain.serving._folder import (
    check_part,
    pack_features,
    read_file,
    sums,
    unpack_features,
    whole_folder,
)
from cotrain.serving._manifest import MANIFEST, Manifest, ModelNote, TaskNote
from cotrain.sources import RawTable
from cotrain.tasks import Features
from cotrain.training import Trained

KNOWN = "known.safetensors"
CARD = "README.md"
COVERAGE = 0.9
_OWN = frozenset({"row", "id", "smiles", "problem", "similarity"})


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is predicted for some rows, each (n_rows, n_tasks)."""

    # calibrated probabilities of binary tasks, values of real-valued ones; NaN for tasks without
    # any label
    value: np.ndarray
    # the ends of the interval around each value; NaN for binary tasks and where it is unknown
    low: np.ndarray
    high: np.ndarray
    # how far the blended models are apart: the standard deviation of what would be predicted if
    # all said what one does, each counting as in the blend; NaN with fewer than two models
    spread: np.ndarray


@dataclass(frozen=True, eq=False)
class TrainedModels:
    """The models of a portfolio, how they are blended, and what they were trained on.

    Attributes
    ----------
    manifest : Manifest
    models : tuple of Trained
        In the manifest's order.
    known : csr_array or ndarray, (N, ...), or None
        Features of the examples trained on; None if nothing makes them of new examples.
    """

    manifest: Manifest
    models: tuple[Trained, ...]
    known: Features | None

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(task.name for task in self.manifest.tasks)

    @property
    def doubts(self) -> dict[str, str]:
        """The tasks of which nothing is claimed, and why."""
        return {task.name: task.doubt for task in self.manifest.tasks if task.doubt}

    @property
    def featurizer(self) -> Featurizer:
        """What makes features of new examples; DataError if nothing does."""
        if self.manifest.features is None or self.known is None:
            raise DataError(
                "these models know features of the source's own, which nothing makes anew; "
                "use TrainedModels.predict on such features"
            )
        return featurizer_of(self.manifest.features)

    def predict(self, features: Features, molecules: np.ndarray | None = None) -> np.ndarray:
        """Return probabilities of binary tasks and values of real-valued ones, (n_rows, n_tasks).

        `molecules` are the canonical SMILES of the rows, an ndarray of object (n_rows,), which
        models need that read molecules.

        Raises
        ------
        ValueError
            If the features are not as many as the models know, or molecules are missing.
        """
        return self.forecast(features, molecules=molecules).value

    def forecast(
        self, features: Features, coverage: float = COVERAGE, molecules: np.ndarray | None = None
    ) -> Forecast:
        """Return values, intervals that hold a share `coverage` of new values, and spreads.

        ValueError as from `predict`.
        """
        if np.prod(features.shape[1:]) != self.manifest.n_features:
            raise ValueError(
                f"features must have {self.manifest.n_features} numbers a row, "
                f"got the shape {features.shape[1:]}"
            )
        shape = (features.shape[0], len(self.tasks))
        value, spread = np.full((2, *shape), np.nan)
        width = np.full(len(self.tasks), np.nan)
        inputs = {"features": features, "molecules": molecules}
        if molecules is None and any(model.reads == "molecules" for model in self.models):
            raise ValueError(
                "one of the models reads molecules: give their canonical SMILES as `molecules`, "
                "or use predict_smiles"
            )
        outputs = [model.outputs(inputs[model.reads]) for model in self.models]
        notes, roles = self.manifest.models, self.manifest.roles
        owner = np.array([roles.index(role) for role in roles_of(notes)], dtype=int)
        for at, task in enumerate(self.manifest.tasks):
            if task.n_labels == 0:
                continue
            holds = np.array([note.predicts(task.name) for note in notes], dtype=bool)
            columns = [
                outputs[place][:, notes[place].members.index(task.name)]
                for place in np.flatnonzero(holds)
            ]
            said = np.stack(columns, axis=1) if columns else np.empty((shape[0], 0))
            weights = np.array([task.weights[role] for role in roles])
            shares = model_shares(holds, owner, weights)[holds]
            value[:, at], spread[:, at] = _blend(said, shares, task)
            half_width = task.half_width(coverage) if task.kind == "real" else None
            width[at] = np.nan if half_width is None else half_width
        return Forecast(value, value - width, value + width, spread)

    def predict_smiles(self, smiles: Sequence[str]) -> pd.DataFrame:
        """Return one row a molecule; see `predict_raw`.

        DataError if the models were trained on other features than those of molecules.
        """
        column = getattr(self.featurizer.settings, "column", None)
        if column is None:
            raise DataError("these models know no molecules; use TrainedModels.predict_raw")
        return self.predict_raw(RawTable.of_inputs(pd.DataFrame({column: list(smiles)}), "smiles"))

    def predict_raw(
        self,
        raw: RawTable,
        featurizer: Featurizer | None = None,
        *,
        coverage: float = COVERAGE,
        short: bool = False,
    ) -> pd.DataFrame:
        """Return one row a record: problem, similarity, and the columns of each task.

        `problem` says why a row has no predictions, and is empty where it has; `similarity` is
        the largest similarity to an example that was trained on. A task's column is followed by
        its interval (`low`, `high`, of real-valued tasks) and `spread` behind its name, unless
        `short`. A task that is called as one of our columns gets one with "task: " before its name.

        Raises
        ------
        DataError
            If nothing makes the features that the models know.
        """
        featurizer = featurizer or self.featurizer
        found = featurizer.names(raw)
        known = np.array([name is not None for name in found.names], dtype=bool)
        table = pd.DataFrame({"problem": found.reasons.astype(object), "similarity": np.nan})
        forecast = Forecast(*(np.full((len(table), len(self.tasks)), np.nan) for _ in range(4)))
        if known.any():
            features = featurizer.transform(raw.take(np.flatnonzero(known)))
            table.loc[known, "similarity"] = nearest(featurizer, features, self.known)
            new = self.forecast(features, coverage, found.names[known])
            for name in ("value", "low", "high", "spread"):
                getattr(forecast, name)[known] = getattr(new, name)
        return table.join(self._columns(forecast, short))

    def _columns(self, forecast: Forecast, short: bool) -> pd.DataFrame:
        names = task_columns(self.tasks)
        taken, columns = {*names, *_OWN}, {}
        for at, task in enumerate(self.manifest.tasks):
            columns[names[at]] = forecast.value[:, at]
            parts = () if short else ("low", "high", "spread")
            for part in parts[0 if task.kind == "real" else 2 :]:
                name = f"{names[at]} {part}"
                while name in taken:
                    name = f"{name} of it"
                taken.add(name)
                columns[name] = getattr(forecast, part)[:, at]
        return pd.DataFrame(columns, index=range(len(forecast.value)))

    def save(self, folder: Path) -> None:
        """Write the models to `folder`, in place of models that were there, whole or not at all.

        The same models give the same bytes. CotrainError if the folder holds something else, or
        cannot be written.
        """
        with whole_folder(folder) as new:
            for place, model in enumerate(self.models):
                part = new / _part(place)
                part.mkdir()
                model.save(part)
            if self.known is not None:
                (new / KNOWN).write_bytes(pack_features(self.known))
            (new / CARD).write_bytes(card(self.manifest).encode())
            manifest = self.manifest.model_copy(update={"files": sums(new)})
            (new / MANIFEST).write_bytes(manifest.to_bytes())

    @classmethod
    def load(cls, folder: Path) -> "TrainedModels":
        """Read a folder that `save` wrote. No code of the folder is run.

        DataError if a file is missing or is not as it was written.
        """
        manifest = Manifest.load(folder)
        known = None
        if manifest.features is not None:
            data = read_file(folder, KNOWN, manifest.files)
            known = unpack_features(folder / KNOWN, data, manifest.n_features)
        row = csr_array((1, manifest.n_features), dtype=np.float32) if known is None else known[:1]
        models = [
            _load(check_part(folder, _part(place), manifest.files), note, manifest, row)
            for place, note in enumerate(manifest.models)
        ]
        return cls(manifest, tuple(models), known)


def _part(place: int) -> str:
    return f"model-{place + 1}"


def _load(part: Path, note: ModelNote, manifest: Manifest, row: Features) -> Trained:
    """The model in a sub-folder, which must predict what the manifest says from such a row."""
    try:
        kind = LEARNERS.find(note.kind)
        if isinstance(kind.trained, property):  # of a trunk of one's own the settings tell it
            kind = kind(kind.Settings.model_validate(note.settings))
        trained: Trained = kind.trained.load(part)
    except ValueError as error:
        todo = "install what it needs, or run beside the trunk"
        raise DataError(f"{part}: cannot be read: {error}; {todo}") from error
    place = {task.name: at for at, task in enumerate(manifest.tasks)}
    tasks = [place[name] for name in note.members]
    is_binary = [manifest.tasks[task].kind == "binary" for task in tasks]
    if trained.reads == "molecules":
        row = np.array(["C"], dtype=object)
    try:
        if trained.tasks.tolist() != tasks or trained.is_binary.tolist() != is_binary:
            raise ValueError("its tasks are others")
        if trained.outputs(row).shape != (row.shape[0], len(tasks)):
            raise ValueError("it predicts another number of tasks")
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        what = "the model that models.json describes"
        raise DataError(f"{part}: is not {what} ({error}); run `cotrain export` again") from error
    return trained


def _blend(said: np.ndarray, shares: np.ndarray, task: TaskNote) -> tuple[np.ndarray, np.ndarray]:
    """The blended prediction of a task, and the spread of its models, each (n_rows,).

    `said` holds the outputs of the models that hold the task, (n_rows, n_holding).
    """

    def prediction(distance: np.ndarray) -> np.ndarray:
        output = task.base + task.scale * distance
        return np.asarray(expit(output) if task.kind == "binary" else output)

    anchored = (said - task.base) / task.scale
    value = prediction(anchored @ shares)
    if (shares > 0).sum() < 2:
        return value, np.full(value.size, np.nan)
    each, part = prediction(anchored * shares.sum()), shares / shares.sum()
    mean = each @ part
    return value, np.sqrt(((each - mean[:, None]) ** 2) @ part)


def task_columns(tasks: Sequence[str]) -> list[str]:
    """Return the columns of predictions: the tasks' names, told apart from our own."""
    names: list[str] = []
    for task in tasks:
        name = task
        while name in _OWN or (name != task and name in tasks):
            name = f"task: {name}"
        names.append(name)
    return names
