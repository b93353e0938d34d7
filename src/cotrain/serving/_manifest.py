"""What `models.json` says of a folder of models."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from cotrain.comparison import roles_of
from cotrain.exceptions import DataError, first_problem
from cotrain.files import read_sealed, sealed, unsigned
from cotrain.settings import LabelSettings, Section
from cotrain.tasks import TaskKind

MANIFEST = "models.json"
WHAT = "list of models"
Whole = Annotated[int, Field(ge=0)]

# Of real-valued tasks: what is learnt, and so predicted, instead of the measured value.
_SCALES = {
    "neg_log10": "-log10 of the measured value",
    "log10": "log10 of the measured value",
    "log10_plus_one": "log10 of 1 + the measured value",
}


class Figure(Section):
    """A score on test labels: its mean over repeats and the ends of its interval.

    None where there are too few repeats to know.
    """

    score: str
    mean: float | None
    low: float | None
    high: float | None
    n_repeats: Whole


class Width(Section):
    """Half an interval around a value, in its unit, from validation residuals.

    None where there were too few examples; `test_coverage` is the share of test labels inside.
    """

    coverage: Annotated[float, Field(gt=0, lt=1)]
    half_width: Annotated[float, Field(ge=0)] | None
    n_examples: Whole
    test_coverage: float | None


class TaskNote(Section):
    """A task: how models are blended for it, what they were trained on, how that did.

    The output is base + scale * the weighted sum of the roles' mean distances from the base rate,
    which calibrates it; see `cotrain.comparison.Blend`.
    """

    name: str
    kind: TaskKind
    # labels in the folds that some model was trained on
    n_labels: Whole
    n_positive: Whole | None
    base: float  # the logit of the share of positives among them, or their mean
    scale: Annotated[float, Field(gt=0)]  # their standard deviation; 1 of a binary task
    weights: dict[str, Annotated[float, Field(ge=0)]]  # what each role counts for
    # the share of the base rate's loss that is taken away on validation labels, and whether that
    # is more than chance gives
    skill: float | None
    p_value: float | None
    skilled: bool
    intervals: list[Width]  # of real-valued tasks
    test_scores: list[Figure]

    @property
    def doubt(self) -> str:
        """Why nothing is claimed of the task's predictions; empty if there is no reason."""
        mean = {found.score: found.mean for found in self.test_scores}
        d2, auroc = mean.get("d2"), mean.get("auroc")
        if self.n_labels == 0:
            return "there is no label to learn it from"
        if not any(self.weights.values()):
            return "every example gets its base rate"
        if d2 is not None and d2 <= 0:
            return f"no better than its base rate on test labels (D² {d2:.3f})"
        if auroc is not None and auroc <= 0.5:
            return f"no better than chance on test labels (AUROC {auroc:.3f})"
        if not self.skilled:
            return "not clearly better than its base rate on validation labels"
        return ""

    def half_width(self, coverage: float) -> float | None:
        """Half the interval of a coverage; None if unknown."""
        return {one.coverage: one.half_width for one in self.intervals}.get(coverage)


class ModelNote(Section):
    """A model: how it was trained, on which tasks, those that it only learns from included."""

    # the learner's name in params.yaml, what it is, and all that it was trained with
    learner: str
    kind: str
    settings: dict[str, Any]
    members: Annotated[list[str], Field(min_length=1)]  # its tasks
    # those that it predicts, the others only helped to train it; empty: all
    serves: list[str] = Field(default_factory=list)
    n_labels: list[Whole]  # of each that it was trained on; without any it does not predict it
    draw: Whole  # which of several models that differ in their seed alone
    train_folds: Whole

    @model_validator(mode="after")
    def _labels_of_each(self) -> "ModelNote":
        if len(self.n_labels) != len(self.members):
            raise ValueError("`n_labels` must have one number a member")
        if unknown := sorted(set(self.serves) - set(self.members)):
            raise ValueError(f"`serves` must name members, got {unknown[0]!r}")
        return self

    def predicts(self, task: str) -> bool:
        """Whether it serves the task, and learnt it from at least one label."""
        labels = dict(zip(self.members, self.n_labels, strict=True))
        return labels.get(task, 0) > 0 and task in (self.serves or self.members)


class Manifest(Section):
    """All that is known of a folder of models, but for the models themselves."""

    format: Literal[4] = 4
    portfolio: str  # what `cotrain validate` called it: which models are blended
    data_version: str  # the hash of the task table that the models were trained on
    n_features: Annotated[int, Field(ge=1)]
    # what makes features of new examples, see `Featurizer.describe`; None: nothing does
    features: dict[str, Any] | None
    label: LabelSettings
    seed: int
    # folds of labels that the validated models were trained on, and all
    validated_folds: Whole
    n_folds: Whole
    # nearest similarity, at every twentieth of its distribution, of the examples that the test
    # scores were measured on to those that the validated models were trained on
    similarity: Annotated[list[float], Field(min_length=21, max_length=21)] | None
    tasks: Annotated[list[TaskNote], Field(min_length=1)]
    models: list[ModelNote]  # without any every task is predicted by its base rate
    files: dict[str, str] = Field(default_factory=dict)  # the SHA-256 of each, by its path here
    seal: str = ""  # what the file is, and the SHA-256 of itself; see `cotrain.files`

    def scale_of(self, task: str) -> str:
        """What a task's predictions are of its measured values; empty: these themselves."""
        label = self.label.of(task)
        return _SCALES.get(label.transform or "none", "") if label.kind == "real" else ""

    @property
    def roles(self) -> tuple[str, ...]:
        """What blends weigh, as models come; see `cotrain.comparison.roles_of`."""
        return tuple(dict.fromkeys(roles_of(self.models)))

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "Manifest":
        names = [task.name for task in self.tasks]
        if len(set(names)) < len(names):
            raise ValueError("tasks must have different names")
        for model in self.models:
            if unknown := sorted(set(model.members) - set(names)):
                raise ValueError(f"models must hold tasks of the list, got {unknown[0]!r}")
        for task in self.tasks:
            if set(task.weights) != set(self.roles):
                raise ValueError(f"{task.name!r} must have a weight for each role of the models")
        return self

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read a folder's manifest; DataError if it is missing or not what it must be."""
        path = folder / MANIFEST
        data = read_sealed(path, WHAT, "run `cotrain export`")
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            wrong = first_problem(error)
            raise DataError(f"{path}: {wrong}; run `cotrain export` again") from error

    def to_bytes(self) -> bytes:
        """The file, sealed."""
        ready = self.model_copy(update={"seal": unsigned(WHAT)})
        return sealed(ready.model_dump_json(indent=2).encode() + b"\n")
