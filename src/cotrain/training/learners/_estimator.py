"""Any scikit-learn estimator as a learner: what another package needs to add one."""

import io
import json
import zipfile
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import logit

from cotrain.tasks import Features
from cotrain.training._threads import one_thread
from cotrain.training.learners._matrix import as_matrix
from cotrain.training.learners._per_task import PerTaskLearner, TaskModel, TaskRows, TrainedTasks

# The types that scikit-learn's models are made of and that skops does not trust unasked: they
# hold arrays, and reading them runs nothing else.
TRUSTED = (
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)


@dataclass(frozen=True, eq=False)
class Estimator(TaskModel):
    """A fitted classifier of the classes 0 and 1, or a fitted regressor."""

    fitted: Any
    trusted: ClassVar[tuple[str, ...]] = TRUSTED

    def outputs(self, features: Features) -> np.ndarray:
        with one_thread():
            if hasattr(self.fitted, "predict_proba"):
                with np.errstate(divide="ignore"):
                    return np.asarray(logit(self.fitted.predict_proba(as_matrix(features))[:, 1]))
            return np.asarray(self.fitted.predict(as_matrix(features)))

    def arrays(self) -> dict[str, np.ndarray]:
        from skops.io import dumps

        return {"skops": np.frombuffer(_settled(dumps(self.fitted)), dtype=np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The estimator that skops wrote, if it is made of trusted types alone."""
        from skops.io import loads

        archive = arrays["skops"].tobytes()
        try:
            return cls(loads(archive, trusted=list(cls.trusted)))
        except Exception as error:  # skops trusts that a schema is one
            raise ValueError(str(error)) from error


class TrainedEstimators(TrainedTasks):
    """An estimator a member."""

    model = Estimator


class EstimatorLearner(PerTaskLearner):
    """An estimator a task, trained as scikit-learn trains it.

    A subclass gives `Settings` and `estimator`; models of types that `TRUSTED` lacks need a
    subclass of `Estimator` that lists them, and one of `TrainedEstimators` that names it.
    """

    trained: ClassVar[type[TrainedTasks]] = TrainedEstimators

    @abstractmethod
    def estimator(self, is_binary: bool, seed: int) -> Any:
        """An unfitted classifier with `predict_proba`, or regressor, its `random_state` set."""

    def fit_task(self, given: TaskRows) -> Estimator:
        estimator = self.estimator(given.is_binary, given.seed)
        told = {} if given.weights is None else {"sample_weight": given.weights}
        with one_thread():
            fitted = estimator.fit(as_matrix(given.features), given.labels, **told)
        model: Any = self.trained.model
        return model(fitted)


def _settled(archive: bytes) -> bytes:
    """The archive without what differs from time to time: addresses in memory, and dates."""
    read = zipfile.ZipFile(io.BytesIO(archive))
    schema = json.loads(read.read("schema.json"))
    files: dict[str, str] = {}
    _renumber(schema, {}, count(), files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        for old, new in files.items():
            written.writestr(zipfile.ZipInfo(new), read.read(old))
        written.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema))
    return out.getvalue()


def _renumber(
    node: Any, numbers: dict[int, int], fresh: Iterator[int], files: dict[str, str]
) -> None:
    """Number objects as they come; plain values, which Python shares as it likes, each anew."""
    if isinstance(node, dict):
        if "__id__" in node:
            plain = node["__loader__"] == "JsonNode"
            old = node["__id__"]
            node["__id__"] = next(fresh) if plain or old not in numbers else numbers[old]
            if not plain:
                numbers[old] = node["__id__"]
        if "file" in node and "__loader__" in node:
            new = f"{node['__id__']}.{node['file'].partition('.')[2]}"
            node["file"] = files.setdefault(node["file"], new)
        for part in node.values():
            _renumber(part, numbers, fresh, files)
    elif isinstance(node, list):
        for part in node:
            _renumber(part, numbers, fresh, files)
