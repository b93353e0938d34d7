"""What `models.json` says of a folder of models."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cotrain.exceptions import DataError
from cotrain.files import read_sealed, sealed, unsigned
from cotrain.settings import LabelSettings
from cotrain.tasks import TaskKind
from cotrain.training.network import NetworkSettings

MANIFEST = "models.json"
WHAT = "list of models"
Whole = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Figure(_Part):
    """A score on test labels: its mean over repeats and the ends of its interval.

    None where there are too few repeats to know.
    """

    score: str
    mean: float | None
    low: float | None
    high: float | None
    n_repeats: Whole


class TaskNote(_Part):
    """A task: which model serves it, what that was trained on, how it did when it was validated."""

    name: str
    kind: TaskKind
    model: Whole
    n_labels: Whole
    n_positive: Whole | None
    test_scores: list[Figure]


class ModelNote(_Part):
    """A model: the tasks it was trained on, those that it only learns from included."""

    members: Annotated[list[str], Field(min_length=1)]


class Manifest(_Part):
    """All that is known of a folder of models, but for their weights.

    Attributes
    ----------
    data_version : str
        The hash of the task table that the models were trained on.
    features : dict or None
        What makes features of new examples, see `Featurizer.describe`; None: nothing does.
    label, model : LabelSettings, NetworkSettings
        What a label is, and how the models were trained.
    seed : int
    train_folds, validated_folds, n_folds : int
        Folds of labels that these models were trained on, that the validated ones were, and all.
    similarity : list of float or None
        Nearest similarity, at every twentieth of its distribution, of the examples that the test
        scores were measured on to those that the validated models were trained on.
    tasks, models : lists
    files : dict of str to str
        The SHA-256 of each file beside.
    seal : str
        What the file is, and the SHA-256 of itself; see `cotrain.files`.
    """

    format: Literal[2] = 2
    data_version: str
    n_features: Annotated[int, Field(ge=1)]
    features: dict[str, Any] | None
    label: LabelSettings
    model: NetworkSettings
    seed: int
    train_folds: Whole
    validated_folds: Whole
    n_folds: Whole
    similarity: Annotated[list[float], Field(min_length=21, max_length=21)] | None
    tasks: Annotated[list[TaskNote], Field(min_length=1)]
    models: Annotated[list[ModelNote], Field(min_length=1)]
    files: dict[str, str] = Field(default_factory=dict)
    seal: str = ""

    @model_validator(mode="after")
    def _every_task_is_served(self) -> "Manifest":
        names = [task.name for task in self.tasks]
        if len(set(names)) < len(names):
            raise ValueError("tasks must have different names")
        for model in self.models:
            if unknown := sorted(set(model.members) - set(names)):
                raise ValueError(f"models must hold tasks of the list, got `{unknown[0]}`")
        for task in self.tasks:
            if task.model >= len(self.models) or task.name not in self.models[task.model].members:
                raise ValueError(f"`{task.name}` must be served by a model that holds it")
        return self

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read a folder's manifest.

        Raises
        ------
        DataError
            If it is missing or not what it must be.
        """
        path = folder / MANIFEST
        data = read_sealed(path, WHAT, "run `cotrain export`")
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise DataError(f"{path}: {_first(error)}; run `cotrain export` again") from error

    def to_bytes(self) -> bytes:
        """The file, sealed."""
        ready = self.model_copy(update={"seal": unsigned(WHAT)})
        return sealed(ready.model_dump_json(indent=2).encode() + b"\n")


def _first(error: ValidationError) -> str:
    """The first problem in a few words."""
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    reason = problem["msg"].removeprefix("Value error, ")
    return f"`{key}`: {reason}" if key else reason
