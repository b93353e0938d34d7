"""A source, a featurizer, a splitter and a learner of somebody else, as entry points add them."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from sklearn.naive_bayes import GaussianNB

from cotrain.features import Featurizer
from cotrain.settings import Choice, Section
from cotrain.sources import RawTable, Source
from cotrain.splits import Folds, Splitter, distinct
from cotrain.tasks import Features
from cotrain.training.learners import EstimatorLearner


class Wells(Source):
    """Points of a plane, measured in wells of plates; four assays of which side they lie on."""

    class Settings(Choice):
        kind: Literal["wells"]
        n: int

    def read(self, folder: Path) -> RawTable:
        rng = np.random.default_rng(0)
        n = self.settings.n
        points = pd.DataFrame(rng.normal(size=(n, 2)), columns=["x", "y"])
        names = [f"well {at}" for at in range(n)]
        records = pd.DataFrame({"file": "plates", "row": range(2, n + 2), "example": names})
        values = pd.concat(
            pd.DataFrame({
                "record": range(n), "task": task, "relation": "",
                "value": (points @ side + rng.normal(size=n) > 0).astype(float),
            })
            for task, side in zip("abcd", ((1, 0), (1, 0.2), (0, 1), (0.2, 1)), strict=True)
        )  # fmt: skip
        inputs = points.astype(str).assign(plate=[f"p{at % 12}" for at in range(n)])
        steps = pd.DataFrame([{"step": "read", "examples": n, "tasks": 4, "measurements": 4 * n}])
        order = ["record", "task", "value", "relation"]
        return RawTable(records, inputs, values[order].reset_index(drop=True), steps)


class Pair(Featurizer):
    """Two columns of numbers."""

    class Settings(Choice):
        kind: Literal["pair"]
        columns: list[str]

    def transform(self, raw: RawTable) -> Features:
        columns = [raw.column(name, "columns").astype(float) for name in self.settings.columns]
        return np.stack(columns, axis=1).astype(np.float32)


class ByPlate(Splitter):
    """Plates stay whole, and go round the folds."""

    class Settings(Choice):
        kind: Literal["by_plate"]
        column: str

    def folds(self, raw: RawTable, labels: csr_array, n_folds: int, seed: int) -> Folds:
        plates = raw.column(self.settings.column, "column").to_numpy()[distinct(raw)]
        place = np.unique(plates, return_inverse=True)[1]
        return Folds(place % n_folds, plates)


class Bayes(EstimatorLearner):
    """Naive Bayes of scikit-learn."""

    class Settings(Section):
        kind: Literal["bayes"] = "bayes"
        smoothing: float = 1e-9

    def estimator(self, is_binary: bool, seed: int) -> Any:
        return GaussianNB(var_smoothing=self.settings.smoothing)
